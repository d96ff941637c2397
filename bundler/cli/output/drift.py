"""How drift is shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.cli.output.releases import bundle_text
from bundler.cli.terminal.text import Line
from bundler.model.drift import DriftKind
from bundler.model.size import counted
from bundler.wire.drift import drift_forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.drift import DriftedField, DriftedObject, ReleaseDrift

_SIGNS: Final = {
    DriftKind.CHANGED: ("~", "yellow"),
    DriftKind.MISSING: ("-", "red"),
    DriftKind.UNEXPECTED: ("+", "yellow"),
}


def show_drift(app: App, found: Sequence[ReleaseDrift]) -> None:
    """Print what differs, release by release."""
    app.show(drift_forms(found), (line for one in found for line in _lines(one)))


def drift_lines(drift: ReleaseDrift) -> list[str]:
    """Return what differs in a release, a line each."""
    return [line.text for one in drift.objects for line in _object_lines(one)]


def _lines(drift: ReleaseDrift) -> Iterator[Line]:
    summary = drift.revision
    name = f"release {summary.release} in namespace {summary.namespace}, revision {summary.revision}"
    if not drift.objects:
        yield Line(f"{name}: as it was written", "green")
        return
    yield Line(f"{name} ({bundle_text(summary)}): {counted(len(drift.objects), 'object')} drifted", "bold")
    for one in drift.objects:
        yield from _object_lines(one)


def _object_lines(one: DriftedObject) -> Iterator[Line]:
    sign, style = _SIGNS[one.kind]
    reason = f" ({one.reason})" if one.reason else ""
    match one.kind:
        case DriftKind.MISSING:
            yield Line(f"{sign} {one.ref.short} is missing{reason}", style)
        case DriftKind.UNEXPECTED:
            yield Line(f"{sign} {one.ref.short} is not in this revision{reason}", style)
        case DriftKind.CHANGED:
            yield Line(f"{sign} {one.ref.short}{reason}", style)
    yield from (Line(f"    {_field_text(field)}") for field in one.fields)


def _field_text(one: DriftedField) -> str:
    by = f" set by {one.manager}" if one.manager else ""
    at = f" at {one.since}" if one.since else ""
    return f"{one.field}: recorded {one.recorded}, live {one.live}{by}{at}"
