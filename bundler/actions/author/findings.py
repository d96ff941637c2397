"""How errors become findings. Layer: actions, pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bundler.errors import BundlerError
from bundler.model.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLACE = re.compile(r"^(?P<file>[^\s:][^:]*?):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<message>.*)$", re.DOTALL)
_NAMED = re.compile(r"(?<![\w./])(?P<file>[\w.-][\w./-]*\.(?:ya?ml|json|md))(?::(?P<line>\d+)|#|: )")
_TRY = "  try: "


def findings_of(work: Callable[[], object]) -> list[Finding]:
    """Return what is wrong with ``work``; nothing where it succeeds."""
    try:
        work()
    except BundlerError as error:
        return list(from_error(error))
    return []


def from_error(error: BundlerError) -> Iterator[Finding]:
    """Return one finding per problem of an error: a line of its context, with the indented lines below it."""
    groups: list[list[str]] = []
    for line in error.context:
        if line.startswith(" ") and groups:
            groups[-1].append(line)
        else:
            groups.append([line])
    for head, *below in groups:
        hint = next((line.removeprefix(_TRY) for line in below if line.startswith(_TRY)), error.hint)
        details = tuple(line for line in below if not line.startswith(_TRY))
        found = _PLACE.match(head)
        if found is None:
            yield Finding(*_named_in(head), 0, Level.ERROR, error.code, head, details, hint)
        else:
            place = (found["file"], int(found["line"]), int(found["column"] or 0))
            yield Finding(*place, Level.ERROR, error.code, found["message"], details, hint)


def _named_in(sentence: str) -> tuple[str, int]:
    """Return the last file and line that a sentence without a place of its own names."""
    named = list(_NAMED.finditer(sentence))
    return (named[-1]["file"], int(named[-1]["line"] or 0)) if named else ("", 0)
