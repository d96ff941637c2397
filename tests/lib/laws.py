"""How many examples a law is checked against: all in the slow part of the tests, a handful in the fast one."""

from __future__ import annotations

import os

SHORT = 8
VARIABLE = "SHORT_LAWS"
"""Set by tests/conftest.py before the laws are imported; workers of the same run inherit it."""


def is_short() -> bool:
    """Return whether this run leaves the slow tests out."""
    return os.environ.get(VARIABLE) == "1"


def examples(full: int) -> int:
    """Return how many examples this run takes of a law that deserves ``full``."""
    return min(full, SHORT) if is_short() else full
