"""Values that stay as they were first installed. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.change import ImmutableFieldError
from bundler.fields.typed import same
from bundler.model.json import Body, JSONValue, at_pointer, mapping_at
from bundler.model.redaction import MASK, Redactor
from bundler.planning.conflicts import in_short
from bundler.planning.hidden import has_hidden
from bundler.planning.problem import Problem
from bundler.values.flatten import leaves_of
from bundler.values.paths import pointer_as_path, pointer_to
from bundler.values.schema_view import bundle_view
from bundler.values.validate import immutable_below, origin_of

if TYPE_CHECKING:
    from bundler.actions.compose.compose import Composition
    from bundler.model.bundle import Bundle
    from bundler.model.release import Revision
    from bundler.model.values import MergedValues, Pointer


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


def immutable_places(bundle: Bundle, values: MergedValues, above: Pointer = "") -> Iterator[Pointer]:
    """Yield the places of values that stay as they are, as a record names them: components below their names.

    Args:
        bundle: whose schemas say it.
        values: its values.
        above: the place of the bundle's own values.
    """
    for pointer, _ in immutable_below(values.data, bundle_view(bundle).own):
        yield f"{above}{pointer}"
    for name, below in (values.components or {}).items():
        yield from immutable_places(bundle.component_bundles[name], below, f"{above}{pointer_to([name])}")


def changed_back(target: Revision, deployed: Revision) -> Iterator[Problem]:
    """Find values that the deployed revision says stay as they are, and that the one to go back to has otherwise.

    One that the older revision did not have at all is not in the way, nor is one that its record does not tell.

    Args:
        target: the revision to be: what an older one recorded.
        deployed: the one that runs, as it was recorded.
    """
    old, new = deployed.computed_values, target.computed_values
    if old is None or new is None or deployed.summary.bundle.name != target.summary.bundle.name:
        return
    is_secret = _says_secret(deployed.sensitive | target.sensitive)
    revisions, lines = (deployed.summary.revision, target.rolled_back_to), []
    for pointer in deployed.immutable:
        before, now = (at_pointer(values, pointer)[0] for values in (old, new))
        if before is None or now is None or has_hidden(before) or has_hidden(now) or same(before, now):
            continue
        shown = (MASK, MASK) if is_secret(before) or is_secret(now) else (in_short(before), in_short(now))
        lines.append(_gone_back(pointer_as_path(pointer, old), shown, revisions))
    if lines:
        yield Problem(
            error=ImmutableFieldError,
            doing=f"rolling back release {target.summary.release}",
            lines=tuple(lines),
            hint="name a revision that has the value, or take the older bundle with the values of now: "
            "`bundler upgrade --allow-downgrade`",
        )


def _gone_back(path: str, shown: tuple[str, str], revisions: tuple[int, int]) -> Found:
    said = (
        f"{shown[0]} is recorded in revision {revisions[0]} and cannot change, revision {revisions[1]} has {shown[1]}"
    )
    return Found(f"{path}: {said}", message=said, field=path)


def _says_secret(sensitive: frozenset[str]) -> Callable[[JSONValue], bool]:
    redactor = Redactor()
    redactor.learn(*sensitive)

    def is_secret(value: JSONValue) -> bool:
        texts = map(str, leaves_of({"": value}).values())
        return any(text in sensitive or redactor.redact_value(text) != text for text in texts)

    return is_secret


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
