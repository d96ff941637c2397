"""Turn refusals and failures into our errors, once. Layer: adapter, pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bundler.cluster.status import read_status
from bundler.errors import Again, Found, respelled
from bundler.errors.cluster import (
    AlreadyExistsError,
    ApiUnavailableError,
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    ObjectNotFoundError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnknownKindError,
)
from bundler.http.retry import PROXY_HINT
from bundler.model.lean import dataclass
from bundler.model.names import service_account
from bundler.model.redaction import MASK, Redactor
from bundler.model.rights import MissingRight
from bundler.model.secret_leaves import leaf_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.cluster.request import Request
    from bundler.cluster.status import Status
    from bundler.http.retry import Failure
    from bundler.model.cluster import Payload

_MANAGER = re.compile(r'conflict with "(?P<manager>(?:[^"\\]|\\.)*)"')
_QUOTA_WORDS = ("exceeded quota", "failed quota")
_ANONYMOUS = 'User "system:anonymous"'
_DENIED = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_CANNOT_ACT = re.compile(r'User "(?P<user>[^"]*)" cannot impersonate')
"""How a server refuses that we act as someone else, by the verb ``impersonate`` or (1.36) ``impersonate-on:…``."""
_QUOTED = re.compile(r"\bgot .*")
_REFUSED_CODES = frozenset({400, 402, 405, 406, 413, 415, 422, 500})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """As whom requests are sent."""

    name: str = ""
    """Of the kubeconfig's user; empty where it has none."""
    acts_as: str = ""
    """The user that the server is asked to take us for; empty: ourselves."""


def error_of(request: Request, code: int, body: bytes, *, user: Sender) -> ClusterError:
    """Return the error that an answer with status 400 or more stands for; ``user`` is who we think we are.

    Args:
        request: that was sent.
        code: HTTP status.
        body: of the answer.
        user: who sent it.
    """
    return error_of_status(request, read_status(code, body), user=user)


def error_of_status(request: Request, status: Status, *, user: Sender) -> ClusterError:
    """Return the error that a Status stands for.

    Args:
        request: that was sent.
        status: as the server sent it.
        user: who sent it.
    """
    found = _masked(_found(status), request.payload)
    match status.code:
        case 401:
            hint = "log in again, or check the credentials of this user in the kubeconfig"
            error: ClusterError = UnauthorizedError(
                request.doing, context=[*found, f"sent as user {user.name or 'unknown'} of the kubeconfig"], hint=hint
            )
        case 403:
            error = _cannot_act(request, status, user) or _forbidden(request, status, found)
        case 404:
            error = _not_found(request, status, found)
        case 410:
            error = ExpiredError(request.doing, context=found, hint="run the command again")
        case 409 | 422 if status.code == 409 or is_foreign_uid(status):
            error = _conflict(request, status, found)
        case code if code in _REFUSED_CODES:
            error = RejectedError(request.doing, context=found, hint=_rejected_hint(request, status))
        case code:
            error = ClusterError(request.doing, context=[f"status {code}", *found], hint="read the server's message")
    return error


def unavailable(doing: str, *, server: str, failure: Failure, tries: int) -> UnavailableError:
    """Return the error for a server that could not be reached, or failed until the time ran out.

    Args:
        doing: what is being done, for messages.
        server: its address.
        failure: the last one.
        tries: how often it was tried.
    """
    hint: str = Again("check the network, the proxy and that the API server runs, then ")
    if failure.waits_for:
        first = "check that the pods behind the webhook are ready, or ask its owner, then "
        hint = Again(first, after=": its failurePolicy refuses what it cannot see")
    if failure.is_proxy:
        hint = PROXY_HINT
    if failure.is_trust:
        hint = "give the right certificate-authority in the kubeconfig, or tls-server-name where the name differs"
    how_often = "1 try" if tries == 1 else f"{tries} tries"
    who = f"{failure.waits_for} did not answer the API server" if failure.waits_for else server
    return UnavailableError(doing, context=[f"{who}: {failure.why} ({how_often})"], hint=hint)


