"""The command line as a revision records it: sensitive values masked. Layer: actions, pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.redaction import MASK
from bundler.model.values import AssignmentKind
from bundler.ports import UNCONFINED, Confinement
from bundler.syntax.written_path import Match
from bundler.values.paths import read_path, shown_start
from bundler.values.schema_view import SchemaView, bundle_view
from bundler.values.user import is_secret_place

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle

_LOGIN = re.compile(r"([a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)
"""User and password in an address; a registry of bundles or a proxy may be typed so."""
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)|secret|token|credential|(api|private|access)[-_]?key", re.IGNORECASE)
_OPTIONS = {kind.value: kind for kind in AssignmentKind}


def recorded_command(
    argv: Sequence[str], bundle: Bundle | None = None, *, confinement: Confinement = UNCONFINED
) -> str:
    """Return a command line as it may be kept.

    Args:
        argv: the words after the program's name.
        bundle: whose schemas say which values are sensitive; without one, every assigned value is masked.
        confinement: reads these schemas, where a value is assigned.

    Raises:
        WorkLimitError: when reading the schemas takes more time or memory than it may.
    """
    if bundle is None or not any(word.partition("=")[0] in _OPTIONS for word in argv):
        return shlex.join(["bundler", *_masked(argv, None)])
    words = confinement.run(
        lambda: [*_masked(argv, bundle_view(bundle))],
        doing=f"reading which values of {bundle.metadata.name} are sensitive",
    )
    return shlex.join(["bundler", *words])


def _masked(argv: Iterable[str], view: SchemaView | None) -> Iterable[str]:
    """Yield words as they may be kept; of addresses, what is written before the host is left out too."""
    return (_LOGIN.sub(rf"\1{MASK}@", word) for word in _unassigned(argv, view))


def _unassigned(argv: Iterable[str], view: SchemaView | None) -> Iterable[str]:
    kind: AssignmentKind | None = None
    for word in argv:
        option, has_value, assignment = word.partition("=")
        if kind is not None:
            yield _assignment(kind, word, view)
        elif option in _OPTIONS and has_value:
            yield f"{option}={_assignment(_OPTIONS[option], assignment, view)}"
        else:
            yield word
        kind = _OPTIONS.get(word) if kind is None else None


def _assignment(kind: AssignmentKind, text: str, view: SchemaView | None) -> str:
    try:
        steps, end = read_path(text)
    except ValuesPathError:
        return shown_start(text)
    if end == len(text):
        return shown_start(text)
    place = [0 if isinstance(step, Match) else step for step in steps]
    if kind in (AssignmentKind.FILE, AssignmentKind.ENV):
        return text
    is_secret = view is None or is_secret_place(view, place) or any(map(_names_secret, place))
    return f"{text[:end]}={MASK}" if is_secret else text


def _names_secret(step: str | int) -> bool:
    """Return whether a key says that what is below it is secret, whatever the schema says."""
    return isinstance(step, str) and _SECRET_NAME.search(step) is not None
