"""Server-side apply: what the API server makes of an applied body, and who owns what. Layer: fields, pure.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/, sigs.k8s.io/structured-merge-diff v6 (merge)
and k8s.io/apimachinery pkg/util/managedfields/internal. One thing is simpler: entries of another apiVersion are read
as if their fields were called the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bundler.fields.field_set import EMPTY, FieldSet, to_path
from bundler.fields.kinds import schema_of, schema_of_unknown
from bundler.fields.managers import (
    BEFORE_FIRST_APPLY,
    ManagerKey,
    Managers,
    Ownership,
    applier,
    capped,
    read_managers,
    updater,
    without_empty,
    write_managers,
)
from bundler.fields.stored import stored_form
from bundler.fields.typed import compare, field_set_of, merge_values, remove_fields, same, value_of, with_named_parents
from bundler.model.json import Body, JSONValue, mapping_at, value_at
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode

_IDENTITY = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
             "resourceVersion")  # fmt: skip
_UNOWNED = FieldSet.of(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", "f:" + name) for name in _IDENTITY)]
)
_SERVERS = frozenset({"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
                      "managedFields", "resourceVersion", "selfLink", "uid"})  # fmt: skip
"""Fields of metadata that are the server's alone."""


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """One field that another manager owns with another value."""

    path: str
    """As the server writes it: ``.spec.template.spec.containers[name="web"].image``."""
    manager: str
    message: str
    """The server's words: ``conflict with "kubectl-edit" using apps/v1``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply comes to."""

    body: Body
    """The merged object, managedFields included; the live one, as it is, where there are conflicts or no change."""
    conflicts: tuple[Conflict, ...] = ()
    """Sorted; empty when the apply is forced."""
    is_changed: bool = False
    """Whether anything but times of managedFields differs from the live object."""


def applied_fields(body: Body, schema: SchemaNode | None) -> FieldSet:
    """Return the fields that applying ``body`` makes its manager own.

    Identity, what the server writes in metadata, and ``status`` where it is a subresource are no one's.

    Raises:
        ValueError: when an item of a map list has none of its keys.
    """
    root = schema or schema_of_unknown()
    owned = field_set_of(body, root).difference(_UNOWNED)
    return owned.without_subtree("status") if root.has_status else owned


def server_side_apply(
    *,
    live: Body | None,
    applied: Body,
    manager: str,
    is_forced: bool = False,
    schema: SchemaNode | None,
    time: str,
) -> Applied:
    """Merge ``applied`` into ``live`` as the API server would, and move the ownership of fields.

    Args:
        live: the object as stored, managedFields included; None where there is none. Never modified.
        applied: the body as sent. What only the server writes in its metadata, and ``status`` where that is a
            subresource, is passed over.
        manager: name of the field manager.
        is_forced: take fields over from others instead of reporting conflicts.
        schema: of the applied version of the kind; None deduces (maps merge, lists are one value).
        time: of the request, RFC 3339 in UTC with seconds: ``2026-11-01T12:00:00Z``.

    Raises:
        ValueError: when a map list or set in ``applied`` holds an item twice, or an item without its keys.
    """
    root = schema or schema_of_unknown()
    api_version = str(applied.get("apiVersion", ""))
    sent = _without_servers(applied, has_status=root.has_status)
    before = _without_managed_fields(live or {})
    managers = _tracked_from_now(live, before, root, time) if live is not None else {}
    key = applier(manager)
    last = managers[key].fields if key in managers else EMPTY
    owned = Ownership(fields=applied_fields(sent, root), api_version=api_version, time=time)
    managers = {**managers, key: owned}
    merged = mapping_at(merge_values(before, sent, root))
    after = _with_identity(_pruned(merged, managers, last, root), merged, last)
    managers, conflicts = _settled(before, after, managers, key, root, is_forced=is_forced)
    if conflicts and live is not None:
        return Applied(body=live, conflicts=conflicts)
    after = _without_zeros(before, stored_form(after, root), last, root)
    return _finished(live, after, managers, key)


