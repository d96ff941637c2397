"""What to do where a file cannot be written. Layer: errors; pure."""

from __future__ import annotations

import errno
from typing import Final

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}
MAKE_ROOM: Final = "free space on this disk, or raise the quota, then run the same command again"


def hint_to_write(error: OSError, otherwise: str) -> str:
    """Return the hint for a file that could not be written: a full disk calls for room, not for other permissions.

    Args:
        error: of the system.
        otherwise: the hint where there is room: ``choose a folder that you can write to``.
    """
    return MAKE_ROOM if error.errno in _NO_ROOM else otherwise
