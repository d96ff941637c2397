"""Say for each value which layer set it, where, and what it replaced. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import ValuesPathError
from bundler.model.json import is_mapping
from bundler.model.lean import dataclass
from bundler.values.flatten import Leaf, flatten, shown_leaf
from bundler.values.merge import origin_in
from bundler.values.paths import Match, parse_path, pointer_as_path, pointer_to, pointer_tokens, starts_below
from bundler.values.problems import closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import JSONValue
    from bundler.model.values import MergedValues, Pointer, ValuesLayer


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one layer says about a value."""

    layer: str
    source: str
    """``values-prod.yaml:3``, ``--set qps=1000``."""
    value: str
    """As it may be printed; ``deleted`` where the layer deletes it."""


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


def explain(merged: MergedValues, path: str = "") -> tuple[ExplainRow, ...]:
    """Return a row for each value at or below ``path``, all of them where it is empty, sorted by path.

    Raises:
        ValuesPathError: when there is no value at ``path``.
    """
    leaves = flatten(merged)
    wanted = pointer_to([_plain(step) for step in parse_path(path)]) if path else ""
    rows = [_row(pointer, leaf) for pointer, leaf in leaves.items() if _is_wanted(pointer, wanted)]
    if path and not rows:
        raise _not_there(path, [pointer_as_path(pointer) for pointer in leaves])
    return tuple(sorted(rows, key=lambda row: row.path))


def _plain(step: str | int | Match) -> str | int:
    return str(step) if isinstance(step, Match) else step


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


def _row(pointer: Pointer, leaf: Leaf) -> ExplainRow:
    said = list(_contributions(leaf))
    formula = leaf.origin.detail if leaf.origin else ""
    return ExplainRow(
        path=pointer_as_path(pointer),
        value="deleted" if leaf.value is None else leaf.shown,
        layer=str(leaf.origin.kind) if leaf.origin else "",
        source=str(leaf.origin) if leaf.origin else "",
        formula=formula,
        overridden=tuple(said[-2::-1]),
    )


def _contributions(leaf: Leaf) -> Iterator[Contribution]:
    for layer in leaf.owner.layers:
        is_said, value = _said_at(layer, leaf.pointer)
        if is_said:
            origin = origin_in(layer, leaf.pointer)
            shown = "deleted" if value is None else shown_leaf(value, leaf.pointer, _secrets(leaf))
            yield Contribution(str(origin.kind), str(origin), shown)


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
