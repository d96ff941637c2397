"""Compiled templates, kept from one rendering to the next. Layer: render, pure.

Jinja's compiler is the slowest step of a small rendering, and what it makes depends on the text of a template alone,
never on values.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from bundler.model.digest import Digest

_MAX_CODES: Final = 512
_CODES: Final[dict[str, CodeType]] = {}
"""What this process compiled or took from a shelf: the inventory of images renders one bundle often."""


class CompiledShelf(Protocol):
    """Where the compiled templates of a bundle lie between two runs."""

    def take(self, bundle: Digest) -> Mapping[str, CodeType]:
        """Return what was put there for a bundle; nothing where there is none that fits this program."""
        ...

    def put(self, bundle: Digest, codes: Mapping[str, CodeType]) -> None:
        """Keep the compiled templates of a bundle in place of those before; a shelf may forget."""
        ...


class CompiledTemplates:
    """The compiled templates of one bundle during one rendering."""

    def __init__(self, bundle: Digest, shelf: CompiledShelf | None) -> None:
        self._bundle, self._shelf = bundle, shelf
        self._kept: dict[str, CodeType] | None = None
        self._has_news = False

    def find(self, key: str) -> CodeType | None:
        """Return the code of a template; None where it has to be compiled."""
        found = _CODES.get(key)
        return found if found is not None else self._taken().get(key)

    def add(self, key: str, code: CodeType) -> None:
        """Remember what was compiled now."""
        if len(_CODES) >= _MAX_CODES:
            _CODES.clear()
        _CODES[key] = self._taken()[key] = code
        self._has_news = True

    def keep(self) -> None:
        """Put all on the shelf, where something is new."""
        if self._shelf is not None and self._has_news:
            self._shelf.put(self._bundle, self._taken())
            self._has_news = False

    def _taken(self) -> dict[str, CodeType]:
        if self._kept is None:
            self._kept = {} if self._shelf is None else dict(self._shelf.take(self._bundle))
        return self._kept


def code_key(source: str, *parts: object) -> str:
    """Return what the code of a template depends on, in one word."""
    text = "\0".join([*map(repr, parts), source])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
