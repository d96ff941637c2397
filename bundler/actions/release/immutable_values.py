"""Values that stay as they were first installed. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.change import ImmutableFieldError
from bundler.fields.typed import same
from bundler.model.json import Body, at_pointer, mapping_at
from bundler.model.redaction import MASK
from bundler.planning.conflicts import in_short
from bundler.planning.problem import Problem
from bundler.values.paths import pointer_as_path
from bundler.values.schema_view import bundle_view
from bundler.values.validate import immutable_below, origin_of

if TYPE_CHECKING:
    from bundler.actions.compose.compose import Composition
    from bundler.model.bundle import Bundle
    from bundler.model.values import MergedValues


def changed_immutables(composition: Composition, recorded: Body | None, release: str) -> Iterator[Problem]:
    """Find values whose schema says ``immutable: true``, and that are not what the deployed revision recorded.

    A value that was not recorded, since the bundle did not have it then, may be set once.

    Args:
        composition: of the upgrade.
        recorded: what the templates of the deployed revision saw, components below their names; None where the record
            does not say.
        release: its name.
    """
    if recorded is None:
        return
    lines = tuple(_changes(composition.order.bundle, composition.values, recorded, ""))
    if lines:
        yield Problem(
            error=ImmutableFieldError,
            doing=f"upgrading release {release}",
            lines=lines,
            hint="set the recorded value again, or install the bundle under another release name",
        )


def _changes(bundle: Bundle, values: MergedValues, recorded: Body, prefix: str) -> Iterator[Found]:
    for pointer, place in immutable_below(recorded, bundle_view(bundle).own):
        (before, _), (now, _) = at_pointer(recorded, pointer), at_pointer(values.data, pointer)
        if before is None or same(before, now):
            continue
        old, new = (MASK, MASK) if place.holds_sensitive else (in_short(before), in_short(now))
        path = f"{prefix}{pointer_as_path(pointer, recorded)}"
        said = f"{old} is recorded and cannot change, {new} is given ({origin_of(pointer, values.origins)})"
        yield Found(f"{path}: {said}", message=said, field=path)
    for name, below in (values.components or {}).items():
        yield from _changes(bundle.component_bundles[name], below, mapping_at(recorded, name), f"{prefix}{name}.")