def without_abandoned(body: Body, *, last: FieldSet, others: Iterable[Ownership], applied: Body) -> Body:
    """Return an object without what its applier wrote last, writes no more, and no one else owns.

    Args:
        body: the object, ``applied`` merged into it already.
        last: the fields that were applied last.
        others: what other managers own.
        applied: the body that is applied now.
    """
    root = schema_of(applied) or schema_of_unknown()
    owned = Ownership(fields=applied_fields(applied, root), api_version="", time="")
    managers = {updater(f"other-{number}", ""): other for number, other in enumerate(others)}
    return _with_identity(_pruned(body, {**managers, applier(""): owned}, last, root), body, last)


def _tracked_from_now(live: Body, before: Body, root: SchemaNode, time: str) -> Managers:
    """Return the managers of a live object; one that no one tracked so far belongs to ``before-first-apply``."""
    managers = read_managers(live)
    if managers:
        return managers
    version = str(live.get("apiVersion", ""))
    fields = FieldSet.of(compare({}, _without_nulls(before), root).added).difference(_UNOWNED)
    return {updater(BEFORE_FIRST_APPLY, version): Ownership(fields=fields, api_version=version, time=time)}


def _pruned(merged: Body, managers: Managers, last: FieldSet, root: SchemaNode) -> Body:
    """Take out what the manager applied last time, applies no more, and no one else owns."""
    if last.is_empty:
        return merged
    before = with_named_parents(last.tree, root)
    pruned = mapping_at(remove_fields(merged, before, root))
    everybodys = EMPTY
    for owned in managers.values():
        everybodys = everybodys.union(owned.fields)
    had = FieldSet(with_named_parents(field_set_of(merged, root).tree, root))
    kept = FieldSet(with_named_parents(field_set_of(pruned, root).tree, root))
    wanted = kept.union(FieldSet(with_named_parents(everybodys.tree, root)))
    pruned = mapping_at(remove_fields(merged, had.difference(wanted).tree, root))
    # An item or map that only came to be empty of our fields, and was never ours itself, stays.
    kept = FieldSet(with_named_parents(field_set_of(pruned, root).tree, root))
    return mapping_at(remove_fields(merged, had.difference(kept).intersection(FieldSet(before)).tree, root))


def _with_identity(pruned: Body, merged: Body, last: FieldSet) -> Body:
    """Put back metadata that was never the manager's: taking its last label away takes nothing else along."""
    owned = {path[1].removeprefix("f:") for path in last.paths() if path[0] == "f:metadata" and len(path) > 1}
    left = mapping_at(pruned, "metadata")
    back = {k: v for k, v in mapping_at(merged, "metadata").items() if k not in left and k not in owned}
    return {**pruned, "metadata": {**back, **left}} if back else pruned


def _without_zeros(before: Body, after: Body, last: FieldSet, root: SchemaNode) -> Body:
    """Leave out zeros (``hostNetwork: false``) that the server left out when they were applied before."""
    if last.is_empty or not root.drops_empty:
        return after
    back = FieldSet.of(compare(before, after, root).added).intersection(last)
    zeros = FieldSet.of(path for path in back.paths() if value_of(after, path, root) in (False, 0, ""))
    return mapping_at(remove_fields(after, zeros.tree, root))


def _settled(
    before: Body, after: Body, managers: Managers, key: ManagerKey, root: SchemaNode, *, is_forced: bool
) -> tuple[Managers, tuple[Conflict, ...]]:
    """Find what others own and this write changes: conflicts, or fields they lose."""
    difference = compare(before, after, root)
    changed, removed = FieldSet.of([*difference.modified, *difference.added]), FieldSet.of(difference.removed)
    if root.has_status and not key.subresource:
        changed, removed = changed.without_subtree("status"), removed.without_subtree("status")
    conflicts: list[Conflict] = []
    settled: Managers = {}
    for other, owned in managers.items():
        if other == key:
            settled[other] = owned
            continue
        contested = owned.fields.intersection(changed)
        conflicts += [_conflict(to_path(path), other) for path in contested.paths()]
        settled[other] = replace(owned, fields=owned.fields.difference(contested).difference(removed))
    return without_empty(settled), () if is_forced else tuple(sorted(conflicts))


