"""Compiled templates and expressions, kept from one run to the next. Layer: expressions, pure.

Jinja's lexer, parser and compiler are the slowest step of a small rendering, and what they make depends on the text of
a template or expression alone, never on values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import CodeType

    Compiled = tuple[CodeType, bool, frozenset[tuple[str, ...]]]
    """Code; whether its result is printed text; the paths that an expression reads, or the facts of a template whose
    lines are marked. Plain enough for ``marshal``."""


class CompiledShelf(Protocol):
    """Where the compiled templates and expressions of one bundle lie between two runs."""

    def take(self) -> Mapping[str, Compiled]:
        """Return what was put there; nothing where there is none that fits this program."""
        ...

    def put(self, codes: Mapping[str, Compiled]) -> None:
        """Keep what was compiled in place of what was there before; a shelf may forget."""
        ...


class CompiledCodes:
    """What is compiled of one bundle and its components, for as long as something works with it.

    A shelf is asked when the first code is. Leaving a ``with`` block keeps what is new.
    """

    __slots__ = ("_codes", "_has_news", "_shelf")

    def __init__(self, shelf: CompiledShelf | None = None) -> None:
        self._shelf = shelf
        self._codes: dict[str, Compiled] | None = None
        self._has_news = False

    def find(self, key: str) -> Compiled | None:
        """Return what was compiled; None where that has to be done."""
        return self._taken().get(key)

    def add(self, key: str, compiled: Compiled) -> None:
        """Remember what was compiled now."""
        self._taken()[key] = compiled
        self._has_news = True

    def keep(self) -> None:
        """Put all on the shelf, where something is new."""
        if self._shelf is not None and self._has_news:
            self._shelf.put(self._taken())
            self._has_news = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Keep what there is: what was compiled is good even where something after it failed."""
        self.keep()

    def _taken(self) -> dict[str, Compiled]:
        if self._codes is None:
            self._codes = {} if self._shelf is None else dict(self._shelf.take())
        return self._codes


def code_key(kind: str, source: str, *parts: object) -> str:
    """Return all that code depends on besides the compiler, in one word.

    Args:
        kind: what is compiled, and in which way; it decides how many parts there are.
        source: the text itself.
        parts: what else the code holds or is made from; distinguished by ``repr``.
    """
    text = "\0".join([kind, *map(repr, parts), source])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
