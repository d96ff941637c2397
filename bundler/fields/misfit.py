"""One place where a body does not fit its schema. Layer: fields, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self


class MisfitKind(StrEnum):
    """What is wrong in such a place."""

    TEXT_WANTED = "text"
    WHOLE_WANTED = "whole"
    OTHER_TYPE_WANTED = "type"
    QUANTITY = "quantity"
    BASE64 = "base64"
    UNKNOWN_FIELD = "unknown"
    ITEM = "item"
    """Of a list: there twice, or null."""
    RULE = "rule"
    """A rule of a definition beside types."""


class Misfit(str):
    """A place and what is wrong there; as text it is what the API server says: ``PATH: WHAT``."""

    __slots__ = ("kind", "path", "what")
    path: str
    what: str
    kind: MisfitKind

    def __new__(cls, path: str, what: str, kind: MisfitKind) -> Self:
        """Make one."""
        made = super().__new__(cls, f"{path}: {what}")
        for name, value in (("path", path), ("what", what), ("kind", kind)):
            object.__setattr__(made, name, value)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a misfit is not changed: {name}")
