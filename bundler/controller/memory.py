"""How the controller's threads share memory. Layer: controller."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""Of ``mallopt`` in the GNU C library."""


def share_one_heap() -> None:
    """Let all threads allocate from one heap, before there are any: a heap each keeps 20 MB that no one uses.

    Other C libraries have one anyway.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