def unreadable(request: Request, server: str) -> ClusterError:
    """Return the error for an answer of success that is not a JSON object."""
    hint = "check that the kubeconfig's server is a Kubernetes API, and what a proxy in between answers"
    return ClusterError(request.doing, context=[f"{server}: the answer is not a JSON object"], hint=hint)


def unknown_kind(group: str, kind: str, version: str, *, doing: str) -> UnknownKindError:
    """Return the error for a kind that is not served.

    Args:
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        version: empty where any would do.
        doing: what is being done, for messages.
    """
    api = "/".join(part for part in (group, version) if part) or "v1"
    hint = "install the CRD or the operator that brings this kind, or check apiVersion and kind"
    if (group, kind) == ("", "Secret"):
        hint = "check that the kubeconfig's server is the address of a Kubernetes API: every one has this kind"
    return UnknownKindError(doing, context=[f"the server knows no kind {kind} in {api}"], hint=hint)


def api_unavailable(api_version: str, *, doing: str) -> ApiUnavailableError:
    """Return the error for an API whose own server does not answer."""
    group, _, version = api_version.rpartition("/")
    service = f"{version}.{group}"
    return ApiUnavailableError(
        doing,
        context=[f"APIService/{service} does not answer, so that no one can say which objects of {api_version} exist"],
        hint=Again(f"repair the server behind it (`kubectl describe apiservice {service}`), then "),
    )


def conflicts_of(status: Status) -> tuple[tuple[str, str], ...]:
    """Return (path, manager) of every field that another manager owns, sorted."""
    pairs = []
    for cause in status.causes:
        if cause.reason == "FieldManagerConflict":
            match = _MANAGER.search(cause.message)
            pairs.append((cause.field, match["manager"] if match else cause.message))
    return tuple(sorted(set(pairs)))


def is_foreign_uid(status: Status) -> bool:
    """Return whether an apply met another object of that name: its uid precondition is then an immutable field."""
    return status.code == 422 and any(cause.field == "metadata.uid" for cause in status.causes)


def _found(status: Status) -> Sequence[str]:
    """Return the server's words: the message, or its causes where they say the same one by one."""
    causes = [
        Found(f"{cause.field}: {cause.message}", message=cause.message, field=cause.field)
        if cause.field
        else cause.message
        for cause in status.causes
    ]
    if not causes:
        return [status.message]
    if all(cause.message in status.message for cause in status.causes) and len(causes) == 1:
        return [Found(status.message, field=status.causes[0].field)]
    head = status.message.partition(": [")[0].partition(" conflicts:")[0]
    return [head, *sorted(causes)]


def cannot_act(status: Status) -> bool:
    """Return whether a server refuses that we act as someone else, whatever the request is."""
    return status.code == 403 and _CANNOT_ACT.search(status.message) is not None


def _cannot_act(request: Request, status: Status, user: Sender) -> ForbiddenError | None:
    match = _CANNOT_ACT.search(status.message)
    if match is None or not user.acts_as:
        return None
    if (account := service_account(user.acts_as)) is not None:
        right = MissingRight(verb="impersonate", group="", resource="serviceaccounts", namespace=account[0])
        role = right.role(account[1])
    else:
        right = MissingRight(verb="impersonate", group="", resource="users", namespace="")
        role = f"{right.role()} (and on its groups)"
    return ForbiddenError(
        request.doing,
        context=[f"{match['user']} may not act as {user.acts_as}"],
        hint=f"give {match['user']} {role}, or act as no one else",
    )


