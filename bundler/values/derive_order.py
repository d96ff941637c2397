"""Which formula needs which: an order in which all can be computed, and the circles that allow none.

Layer: values, pure. Formulas are found by the paths they set, in a tree of keys, and followed without recursion: the
cost grows with what is written, however many formulas there are and however long a chain of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.expressions.expression import Expression
    from bundler.model.bundle import DeriveRule

    _Item: TypeAlias = "Formula | _Place"


@dataclass(frozen=True, slots=True)
class Formula:
    """One rule, read and compiled."""

    rule: DeriveRule
    keys: tuple[str, ...]
    expression: Expression


class _Place:
    """A key on the way to what formulas set."""

    __slots__ = ("below", "formula")

    def __init__(self) -> None:
        self.formula: Formula | None = None
        self.below: dict[str, _Place] = {}


def arranged(formulas: Sequence[Formula]) -> tuple[list[Formula], list[tuple[Formula, ...]]]:
    """Return the formulas, each after those it needs and otherwise as written, and the circles found among them.

    What is in a circle is left out of the order. Each circle ends with the formula that it begins with.
    """
    return _Walk(formulas).done()


class _Walk:
    def __init__(self, formulas: Sequence[Formula]) -> None:
        self._root = _Place()
        self._formulas = [formula for formula in formulas if self._takes_place(formula)]
        self._ordered: list[Formula] = []
        self._circles: list[tuple[Formula, ...]] = []
        self._finished: set[int] = set()

    def done(self) -> tuple[list[Formula], list[tuple[Formula, ...]]]:
        for formula in self._formulas:
            self._follow(formula)
        return self._ordered, self._circles

    def _takes_place(self, formula: Formula) -> bool:
        """Note where a formula's value goes; a second formula for the same place does not count."""
        place = self._root
        for key in formula.keys:
            place = place.below.setdefault(key, _Place())
        is_first = place.formula is None
        place.formula = place.formula or formula
        return is_first

    def _follow(self, first: Formula) -> None:
        """Put a formula behind those it needs, depth first."""
        chain: dict[int, tuple[_Item, Iterator[_Item]]] = {}
        self._enter(first, chain)
        while chain:
            item, needed = next(reversed(chain.values()))
            following = next(needed, None)
            if following is None:
                self._finish(item)
                del chain[id(item)]
            elif id(following) in chain:
                self._leave_circle(following, chain)
            else:
                self._enter(following, chain)

    def _enter(self, item: _Item, chain: dict[int, tuple[_Item, Iterator[_Item]]]) -> None:
        if id(item) not in self._finished:
            chain[id(item)] = (item, iter(self._needs(item)))

    def _finish(self, item: _Item) -> None:
        self._finished.add(id(item))
        if isinstance(item, Formula):
            self._ordered.append(item)

    def _leave_circle(self, start: _Item, chain: dict[int, tuple[_Item, Iterator[_Item]]]) -> None:
        """Note the circle that closes at ``start``, and continue without its formulas."""
        members: list[Formula] = []
        while id(start) in chain:
            item, _ = chain.popitem()[1]
            if isinstance(item, Formula):
                members.append(item)
                self._finished.add(id(item))
        members.reverse()
        self._circles.append((*members, members[0]))

    def _needs(self, item: _Item) -> Iterable[_Item]:
        if isinstance(item, Formula):
            for path in sorted(item.expression.paths):
                if path[:1] == ("values",):
                    yield from self._read_at(path[1:])
            return
        if item.formula is not None:
            yield item.formula
        yield from item.below.values()

    def _read_at(self, path: Sequence[str]) -> Iterator[_Item]:
        """Yield what sets a part of what is read at ``path``, or what is around it."""
        place = self._root
        for key in path:
            if place.formula is not None:
                yield place.formula
            if key not in place.below:
                return
            place = place.below[key]
        yield place
