"""Protected releases: what a change may not do to them, and which objects are marked. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.errors.change import ProtectedReleaseError
from bundler.model.cluster import is_deleting
from bundler.model.json import Body, JSONValue, canonical_json, items_at, mapping_at, text_at
from bundler.model.kept import kept_because
from bundler.model.labels import PROTECTED
from bundler.model.refs import ObjectRef
from bundler.model.size import first_of
from bundler.planning.claim_growth import claims_of, is_stateful_set
from bundler.planning.problem import Problem
from bundler.planning.safety import losses, may_hold_data

if TYPE_CHECKING:
    from bundler.model.change import Plan
    from bundler.model.release import InventoryEntry, Protection

_SHOWN_NAMES: Final = 10
_FIELD: Final = f"f:{PROTECTED}"


def protection_problems(
    release: str, namespace: str, protection: Protection | None, plan: Plan, *, downgrade: str
) -> Iterator[Problem]:
    """Find what a protected release forbids: its removal, an older version, losing data.

    Args:
        release: its name.
        namespace: where it is.
        protection: as it is recorded; None: it was never protected.
        plan: that would be carried out.
        downgrade: how the bundle would become older; empty where it would not.
    """
    if protection is None or not protection.is_on:
        return
    found = [*_refused(plan, downgrade)]
    if found:
        yield Problem(
            error=ProtectedReleaseError,
            doing=f"checking the protection of release {release}",
            lines=(*found, f"release {release} is {protection}"),
            hint=f"take the protection off first: `bundler protect {release} --off -m REASON -n {namespace}`",
        )


def _refused(plan: Plan, downgrade: str) -> Iterator[str]:
    if plan.is_removal:
        yield "it would be uninstalled"
        return
    if downgrade:
        yield downgrade
    lost = [
        f"{change.ref.short} would be {change.action}d, and what is lost with it cannot be recovered"
        for change in losses(plan)
    ]
    yield from first_of(lost, _SHOWN_NAMES)


def data_holders(owned: Mapping[ObjectRef, InventoryEntry]) -> list[ObjectRef]:
    """Return which of a release's objects hold data: those never deleted, StatefulSets, kinds that are not built in."""
    return [ref for ref, entry in sorted(owned.items()) if kept_because(ref, entry) or may_hold_data(ref)]


def claims_made_by(holder: ObjectRef, live: Body, claims: Sequence[Body]) -> Iterator[Body]:
    """Yield the claims that a StatefulSet made: its own data, and named by no record.

    Args:
        holder: an object; of other kinds nothing is yielded.
        live: its body.
        claims: of its namespace.
    """
    if is_stateful_set(holder):
        for template in items_at(live, "spec", "volumeClaimTemplates"):
            yield from claims_of(holder, text_at(template, "metadata", "name"), claims)


def is_marked(live: Body, manager: str) -> bool:
    """Return whether an object carries the mark of a protected release, put on by this manager."""
    return any(
        _FIELD in mapping_at(entry, "fieldsV1", "f:metadata", "f:annotations")
        for entry in items_at(live, "metadata", "managedFields")
        if entry.get("manager") == manager
    )


def mark_body(live: Body, *, is_on: bool) -> bytes:
    """Return what is applied to put the mark on an object, or to take it off: identity, and the mark or nothing."""
    keys = ("name", "namespace", "uid")
    metadata: dict[str, JSONValue] = {key: text for key in keys if (text := text_at(live, "metadata", key))}
    if is_on:
        metadata["annotations"] = {PROTECTED: "true"}
    head = {key: text_at(live, key) for key in ("apiVersion", "kind")}
    return canonical_json({**head, "metadata": metadata})


def unmarked(holders: Iterable[Body], manager: str) -> list[Body]:
    """Return the objects that do not carry the mark and are not being deleted."""
    return [live for live in holders if not is_marked(live, manager) and not is_deleting(live)]
