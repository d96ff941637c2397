"""Flaws of rendered objects, and how errors become findings. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bundler.errors import BundlerError, Detail, Found, Remedy
from bundler.model.finding import Finding, Level
from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One way in which an object is not as it should be."""

    rule: str
    message: str
    hint: str
    is_error: bool = False
    field: str = ""
    """What begins with the path of the field that it is about; empty: the whole object."""


def findings_of(work: Callable[[], object]) -> list[Finding]:
    """Return what is wrong with ``work``; nothing where it succeeds."""
    try:
        work()
    except BundlerError as error:
        return list(from_error(error))
    return []


def from_error(error: BundlerError) -> Iterator[Finding]:
    """Return one finding per problem of an error: a line of its context, with the lines that belong to it."""
    groups: list[tuple[str, list[str]]] = []
    for line in error.context:
        if not isinstance(line, Detail):
            groups.append((line, []))
        elif groups and not isinstance(line, Remedy):
            groups[-1][1].append(line)
    for line, details in groups:
        found = line if isinstance(line, Found) else Found(line)
        has_many = len(groups) > 1
        hint = found.hint if has_many and found.hint else error.hint
        place = (found.file, found.line, found.column)
        yield Finding(*place, Level.ERROR, error.code, found.message, tuple(details), hint)
