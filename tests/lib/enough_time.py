"""Commands whose time is meant to run out, though not before they did what a test is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
TRIES = 5


def with_enough_time(run: Callable[[int], T], is_enough: Callable[[T], object], *, first_s: int = 3) -> T:
    """Run a command with so many seconds, and again with twice as many, as its hint says, until it was enough.

    On a quick machine the first time is; a fixed one that is for the slowest machine, too, would be waited for everywhere.
    """
    for seconds in (first_s * 2**tried for tried in range(TRIES)):
        done = run(seconds)
        if is_enough(done):
            break
    return done
