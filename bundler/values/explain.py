"""Say for each value which layer set it, where, and what it replaced. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import JSONValue, is_list, is_mapping, members_of, pointer_tokens
from bundler.model.lean import dataclass
from bundler.syntax.written_path import Match, format_path
from bundler.values.flatten import Leaf, flatten, masked_leaf, shown_leaf
from bundler.values.merge import nearest_origin, origin_in
from bundler.values.paths import ValuePath, parse_path, pointer_as_path, pointer_to, starts_below
from bundler.values.problems import closest

if TYPE_CHECKING:
    from bundler.model.values import MergedValues, Origin, Pointer, ValuesLayer


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one layer says about a value."""

    layer: str
    source: str
    """``values-prod.yaml:3``, ``--set qps=1000``."""
    value: str
    """As it may be printed; ``deleted`` where the layer deletes it."""
    whole: JSONValue = None
    """The value itself, sensitive parts masked; None where the layer deletes it."""


@dataclass(frozen=True, slots=True)
class ExplainRow:
    """One value and where it comes from."""

    path: str
    value: str
    """As it may be printed: short, sensitive ones masked."""
    layer: str
    source: str
    formula: str = ""
    """For a derived value."""
    overridden: tuple[Contribution, ...] = ()
    """What earlier layers said, latest first."""
    whole: JSONValue = None
    """The value itself, sensitive parts masked; None where it is deleted."""


def explain(merged: MergedValues, path: str = "") -> tuple[ExplainRow, ...]:
    """Return a row for each value at or below ``path``, all of them where it is empty, sorted by path.

    A list is one row; where several files or options made it, rows for its parts follow.

    Raises:
        ValuesPathError: when there is no value at ``path``.
    """
    leaves = flatten(merged)
    wanted = pointer_to(_plain(parse_path(path))) if path else ""
    rows = [
        row
        for pointer, leaf in sorted(leaves.items(), key=lambda entry: pointer_as_path(entry[0]))
        if _is_wanted(pointer, wanted)
        for row in (_row(pointer_as_path(pointer), leaf), *_item_rows(pointer, leaf, wanted))
    ]
    if path and not rows:
        raise _not_there(path, [pointer_as_path(pointer) for pointer in leaves])
    return tuple(rows)


def _plain(path: ValuePath) -> list[str | int]:
    """Return the steps before the first item that is chosen by a name: all items are shown."""
    return [step for step in takewhile(lambda step: not isinstance(step, Match), path) if not isinstance(step, Match)]


def _is_wanted(pointer: Pointer, wanted: Pointer) -> bool:
    # a list is one row, so asking for an item of it shows the list
    return starts_below(pointer, wanted) or starts_below(wanted, pointer)


def _not_there(path: str, known: list[str]) -> ValuesPathError:
    meant = closest(path, known)
    found = f"; did you mean {meant}?" if meant else ""
    return ValuesPathError(
        f"explaining the value {path}",
        context=[f"no layer sets {path}{found}"],
        hint="leave the path out to see every value",
    )


def _item_rows(pointer: Pointer, leaf: Leaf, wanted: Pointer) -> Iterator[ExplainRow]:
    """Yield the parts of a list where not all of them come from one file or option."""
    if not is_list(leaf.value) or _maker(leaf.value, leaf.pointer, leaf.owner.origins):
        return
    above = pointer[: len(pointer) - len(leaf.pointer)]
    for steps, value, origin in _parts(leaf.value, leaf.pointer, leaf.owner.origins):
        inside = leaf.pointer + pointer_to(steps)
        if _is_wanted(above + inside, wanted):
            path = format_path([*pointer_tokens(pointer), *steps])
            part = Leaf(value, origin, leaf.owner, inside)
            yield ExplainRow(path=path, value=part.shown, layer=str(origin.kind), source=str(origin), whole=part.masked)


def _parts(
    value: JSONValue, pointer: Pointer, origins: Mapping[Pointer, Origin]
) -> Iterator[tuple[tuple[str | int, ...], JSONValue, Origin]]:
    for step, here, item in members_of(value, pointer):
        if origin := _maker(item, here, origins):
            yield (step,), item, origin
        else:
            yield from (((step, *rest), part, origin) for rest, part, origin in _parts(item, here, origins))


def _maker(value: JSONValue, pointer: Pointer, origins: Mapping[Pointer, Origin]) -> Origin | None:
    """Return who made the whole of ``value``, the earliest line of it; None where several did."""
    makers = list(_makers(value, pointer, origins))
    same = {(origin.kind, origin.source) for origin in makers}
    return min(makers, key=lambda origin: origin.line) if len(same) == 1 else None


def _makers(value: JSONValue, pointer: Pointer, origins: Mapping[Pointer, Origin]) -> Iterator[Origin]:
    members = list(members_of(value, pointer))
    if not members and (origin := nearest_origin(pointer, origins)) is not None:
        yield origin
    for _, here, item in members:
        yield from _makers(item, here, origins)


def _row(path: str, leaf: Leaf) -> ExplainRow:
    said = list(_contributions(leaf))
    formula = leaf.origin.detail if leaf.origin else ""
    return ExplainRow(
        path=path,
        value="deleted" if leaf.value is None else leaf.shown,
        layer=str(leaf.origin.kind) if leaf.origin else "",
        source=str(leaf.origin) if leaf.origin else "",
        formula=formula,
        overridden=tuple(said[-2::-1]),
        whole=leaf.masked,
    )


def _contributions(leaf: Leaf) -> Iterator[Contribution]:
    for layer in leaf.owner.layers:
        is_said, value = _said_at(layer, leaf.pointer)
        if is_said:
            origin = origin_in(layer, leaf.pointer)
            shown = "deleted" if value is None else shown_leaf(value, leaf.pointer, _secrets(leaf))
            whole = masked_leaf(value, leaf.pointer, _secrets(leaf))
            yield Contribution(str(origin.kind), str(origin), shown, whole)


def _secrets(leaf: Leaf) -> frozenset[Pointer]:
    """Return what to mask in an earlier layer: where the value is sensitive now, all of it was then."""
    return frozenset({leaf.pointer}) if leaf.is_sensitive else frozenset()


def _said_at(layer: ValuesLayer, pointer: Pointer) -> tuple[bool, JSONValue]:
    here: JSONValue = layer.data
    for token in pointer_tokens(pointer):
        if not is_mapping(here):
            return here is None, None
        if token not in here:
            return False, None
        here = here[token]
    return True, here
