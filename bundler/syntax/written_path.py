"""Paths as people write them: ``a.b``, ``a["x.y/z"]``, ``list[2]``, ``list[name=web]``. Layer: syntax, pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeAlias

from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern

_PLAIN_KEY: Final = LazyPattern(r"[^.\[\]\"'=\\\s]+")
_INDEX: Final = LazyPattern(r"\[([0-9]{1,9})\]")
_QUOTED: Final = LazyPattern(r'\[("(?:[^"\\]|\\.)*")\]')
_QUOTED_SINGLE: Final = LazyPattern(r"\['([^']*)'\]")
_MATCH: Final = LazyPattern(r"\[([^.\[\]\"'=\\\s]+)=([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Match:
    """Step into the list item whose ``key`` is ``text``."""

    key: str
    text: str


Step: TypeAlias = "str | int | Match"


class PathSyntaxError(ValueError):
    """No step of a path can be read ``at`` a place, in characters from 0."""

    def __init__(self, at: int) -> None:
        super().__init__(f"no step of a path is at {at}")
        self.at = at


def read_step(text: str, at: int) -> tuple[Step, int]:
    """Read the step of a path that begins at a place; return it with where it ends.

    Raises:
        PathSyntaxError: when none is there.
    """
    if text[at : at + 1] == "[":
        return _read_bracket(text, at)
    start = at + 1 if at and text[at : at + 1] == "." else at
    found = _PLAIN_KEY.match(text, start) if at == 0 or start > at else None
    if found is None:
        raise PathSyntaxError(min(start, len(text)))
    return found.group(), found.end()


def format_path(path: Sequence[Step]) -> str:
    """Write a path so that :func:`read_step` reads the same steps back."""
    parts: list[str] = []
    for step in path:
        match step:
            case int():
                parts.append(f"[{step}]")
            case Match():
                parts.append(f"[{step.key}={step.text}]")
            case str() if _PLAIN_KEY.fullmatch(step):
                parts.append(f".{step}" if parts else step)
            case _:
                parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def _read_bracket(text: str, at: int) -> tuple[Step, int]:
    if found := _INDEX.match(text, at):
        return int(found[1]), found.end()
    if found := _QUOTED.match(text, at):
        return _unquoted(found[1], at), found.end()
    if found := _QUOTED_SINGLE.match(text, at):
        return found[1], found.end()
    if found := _MATCH.match(text, at):
        return Match(found[1], found[2]), found.end()
    raise PathSyntaxError(at)


def _unquoted(quoted: str, at: int) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError as error:
        raise PathSyntaxError(at) from error
