"""Apply, create and replace by the API server's rules. Layer: sandbox, pure over a store.

Every function works inside a transaction; a dry-run is one that is dropped.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.fields.custom_rules import custom_problems, with_custom_defaults
from bundler.fields.fitting import type_problems
from bundler.fields.kinds import kind_info
from bundler.fields.merge import server_side_apply, track_update
from bundler.fields.schema import unknown_fields
from bundler.fields.validation import object_problems
from bundler.model.json import text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.sandbox import refusals
from bundler.sandbox.defaults import fill_defaults, initial_status
from bundler.sandbox.discovery import find_schema, find_type, has_status
from bundler.sandbox.expansion import resize_problems, resize_refusal
from bundler.sandbox.quota import quota_problem
from bundler.sandbox.store import new_uid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.fields.merge import Applied
    from bundler.fields.schema import SchemaNode
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType
    from bundler.sandbox.store import Transaction, Tree

_ALLOCATED = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
_UNCOUNTED_GROUPS = frozenset(
    {"", "apiregistration.k8s.io", "autoscaling", "coordination.k8s.io", "events.k8s.io", "rbac.authorization.k8s.io"}
    | {"storage.k8s.io"}
)
_COUNTED_CORE = frozenset({"Pod", "ReplicationController"})
_CONDITIONAL = frozenset({("coordination.k8s.io", "Lease"), ("apiextensions.k8s.io", "CustomResourceDefinition")})
"""Built-in kinds that are only replaced with a resourceVersion; custom kinds always are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write: to what, as whom, when."""

    verb: str
    ref: ObjectRef
    served: ResourceType
    schema: SchemaNode | None
    keeps_status: bool
    """Whether ``status`` is a subresource, so that this write leaves it alone."""
    manager: str
    time: str
    """RFC 3339 in UTC with seconds."""


def begin(tx: Transaction, verb: str, ref: ObjectRef, version: str, *, manager: str, time: str) -> Write:
    """Find out how a kind is served before writing to it.

    Args:
        tx: the open transaction.
        verb: for messages.
        ref: the object.
        version: of the API.
        manager: field manager.
        time: RFC 3339.

    Raises:
        UnknownKindError: when it is not.
    """
    served = find_type(tx, ref.group, ref.kind, version)
    if served is None:
        raise refusals.unknown_kind(verb, ref, version)
    return Write(
        verb=verb,
        ref=ref,
        served=served,
        schema=find_schema(tx, served),
        keeps_status=has_status(tx, served),
        manager=manager,
        time=time,
    )


def apply(tx: Transaction, write: Write, content: bytes, *, is_forced: bool) -> tuple[Tree, bool]:
    """Server-side apply; return the object and whether it was created.

    Args:
        tx: the open transaction.
        write: who writes what kind, and when.
        content: the object to send.
        is_forced: take over fields of other managers.

    Raises:
        ConflictError, RejectedError, ObjectNotFoundError, ForbiddenError: as the server would answer.
    """
    applied = _read(write, content)
    live = tx.get(write.ref)
    _check_type(write, applied)
    _check_preconditions(write, applied, live)
    if live is None:
        _check_namespace(tx, write)
    merged = _merged(write, live, applied, is_forced=is_forced)
    if merged.conflicts:
        raise refusals.field_conflicts(write.ref, merged.conflicts)
    if live is None:
        return _store_new(tx, write, thawed(merged.body)), True
    return (live if not merged.is_changed else _store_again(tx, write, live, thawed(merged.body))), False


def _merged(write: Write, live: Tree | None, applied: Tree, *, is_forced: bool) -> Applied:
    sent = _addressed(write, applied)
    if write.keeps_status:
        sent.pop("status", None)
    try:
        return server_side_apply(
            live=live,
            applied=sent,
            manager=write.manager,
            is_forced=is_forced,
            schema=write.schema,
            time=write.time,
        )
    except ValueError as error:
        raise refusals.bad_request(write.verb, write.ref, f"failed to create typed patch object: {error}") from error


def create(tx: Transaction, write: Write, content: bytes) -> Tree:
    """POST; return the new object.

    Args:
        tx: the open transaction.
        write: who writes what kind, and when.
        content: the object to send.

    Raises:
        AlreadyExistsError, RejectedError, ObjectNotFoundError, ForbiddenError: as the server would answer.
    """
    body = _read(write, content)
    _check_strict(write, body)
    if tx.get(write.ref) is not None:
        raise refusals.already_exists(write.ref, write.served)
    if text_at(body, "metadata", "resourceVersion"):
        raise refusals.bad_request(write.verb, write.ref, "resourceVersion should not be set on objects to be created")
    _check_namespace(tx, write)
    return create_tree(tx, write, body)


def create_tree(tx: Transaction, write: Write, body: Tree) -> Tree:
    """Create an object whose shape is known to be right: what controllers do.

    Args:
        tx: the open transaction.
        write: who writes what kind, and when.
        body: to store.
    """
    new = _addressed(write, body)
    if write.keeps_status:
        new.pop("status", None)
    tracked = track_update(None, new, manager=write.manager, schema=write.schema, time=write.time)
    return _store_new(tx, write, thawed(tracked))


def replace(tx: Transaction, write: Write, content: bytes, *, subresource: str = "") -> Tree:
    """PUT; return the object.

    Args:
        tx: the open transaction.
        write: who writes what kind, and when.
        content: the object to send.
        subresource: ``status``; empty for the object itself.

    Raises:
        ConflictError, RejectedError, ObjectNotFoundError: as the server would answer.
    """
    body = _read(write, content)
    _check_strict(write, body)
    live = tx.get(write.ref)
    if live is None:
        raise refusals.not_found(write.verb, write.ref, write.served)
    _check_preconditions(write, body, live)
    is_conditional = (write.ref.group, write.ref.kind) in _CONDITIONAL or kind_info(
        write.ref.group, write.ref.kind
    ) is None
    if is_conditional and not text_at(body, "metadata", "resourceVersion"):
        why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        raise refusals.invalid(write.verb, write.ref, [why])
    if subresource == "status":
        body = {**live, "status": body.get("status", {})}
    return replace_tree(tx, write, live, body, subresource=subresource)


def replace_tree(tx: Transaction, write: Write, live: Tree, body: Tree, *, subresource: str = "") -> Tree:
    """Store ``body`` over ``live``, ownership of changed fields going to the manager of the write.

    Args:
        tx: the open transaction.
        write: who writes what kind, and when.
        live: the object as it is in the cluster.
        body: to store.
        subresource: ``status``, ``scale``; empty for the object itself.
    """
    new = _addressed(write, body)
    if "managedFields" in body["metadata"]:  # an update may hand fields over
        new["metadata"]["managedFields"] = body["metadata"]["managedFields"]
    new["metadata"] |= {name: live["metadata"][name] for name in _ALLOCATED if name in live["metadata"]}
    if write.keeps_status and subresource != "status":
        new.pop("status", None)
        if "status" in live:
            new["status"] = live["status"]
    fill_defaults(write.ref.group, write.ref.kind, new, live)
    tracked = track_update(
        live, new, manager=write.manager, schema=write.schema, time=write.time, subresource=subresource
    )
    return _store_again(tx, write, live, thawed(tracked))


def thawed(body: Body) -> Tree:
    """Return a deep copy that may be changed."""
    made: Tree = json.loads(json.dumps(body))
    return made


def has_generation(group: str, kind: str) -> bool:
    """Return whether the server counts the changes of a kind in ``metadata.generation``."""
    return group not in _UNCOUNTED_GROUPS or (group == "" and kind in _COUNTED_CORE)


def _store_new(tx: Transaction, write: Write, body: Tree) -> Tree:
    metadata = body["metadata"]
    metadata |= {"uid": new_uid(), "creationTimestamp": write.time}
    if has_generation(write.ref.group, write.ref.kind):
        metadata["generation"] = 1
    status = initial_status(write.ref.group, write.ref.kind)
    if status is not None:
        body["status"] = status
    _complete(write, body, None)
    if write.ref.namespace and (why := quota_problem(tx, write.ref, body)):
        raise refusals.over_quota(write.verb, write.ref, write.served, why)
    tx.insert(write.ref, body)
    return body


def _store_again(tx: Transaction, write: Write, live: Tree, body: Tree) -> Tree:
    metadata = body["metadata"]
    metadata |= {name: live["metadata"][name] for name in _ALLOCATED if name in live["metadata"]}
    _complete(write, body, live)
    _check_growth(tx, write, live, body)
    if has_generation(write.ref.group, write.ref.kind) and _content(write, body) != _content(write, live):
        metadata["generation"] = live["metadata"].get("generation", 0) + 1
    metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
    if _untimed(body) == _untimed(live):
        return live
    if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
        tx.remove(write.ref)
        return body
    tx.update(write.ref, body)
    return body


def _check_growth(tx: Transaction, write: Write, live: Tree, body: Tree) -> None:
    if (write.ref.group, write.ref.kind) != ("", "PersistentVolumeClaim"):
        return
    if problems := resize_problems(live, body):
        raise refusals.invalid(write.verb, write.ref, problems)
    if why := resize_refusal(tx, live, body):
        raise refusals.may_not_grow(write.verb, write.ref, write.served, why)


def _complete(write: Write, body: Tree, live: Tree | None) -> None:
    """Fill in defaults and refuse what is wrong."""
    fill_defaults(write.ref.group, write.ref.kind, body, live)
    problems = object_problems(write.ref.group, write.ref.kind, body, live)
    if write.schema is not None and kind_info(write.ref.group, write.ref.kind) is None:
        filled = thawed(with_custom_defaults(body, write.schema))
        body |= {name: value for name, value in filled.items() if name != "metadata"}
        problems += custom_problems(body, write.schema)
    if problems:
        raise refusals.invalid(write.verb, write.ref, problems)


def _read(write: Write, content: bytes) -> Tree:
    body = json.loads(content)
    metadata = body.setdefault("metadata", {})
    name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
    if name and name != write.ref.name:
        why = f"the name of the object ({name}) does not match the name on the URL ({write.ref.name})"
        raise refusals.bad_request(write.verb, write.ref, why)
    if namespace and namespace != write.ref.namespace:
        why = "the namespace of the provided object does not match the namespace sent on the request"
        raise refusals.bad_request(write.verb, write.ref, why)
    if write.verb == "applying" and metadata.get("managedFields"):
        raise refusals.bad_request(write.verb, write.ref, "metadata.managedFields must be nil")
    return dict(body)


def _addressed(write: Write, body: Tree) -> Tree:
    """Return a copy with the address of the request, and without what is not content."""
    dropped = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in dropped}
    metadata["name"] = write.ref.name
    if write.ref.namespace:
        metadata["namespace"] = write.ref.namespace
    return {**body, "apiVersion": write.served.api_version, "kind": write.ref.kind, "metadata": metadata}


def _check_type(write: Write, body: Body) -> None:
    if write.schema is None:
        return
    problems = list(type_problems(body, write.schema))
    if problems:
        named = f"/{write.ref.name}; {write.served.api_version}, Kind={write.ref.kind}"
        why = f"failed to create typed patch object ({named}): {', '.join(problems)}"
        raise refusals.bad_request(write.verb, write.ref, why)


def _check_strict(write: Write, body: Body) -> None:
    if write.schema is None:
        return
    unknown = unknown_fields(body, write.schema)
    if unknown:
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        kind, version = write.ref.kind, write.served.version
        why = f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {listed}'
        raise refusals.bad_request(write.verb, write.ref, why)
    problems = list(type_problems(body, write.schema))
    if problems:
        raise refusals.bad_request(write.verb, write.ref, f"error decoding from json: {', '.join(problems)}")


def _check_preconditions(write: Write, body: Body, live: Body | None) -> None:
    uid, version = text_at(body, "metadata", "uid"), text_at(body, "metadata", "resourceVersion")
    if live is None:
        if uid:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise refusals.stale(write.verb, write.ref, write.served, why)
        return
    if uid and uid != text_at(live, "metadata", "uid"):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {text_at(live, 'metadata', 'uid')}"
        raise refusals.stale(write.verb, write.ref, write.served, why)
    if version and version != text_at(live, "metadata", "resourceVersion"):
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise refusals.stale(write.verb, write.ref, write.served, why)


def _check_namespace(tx: Transaction, write: Write) -> None:
    if not write.ref.namespace:
        return
    namespace = tx.get(ObjectRef("", "Namespace", "", write.ref.namespace))
    if namespace is None:
        raise refusals.missing_namespace(write.verb, write.ref)
    if "deletionTimestamp" in namespace["metadata"]:
        raise refusals.leaving_namespace(write.verb, write.ref, write.served)


def _content(write: Write, body: Body) -> Mapping[str, object]:
    """Return what generation counts changes of."""
    apart = {"metadata", "apiVersion", "kind"} | ({"status"} if write.keeps_status else set())
    return {key: value for key, value in body.items() if key not in apart}


def _untimed(body: Tree) -> Tree:
    """Return an object without what moves although nothing changes."""
    entries = [{**entry, "time": ""} for entry in body["metadata"].get("managedFields") or ()]
    return {**body, "metadata": {**body["metadata"], "managedFields": entries}}
