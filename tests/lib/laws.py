"""How many examples a law is held against: all in the slow part of the tests, a handful in the fast one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = 8
VARIABLE = "SHORT_LAWS"
"""Set by tests/conftest.py before the laws are imported; workers of the same run inherit it."""


def is_short() -> bool:
    """Tell whether this run leaves the slow tests out."""
    return os.environ.get(VARIABLE) == "1"


def examples(full: int) -> int:
    """Return how many examples this run takes of a law that deserves ``full``."""
    return min(full, SHORT) if is_short() else full


@contextmanager
def few_examples() -> Iterator[None]:
    """Let laws that name no number of their own take few examples in the block."""
    before = settings.get_current_profile_name()
    settings.register_profile("short", max_examples=SHORT)
    settings.load_profile("short")
    try:
        yield
    finally:
        settings.load_profile(before)