def _forbidden(request: Request, status: Status, found: Sequence[str]) -> ForbiddenError:
    match = _DENIED.search(status.message)
    if _ANONYMOUS in status.message:
        hint = "give the context a user with a token, a certificate or a plugin: no credentials were sent"
        return ForbiddenError(request.doing, context=found, hint=hint)
    if match is None:
        if any(cause.reason == "NamespaceTerminating" for cause in status.causes):
            hint = "wait until the namespace is deleted, then run the command again"
            return ForbiddenError(request.doing, context=found, hint=hint, is_leaving=True)
        hint = "read the server's message: a quota, a policy or an admission rule of the cluster refuses this"
        is_quota = any(words in status.message for words in _QUOTA_WORDS)
        return ForbiddenError(request.doing, context=found, hint=hint, is_quota=is_quota)
    right = MissingRight(
        verb=match["verb"],
        group=match["group"] or "",
        resource=match["resource"],
        namespace=match["namespace"] or "",
    )
    where = f"in namespace {right.namespace}" if right.namespace else "in the whole cluster"
    return ForbiddenError(
        request.doing,
        context=[f"cannot {right.verb} {right.resource_name} {where} as {match['user']}"],
        hint=f"ask for {right.role()}{_used_for(right.verb)}",
    )


def _used_for(verb: str) -> str:
    return " (used for dry-run and apply)" if verb == "patch" else ""


def _not_found(request: Request, status: Status, found: Sequence[str]) -> ClusterError:
    if status.kind == "namespaces" and request.namespace and request.resource_name != "namespaces":
        hint = f"create the namespace first: kubectl create namespace {request.namespace}"
        return ObjectNotFoundError(request.doing, context=found, hint=hint)
    if is_unknown_path(status):
        kind = request.resource
        if kind is not None:
            return unknown_kind(kind.group, kind.kind, kind.version, doing=request.doing)
        return UnknownKindError(request.doing, context=found, hint="check the server's version and its address")
    return ObjectNotFoundError(request.doing, context=found, hint="check the name and namespace; it may be deleted")


def is_unknown_path(status: Status) -> bool:
    """Return whether a 404 is about the path, not about an object."""
    return not status.is_from_api or not status.kind


def _conflict(request: Request, status: Status, found: Sequence[str]) -> ClusterError:
    if status.reason == "AlreadyExists":
        hint = "choose another name, or check the object that has this one"
        return AlreadyExistsError(request.doing, context=found, hint=hint)
    conflicts = conflicts_of(status)
    if conflicts:
        lines = [f"{path} is owned by {manager}" for path, manager in conflicts]
        hint = "have that manager give up the field, or remove it from the bundle"
        return ConflictError(request.doing, context=lines, hint=hint, conflicts=conflicts)
    hint = "run the command again: someone else changed or replaced it meanwhile"
    return ConflictError(request.doing, context=found, hint=hint)


_POLICIES = ("admission webhook", "ValidatingAdmissionPolicy")
"""What the API server calls those who refused a write, in its message."""


def _rejected_hint(request: Request, status: Status) -> str:
    if not status.is_from_api:
        return "check the server's address in the kubeconfig, and what a proxy in between answers"
    if "not declared in schema" in status.message or "unknown field" in status.message:
        return "correct the field's name or place, or check that the apiVersion has it"
    is_of_policy = any(name in status.message for name in _POLICIES)
    if request.verb == "delete":
        who = "a policy of this cluster" if is_of_policy else "the server"
        return f"read why {who} refuses the deletion, or ask its owner; then run the same command again"
    if is_of_policy:
        return "a policy of this cluster refuses the object; change it, or ask the owner of the policy"
    return "correct the object as the server's message says"


def _masked(lines: Sequence[str], payload: Payload | None) -> list[str]:
    """Mask what may not be shown: the server quotes what it cannot read, of a Secret too."""
    if payload is None or payload.ref.kind != "Secret" or payload.ref.group:
        return list(lines)
    redactor = Redactor()
    leaves = set(leaf_texts(json.loads(payload.content)))
    redactor.learn(*leaves)
    quoted = {json.dumps(leaf, ensure_ascii=is_ascii) for leaf in leaves for is_ascii in (True, False)}

    def masked(text: str) -> str:
        for leaf in quoted:
            text = text.replace(leaf, f'"{MASK}"')
        # A long quotation may have been cut, and then it is not a whole leaf any more.
        return _QUOTED.sub("got ***", redactor.redact(text))

    return [respelled(line, masked) for line in lines]
