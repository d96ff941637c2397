"""How it is shown where a field comes from. Layer: cli."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from bundler.cli.output.causes import by_path
from bundler.cli.output.releases import moment
from bundler.cli.terminal.text import Line
from bundler.model.causes import chain_of
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.explanation import Setter
from bundler.model.size import counted
from bundler.wire.explanation import explanation_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.cli.session.app import App
    from bundler.model.causes import ChangedValue
    from bundler.model.explanation import ExplainedField, Explanation, Since

_ARROW: Final = " → "
_WAYS_SHOWN: Final = 4
_SET_BY: Final = {
    Setter.TEMPLATE: "",
    Setter.PATCH: "a patch",
    Setter.GENERATED: "bundler, which generated it once and keeps it",
    Setter.MANAGER: "no template",
    Setter.SERVER: "the API server, which fills it in: no template prints it, and no one owns it",
}
_AUTOSCALED: Final = "no template: bundler sends the number that the autoscaler wants"


def show_explanation(app: App, found: Explanation) -> None:
    """Print where an object, or a field of it, comes from."""
    app.show(explanation_form(found), explanation_lines(found))


def explanation_lines(found: Explanation) -> Iterator[Line]:
    """Return an explanation as text."""
    component = f", component {found.component}" if found.component else ""
    about = f"{found.ref.short} of release {found.release}, revision {found.revision} ({found.bundle}{component})"
    yield Line(about, "bold")
    if not found.is_live:
        yield Line("it is not in the cluster; this is what the revision wrote", "alarm")
    if found.missing:
        known = "are not certain" if found.values else "are not known"
        yield Line(f"the values behind it {known}: {found.missing}", "yellow")
    values = by_path(found.values)
    for one in found.fields:
        yield from _field_lines(one, values)
    if found.left_out:
        more, below = counted(len(found.left_out), "more field"), dict.fromkeys(map(_top_of, found.left_out))
        yield Line(f"and {more} below {', '.join(below)}: name a field to see everything below it", "yellow")
    if not found.fields:
        yield Line(f"no field follows a value, and no one else set one; it begins at {found.source}", "dim")
    if found.since is not None:
        yield from _since_lines(found.since, is_live=not any(one.recorded for one in found.fields))


def _top_of(field: str) -> str:
    """Return the first part of a field: ``.spec`` of ``.spec.replicas``."""
    return f".{field[1:].partition('.')[0].partition('[')[0]}"


def _field_lines(one: ExplainedField, values: Mapping[str, ChangedValue]) -> Iterator[Line]:
    recorded = f" (recorded: {one.recorded})" if one.recorded else ""
    yield Line(f"{one.field}: {one.value}{recorded}", "cyan")
    for name, said in _facts(one, values):
        yield Line(f"    {name:<9} {said}")


def _facts(one: ExplainedField, values: Mapping[str, ChangedValue]) -> Iterator[tuple[str, str]]:
    is_ours = one.setter is Setter.MANAGER and all(owner.manager == FIELD_MANAGER for owner in one.owners)
    if said := _AUTOSCALED if is_ours else _SET_BY[one.setter]:
        yield "set by", said
    for owner in one.owners:
        yield "owner", str(owner)
    if one.source:
        yield "printed" if one.setter is Setter.TEMPLATE else "written", f"at {one.source}"
    for path in one.values:
        yield from (("value" if one.is_certain else "maybe", way) for way in _ways(values, path))
    for path in one.conditions:
        yield from (("only if", way) for way in _ways(values, path))


def _ways(values: Mapping[str, ChangedValue], path: str) -> Iterator[str]:
    """Yield each way that leads to a value, from the first one on."""
    for way in islice(chain_of(values, path), _WAYS_SHOWN):
        yield _ARROW.join(map(_said, way))


def _said(value: ChangedValue) -> str:
    source = f" ({value.source})" if value.source else ""
    return f"{value.path} {'is sensitive' if value.is_sensitive else value.after}{source}"


def _since_lines(since: Since, *, is_live: bool) -> Iterator[Line]:
    """Say since when a value is so; if the live one was set elsewhere, since when the recorded one is."""
    so = "so" if is_live else "recorded so"
    by = f" by {since.user}" if since.user else ""
    yield Line(f"{so} since revision {since.revision}, {moment(since.created)}{by}")
    if since.command:
        yield Line(f"    command   {since.command}")
    changed = by_path(since.changed)
    ends = [path for path in changed if not any(path in other.because for other in since.changed)]
    for path in ends[:_WAYS_SHOWN]:
        for way in islice(chain_of(changed, path), _WAYS_SHOWN):
            yield Line(f"    changed   {_ARROW.join(map(str, way))}")
    if len(ends) > _WAYS_SHOWN:
        yield Line(f"    and {counted(len(ends) - _WAYS_SHOWN, 'other value')}", "dim")
