"""What the sandbox answers when it says no, in the words of kube-apiserver. Layer: sandbox, pure.

Source: the ``message`` fields that kube-apiserver 1.36 answers with; the contract suite compares class and reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.cluster import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    ObjectNotFoundError,
    RejectedError,
    UnknownKindError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.fields.merge import Conflict
    from bundler.model.refs import ObjectRef, ResourceType

CORRECT = "correct the object in the bundle's templates or values"
AGAIN = "run the command again: someone changed the object in the meantime"


def resource_name(served: ResourceType) -> str:
    """Return how the server names a kind in its messages: ``deployments.apps``."""
    return f"{served.plural}.{served.group}" if served.group else served.plural


def doing(verb: str, ref: ObjectRef) -> str:
    """Say what was being done to which object."""
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    return f"{verb} {ref.short}{where}"


def unknown_kind(verb: str, ref: ObjectRef, version: str) -> UnknownKindError:
    """Answer for a kind that is not served.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        version: empty where any would do.
    """
    api = "/".join(part for part in (ref.group, version) if part) or "v1"
    return UnknownKindError(
        doing(verb, ref),
        context=[f'no matches for kind "{ref.kind}" in version "{api}"'],
        hint="install the CustomResourceDefinition that serves this kind, or correct apiVersion and kind",
    )


def missing_namespace(verb: str, ref: ObjectRef) -> ObjectNotFoundError:
    """Answer for a write into a namespace that does not exist."""
    return ObjectNotFoundError(
        doing(verb, ref),
        context=[f'namespaces "{ref.namespace}" not found'],
        hint=f"create the namespace {ref.namespace} first",
    )


def leaving_namespace(verb: str, ref: ObjectRef, served: ResourceType) -> ForbiddenError:
    """Answer for a create in a namespace that is being deleted.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        served: how the kind is served.
    """
    why = f"unable to create new content in namespace {ref.namespace} because it is being terminated"
    return _forbidden(verb, ref, served, why, hint="wait until the namespace is gone", is_leaving=True)


def over_quota(verb: str, ref: ObjectRef, served: ResourceType, why: str) -> ForbiddenError:
    """Answer for a create that a ResourceQuota does not allow.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        served: how the kind is served.
        why: the reason, in the server's words.
    """
    return _forbidden(verb, ref, served, why, hint="ask for a larger quota, or request less", is_quota=True)


def may_not_grow(verb: str, ref: ObjectRef, served: ResourceType, why: str) -> ForbiddenError:
    """Answer for a volume claim that its storage class does not let grow.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        served: how the kind is served.
        why: the reason, in the server's words.
    """
    return _forbidden(verb, ref, served, why, hint="keep the size, or ask for a storage class that allows expansion")


def _forbidden(verb: str, ref: ObjectRef, served: ResourceType, why: str, *, hint: str, **kind: bool) -> ForbiddenError:
    found = f'{resource_name(served)} "{ref.name}" is forbidden: {why}'
    return ForbiddenError(doing(verb, ref), context=[found], hint=hint, **kind)


def not_found(verb: str, ref: ObjectRef, served: ResourceType) -> ObjectNotFoundError:
    """Answer for an object that had to be there.

    Args:
        verb: for messages.
        ref: the object.
        served: how the kind is served.
    """
    return ObjectNotFoundError(
        doing(verb, ref),
        context=[f'{resource_name(served)} "{ref.name}" not found'],
        hint="run the command again: it was deleted in the meantime",
    )


def already_exists(ref: ObjectRef, served: ResourceType) -> AlreadyExistsError:
    """Answer for a create of something that is there."""
    return AlreadyExistsError(
        doing("creating", ref),
        context=[f'{resource_name(served)} "{ref.name}" already exists'],
        hint="choose another name, or check the object that has this one",
    )


def stale(verb: str, ref: ObjectRef, served: ResourceType, why: str) -> ConflictError:
    """Answer for a precondition that does not hold.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        served: how the kind is served.
        why: the reason, in the server's words.
    """
    return ConflictError(
        doing(verb, ref),
        context=[f'Operation cannot be fulfilled on {resource_name(served)} "{ref.name}": {why}'],
        hint=AGAIN,
    )


def field_conflicts(ref: ObjectRef, conflicts: Sequence[Conflict]) -> ConflictError:
    """Answer for fields that other managers own."""
    plural = "conflict" if len(conflicts) == 1 else "conflicts"
    return ConflictError(
        doing("applying", ref),
        context=[
            f"Apply failed with {len(conflicts)} {plural}",
            *(f"{conflict.path}: {conflict.message}" for conflict in conflicts),
        ],
        hint="have the other manager give up the fields, or leave them out of the bundle",
        conflicts=[(conflict.path, conflict.manager) for conflict in conflicts],
    )


def bad_request(verb: str, ref: ObjectRef, message: str) -> RejectedError:
    """Answer 400.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        message: of the answer.
    """
    return RejectedError(doing(verb, ref), context=[message], hint=CORRECT)


def invalid(verb: str, ref: ObjectRef, problems: Sequence[str]) -> RejectedError:
    """Answer 422 with every problem, each as ``path: what``, in the lines that the client makes of a Status.

    Args:
        verb: what the client does, for messages: ``applying``.
        ref: the object.
        problems: each ``path: what``.
    """
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    head = f'{kind} "{ref.name}" is invalid'
    if len(problems) == 1:
        lines: list[str] = [Found(f"{head}: {problems[0]}", field=problems[0].partition(": ")[0])]
    else:
        lines = [head, *(_cause(problem) for problem in sorted(problems))]
    return RejectedError(doing(verb, ref), context=lines, hint=CORRECT)


def _cause(problem: str) -> Found:
    field, _, message = problem.partition(": ")
    return Found(problem, message=message, field=field)


def expired(version: str, oldest: int) -> ExpiredError:
    """Answer for a watch from a version that the log no longer reaches."""
    return ExpiredError(
        "watching", context=[f"too old resource version: {version} ({oldest})"], hint="list again and watch from there"
    )
