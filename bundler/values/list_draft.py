"""A list that is changed many times before it becomes a layer. Layer: values, pure.

Each change costs what is changed, not the list: what is there is kept in mappings and lists of its own, the origins
beside it in a tree of the same shape, and items that are named by a key are found by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, escape_token, is_list, is_mapping, mapping_at, value_at_steps
from bundler.model.values import Origin, Pointer, ValuesLayer
from bundler.values.paths import name_in, pointer_steps, pointer_to, resolve_path
from bundler.values.traced import Traced, nested, tidied

if TYPE_CHECKING:
    from bundler.syntax.written_path import Match, Step


class _Origins:
    """Who set a value, and its parts; parts without an entry have the origin of what is around them."""

    __slots__ = ("items", "keys", "own")

    def __init__(self) -> None:
        self.own: Origin | None = None
        self.keys: dict[str, _Origins] = {}
        self.items: list[_Origins | None] = []

    def at(self, step: str | int) -> _Origins:
        """Return the entry of a part, made where there is none."""
        if isinstance(step, str):
            return self.keys.setdefault(step, _Origins())
        self.items += [None] * (step + 1 - len(self.items))
        found = self.items[step] = self.items[step] or _Origins()
        return found

    def put(self, step: str | int, entry: _Origins) -> None:
        if isinstance(step, str):
            self.keys[step] = entry
        else:
            self.at(step)
            self.items[step] = entry

    def drop(self, step: str | int) -> None:
        """Forget a part that goes; items behind it move up."""
        if isinstance(step, str):
            self.keys.pop(step, None)
        elif step < len(self.items):
            del self.items[step]

    def flat(self, pointer: Pointer) -> Iterator[tuple[Pointer, Origin]]:
        if self.own is not None:
            yield pointer, self.own
        for key, below in self.keys.items():
            yield from below.flat(f"{pointer}/{escape_token(key)}")
        for index, item in enumerate(self.items):
            if item is not None:
                yield from item.flat(f"{pointer}/{index}")


class ListDraft:
    """One list, below mappings, until all that is asked of it is done."""

    def __init__(self, keys: Sequence[str], whole: Traced) -> None:
        """Take what lower layers have at ``keys``; it is copied."""
        self._keys = tuple(keys)
        start = nested(self._keys, tidied(whole))
        self._data: dict[str, JSONValue] = {key: _owned(item) for key, item in mapping_at(start.value).items()}
        self._origins = _tree_of(start)
        self._names: dict[tuple[int, str], tuple[Sequence[JSONValue], dict[str | None, list[int]]]] = {}

    def change(self, path: Sequence[Step], make: Callable[[Traced], Traced]) -> None:
        """Put another part at ``path``; missing mappings are made, and items that are deleted make room.

        Raises:
            ValuesPathError: when a list is asked for an item it does not have, or ``make`` refuses.
        """
        steps = resolve_path(self._data, path, self._find)
        part = tidied(make(self._part(steps)))
        self._forget_names(steps, part.value)
        around, entry = self._around(steps)
        last = steps[-1]
        if part.value is None:
            _remove(around, last)
            entry.drop(last)
            return
        _place(around, last, _owned(part.value))
        entry.put(last, _tree_of(part))

    def traced(self) -> Traced:
        """Return all of it as it is now."""
        return Traced(self._data, dict(self._origins.flat("")))

    def layer(self, origin: Origin) -> ValuesLayer:
        """Return a layer that holds the whole list; ``origin`` is who changed it last."""
        prefix = pointer_to(self._keys)
        here = self._origins
        for key in self._keys:
            here = here.at(key)
        origins = dict(here.flat(prefix))
        return ValuesLayer(data=self._data, origin=origin, leaf_origins={**origins, prefix: origin})

    def _part(self, steps: Sequence[str | int]) -> Traced:
        entry: _Origins | None = self._origins
        for step in steps:
            if isinstance(step, str):
                entry = entry.keys.get(step) if entry else None
            else:
                entry = entry.items[step] if entry and step < len(entry.items) else None
        return Traced(value_at_steps(self._data, steps), dict(entry.flat("")) if entry else {})

    def _around(self, steps: Sequence[str | int]) -> tuple[JSONValue, _Origins]:
        """Return what holds the part at ``steps``, with mappings made on the way."""
        here: JSONValue = self._data
        entry = self._origins
        for step in steps[:-1]:
            below = here.get(step) if isinstance(step, str) and isinstance(here, dict) else None
            if not isinstance(step, str) and isinstance(here, list):
                below = here[step]
            if not isinstance(below, dict | list):
                below = {}
                _place(here, step, below)
                entry.put(step, _Origins())
            here, entry = below, entry.at(step)
        return here, entry

    def _find(self, items: Sequence[JSONValue], step: Match) -> int | None:
        """Find an item by its name; None where there is no such, or more than one."""
        known = self._names.get((id(items), step.key))
        if known is None or known[0] is not items:
            index: dict[str | None, list[int]] = {}
            for number, item in enumerate(items):
                index.setdefault(name_in(item, step.key), []).append(number)
            known = self._names[(id(items), step.key)] = (items, index)
        found = known[1].get(step.text, [])
        return found[0] if len(found) == 1 else None

    def _forget_names(self, steps: Sequence[str | int], value: JSONValue) -> None:
        """Forget the names in lists in which this changes one, or the numbers of items."""
        here: JSONValue = self._data
        for depth, step in enumerate(steps):
            if isinstance(step, str):
                here = here.get(step) if is_mapping(here) else None
                continue
            if not is_list(here):
                return
            rest = steps[depth + 1 :]
            for place in [place for place in self._names if place[0] == id(here)]:
                is_named = rest[:1] == (place[1],)
                is_same = rest or (value is not None and name_in(value, place[1]) == name_in(here[step], place[1]))
                if is_named or not is_same:
                    del self._names[place]
            here = here[step]


def _tree_of(traced: Traced) -> _Origins:
    tree = _Origins()
    for pointer, origin in traced.origins.items():
        entry = tree
        for step in pointer_steps(pointer, traced.value):
            entry = entry.at(step)
        entry.own = origin
    return tree


def _owned(value: JSONValue) -> JSONValue:
    """Return a copy whose mappings and lists may be changed."""
    if is_mapping(value):
        return {key: _owned(item) for key, item in value.items()}
    return [_owned(item) for item in value] if is_list(value) else value


def _place(around: JSONValue, step: str | int, value: JSONValue) -> None:
    if isinstance(step, str) and isinstance(around, dict):
        around[step] = value
        return
    if isinstance(step, int) and isinstance(around, list):
        around[step] = value


def _remove(around: JSONValue, step: str | int) -> None:
    if isinstance(around, dict) and isinstance(step, str):
        around.pop(step, None)
    elif isinstance(around, list) and isinstance(step, int):
        del around[step]
