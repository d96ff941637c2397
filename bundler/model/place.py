"""What is being worked on right now, for who has to end it from outside. Layer: model, pure, standard library only.

Work on a foreign bundle runs inside functions of C that no count reaches (a search by regular expression). Whatever
ends such work by its time can then say at which place of the bundle that was.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import local


class _Thread(local):
    """What one thread works on."""

    describe: Callable[[], str] | None = None


_THREAD = _Thread()


class at_place:  # noqa: N801 - used as a with statement, like contextlib's own
    """Inside the ``with`` block, what is worked on is what ``describe`` says when it is asked."""

    __slots__ = ("_before", "_describe")

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe

    def __enter__(self) -> None:
        self._before, _THREAD.describe = _THREAD.describe, self._describe

    def __exit__(self, *_exc: object) -> None:
        _THREAD.describe = self._before


def current_place() -> str:
    """Say what this thread works on: ``values.schema.json#/properties/tag/pattern``; empty where that is not known."""
    return "" if _THREAD.describe is None else _THREAD.describe()