def _conflict(path: str, key: ManagerKey) -> Conflict:
    words = f'conflict with "{key.manager}"'
    if key.subresource:
        words += f' with subresource "{key.subresource}"'
    if key.operation == "Update":
        words += f" using {key.version}"
    return Conflict(path, key.manager, words)


def _finished(live: Body | None, after: Body, managers: Managers, key: ManagerKey) -> Applied:
    """Put managedFields into the merged object; an apply that changes nothing keeps the live object, times included."""
    if live is None:
        return Applied(body=_with_managers(after, managers), is_changed=True)
    known = read_managers(live)
    timeless = {k: replace(v, time="") for k, v in managers.items()}
    is_same_object = same(after, _without_managed_fields(live))
    if is_same_object and timeless == {k: replace(v, time="") for k, v in known.items()}:
        return Applied(body=live)
    if is_same_object and key in managers:
        # The server stamps an entry only when the object itself changed.
        managers = {**managers, key: replace(managers[key], time=known[key].time if key in known else "")}
    return Applied(body=_with_managers(after, managers), is_changed=True)


def track_update(
    old: Body | None, new: Body, *, manager: str, schema: SchemaNode | None, time: str, subresource: str = ""
) -> Body:
    """Return ``new`` with the managedFields that a create, PUT, PATCH or status update by ``manager`` leaves.

    Args:
        old: the stored object before; None for a create.
        new: the whole object after. managedFields in it replace the old ones as on the server (an empty list stops
            the tracking); without the key, and always for a subresource, the old ones count.
        manager: name of the field manager; it becomes owner (operation ``Update``) of everything that changed.
        schema: of the version of ``new``; None deduces.
        time: of the request, RFC 3339 in UTC.
        subresource: ``status``, ``scale`` or empty.
    """
    root = schema or schema_of_unknown()
    given = None if subresource else value_at(new, "metadata", "managedFields")
    managers = read_managers(old or {}) if given is None else read_managers(new)
    if old is not None and not _is_tracked(managers, subresource):
        return _with_managers(_without_managed_fields(new), managers)
    before, after = _without_managed_fields(old or {}), _without_managed_fields(new)
    version = str(new.get("apiVersion", ""))
    key = updater(manager, version, subresource)
    this_write = ManagerKey("Update", "", "", subresource)
    managers, _ = _settled(before, after, managers, this_write, root, is_forced=True)
    difference = compare(before, after, root)
    taken = FieldSet.of([*difference.modified, *difference.added]).difference(_UNOWNED)
    if root.has_status:
        taken = taken.without_subtree("spec" if subresource == "status" else "status")
    if subresource == "scale" and not value_at(new, "spec", "replicas"):
        # A Scale of zero is written without the field, so no one owns it then.
        taken = EMPTY
    if not taken.is_empty:
        taken = taken.union(managers[key].fields) if key in managers else taken
        managers[key] = Ownership(fields=taken, api_version=version, time=time)
    return _with_managers(after, capped(managers))


def _is_tracked(managers: Managers, subresource: str) -> bool:
    """Return whether the server notes who updates: not where no one is known, of scale's one field in particular."""
    if subresource == "scale":
        return any(("f:spec", "f:replicas") in owned.fields for owned in managers.values())
    return bool(managers)


# --- bodies ------------------------------------------------------------------------------------------------------


def _without_managed_fields(body: Body) -> Body:
    return _with_metadata(body, {k: v for k, v in mapping_at(body, "metadata").items() if k != "managedFields"})


def _without_servers(body: Body, *, has_status: bool) -> Body:
    kept = {name: value for name, value in body.items() if not (has_status and name == "status")}
    return _with_metadata(kept, {k: v for k, v in mapping_at(body, "metadata").items() if k not in _SERVERS})


def _without_nulls(body: Body) -> Body:
    """Leave out what Go's empty value of a required list (``rules: null``) looks like."""
    return {name: value for name, value in body.items() if value is not None}


def _with_metadata(body: Body, metadata: Mapping[str, JSONValue]) -> Body:
    return {name: metadata if name == "metadata" else value for name, value in body.items()}


def _with_managers(body: Body, managers: Managers) -> Body:
    metadata = dict(mapping_at(body, "metadata"))
    if entries := write_managers(managers):
        metadata["managedFields"] = entries
    return {**body, "metadata": metadata}
