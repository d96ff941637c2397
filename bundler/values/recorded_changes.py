"""Which values differ between two recorded revisions, and which fields that explains. Layer: values, pure.

A record holds values and objects, and not the bundle: which template reads which value is not known. A field whose text
was the old value and becomes the new one follows that value, or one that changes in the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from bundler.model.json import Body, JSONValue, is_list, is_mapping
from bundler.model.lean import dataclass
from bundler.values.changes import changed_value, is_changed, is_same_to_templates
from bundler.values.flatten import leaves_of

if TYPE_CHECKING:
    from bundler.model.causes import ChangedValue
    from bundler.model.values import Pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedValues:
    """The values of one revision."""

    said: str
    """What it is called: ``revision 3``."""
    bundle: str
    """Name and version of its bundle."""
    user: Body
    """What the user gave."""
    computed: Body | None
    """What templates saw; None where an older bundler wrote the record."""


class RecordedChanges:
    """The values that are not the same in two revisions."""

    def __init__(
        self, before: RecordedValues, after: RecordedValues, *, is_same_bundle: bool, is_secret: Callable[[str], bool]
    ) -> None:
        """Compare the values of two revisions.

        Args:
            before: the one that is left.
            after: the one that is gone back to.
            is_same_bundle: whether both are of the same bundle, content included.
            is_secret: says of a text whether it must not be shown.
        """
        self._after, self._is_same_bundle, self._is_secret = after, is_same_bundle, is_secret
        self._given = leaves_of(before.user).keys() | leaves_of(after.user).keys()
        self._given_after = leaves_of(after.user).keys()
        whole = (before.user, after.user)
        if before.computed is not None and after.computed is not None:
            whole = (before.computed, after.computed)
        self._old, self._new = map(leaves_of, whole)

    @cached_property
    def pointers(self) -> frozenset[Pointer]:
        """All values that differ."""
        return frozenset(
            one for one in self._old.keys() | self._new.keys() if is_changed(self._old.get(one), self._new.get(one))
        )

    @cached_property
    def begun(self) -> frozenset[Pointer]:
        """Those that the user gave in one of the revisions: with these the other changes begin."""
        return self.pointers & self._given

    @property
    def is_one(self) -> bool:
        """Return whether everything that differs follows from a single value."""
        return self._is_same_bundle and len(self.begun) == 1

    def behind(self, before: JSONValue, after: JSONValue) -> frozenset[Pointer]:
        """Return the values that a field follows, as its text says; none where no value explains it.

        Args:
            before: what the older record has there.
            after: what the newer one has.
        """
        exact = {
            one for one in self.pointers if _prints(self._old.get(one), before) and _prints(self._new.get(one), after)
        }
        if exact:
            return frozenset(exact)
        return self._inside(before, after) if isinstance(before, str) and isinstance(after, str) else frozenset()

    def told(self, pointers: Iterable[Pointer]) -> tuple[ChangedValue, ...]:
        """Return what became of values, and of those that the user gave, by path."""
        return tuple(sorted(map(self._changed, {*pointers, *self.begun}), key=lambda one: one.path))

    def _inside(self, before: str, after: str) -> frozenset[Pointer]:
        """Return the values whose texts, replaced in one text, make it the other."""
        found = {one: (_text(self._old.get(one)), _text(self._new.get(one))) for one in self.pointers}
        found = {one: (old, new) for one, (old, new) in found.items() if old and old in before and new in after}
        alone = {one for one, (old, new) in found.items() if before.replace(old, new) == after}
        if alone or not found:
            return frozenset(alone)
        texts = dict(found.values())
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        rebuilt = re.sub("|".join(map(re.escape, longest_first)), lambda match: texts[match[0]], before)
        return frozenset(found) if rebuilt == after else frozenset()

    def _changed(self, pointer: Pointer) -> ChangedValue:
        old, new = self._old.get(pointer), self._new.get(pointer)
        is_sensitive = _holds(old, self._is_secret) or _holds(new, self._is_secret)
        because = self.begun if self.is_one and pointer not in self.begun else ()
        source = self._source(pointer)
        return changed_value(pointer, old, new, source=source, is_sensitive=is_sensitive, because=because)

    def _source(self, pointer: Pointer) -> str:
        if pointer in self._given_after:
            return self._after.said
        if pointer in self._given:
            return f"not set in {self._after.said}"
        return "" if self._is_same_bundle else self._after.bundle


def _prints(value: JSONValue, field: JSONValue) -> bool:
    """Return whether a field is what a template prints of a value: text, or what YAML reads of it."""
    if is_same_to_templates(value, field):
        return True
    is_plain = not any(is_list(side) or is_mapping(side) or side is None for side in (value, field))
    return is_plain and _text(value) == _text(field)


def _text(value: JSONValue) -> str:
    """Return a scalar as it is printed; empty for everything else."""
    if isinstance(value, bool):
        return json.dumps(value)
    return "" if value is None or is_list(value) or is_mapping(value) else str(value)


def _holds(value: JSONValue, is_secret: Callable[[str], bool]) -> bool:
    if is_mapping(value):
        return any(_holds(side, is_secret) for item in value.items() for side in item)
    if is_list(value):
        return any(_holds(item, is_secret) for item in value)
    return is_secret(_text(value))
