"""How many examples a law is checked against: a third of what it deserves in the slow part, a handful in the fast one.

The slow part takes others in each run. All of them in one: `LAWS=all make test`.
"""

from __future__ import annotations

import os

SHORT = 8
LEAST = 10
"""Of the slow part."""
VARIABLE = "SHORT_LAWS"
"""Set by tests/conftest.py before the laws are imported; workers of the same run inherit it."""


def is_short() -> bool:
    """Return whether this run leaves the slow tests out."""
    return os.environ.get(VARIABLE) == "1"


def examples(full: int) -> int:
    """Return how many examples this run takes of a law that deserves ``full``."""
    if is_short():
        return min(full, SHORT)
    return full if os.environ.get("LAWS") == "all" else min(full, max(LEAST, full // 3))
