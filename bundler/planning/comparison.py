"""What differs between two sets of manifests that no cluster was asked about. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.model.change import Action, Change
from bundler.model.json import Body, is_mapping
from bundler.model.lean import replace
from bundler.model.manifest import GeneratedSecret, Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.hidden import hidden_like
from bundler.planning.ignored_fields import same_content

if TYPE_CHECKING:
    from bundler.model.comparison import ComparedObjects

SENSITIVE_ONLY = "only sensitive values differ"


def changes_between(before: ComparedObjects, after: ComparedObjects) -> tuple[Change, ...]:
    """Return what leads from one side to the other: the objects of ``after`` in their order, then those that are gone.

    Whole objects are compared, so that a sensitive value that differs is a change; it is hidden afterwards.

    Args:
        before: the older side, or what is compared first.
        after: the other side.
    """
    old = {one.ref: one for one in before.manifests}
    changes = [_change(one, old.get(one.ref)) for one in after.manifests]
    changes += _generated(before, after)
    wanted = {change.ref for change in changes}
    changes += [
        Change(ref=one.ref, action=Action.DELETE, component=one.component, before=one.body)
        for one in before.manifests
        if one.ref not in wanted
    ]
    return tuple(_hidden(change, (before, after)) for change in changes)


def _change(after: Manifest, before: Manifest | None) -> Change:
    action = Action.CREATE if before is None else Action.UPDATE
    if before is not None and same_content(before.body, after.body):
        action = Action.NONE
    return Change(
        ref=after.ref,
        action=action,
        component=after.component,
        desired=after,
        before=before.body if before else None,
        after=after.body,
    )


def _generated(before: ComparedObjects, after: ComparedObjects) -> Iterator[Change]:
    """Yield the Secrets whose texts bundler makes: there is nothing to compare in them."""
    old, new = _by_ref(before.generated), _by_ref(after.generated)
    for ref, secrets in {**old, **new}.items():
        action = Action.CREATE if ref not in old else Action.DELETE if ref not in new else Action.NONE
        yield Change(ref=ref, action=action, component=secrets[0].component, generated=secrets, reason="generated")


def _by_ref(secrets: Iterable[GeneratedSecret]) -> dict[ObjectRef, tuple[GeneratedSecret, ...]]:
    found: dict[ObjectRef, tuple[GeneratedSecret, ...]] = {}
    for secret in secrets:
        found[secret.ref] = (*found.get(secret.ref, ()), secret)
    return found


def _hidden(change: Change, sides: tuple[ComparedObjects, ComparedObjects]) -> Change:
    """Hide what the records of either side hide; the leaves of Secrets are masked where they are shown."""
    masked = [side.masked[change.ref] for side in sides if change.ref in side.masked]
    if not masked or (change.ref.group, change.ref.kind) == ("", "Secret"):
        return change
    before, after = _hidden_like(change.before, masked), _hidden_like(change.after, masked)
    is_silent = before is not None and after is not None and same_content(before, after)
    return replace(
        change,
        before=before,
        after=after,
        desired=replace(change.desired, body=after) if change.desired and after is not None else None,
        reason=SENSITIVE_ONLY if is_silent and change.action is Action.UPDATE else change.reason,
    )


def _hidden_like(body: Body | None, masked: Iterable[Body]) -> Body | None:
    for one in masked:
        hidden = hidden_like(body, one)
        body = hidden if is_mapping(hidden) else None
    return body
