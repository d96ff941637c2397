"""Read the small files that a kubeconfig is or names. Layer: adapter.

They may be anything that the system calls a file: a pipe (``--kubeconfig <(vault read …)``) is read as kubectl does;
a device without end, or a pipe that no one writes to, is an error.
"""

from __future__ import annotations

import errno
import os
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_CREDENTIAL_BYTES = 1024 * 1024
"""Of a token, certificate or key."""
TIMEOUT_S = 30.0
_READ_BYTES = 65_536


def read_bounded(path: Path, *, max_bytes: int = MAX_CREDENTIAL_BYTES, timeout_s: float = TIMEOUT_S) -> bytes:
    """Return what a file holds.

    Args:
        path: of the file.
        max_bytes: larger files are refused.
        timeout_s: seconds to wait at most; never more than `TIMEOUT_S`.

    Raises:
        OSError: when it cannot be read, is larger, or does not end in time; ``strerror`` says so.
    """
    timeout_s = min(timeout_s, TIMEOUT_S)
    end_s = time.monotonic() + timeout_s
    # Without O_NONBLOCK, opening a pipe would wait until someone writes to it.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = bytearray()
        while True:
            readable, _, _ = select.select([fd], [], [], max(0.0, end_s - time.monotonic()))
            if not readable:
                raise TimeoutError(errno.ETIMEDOUT, f"it did not end within {timeout_s:g} s", str(path))
            piece = os.read(fd, _READ_BYTES)
            if not piece:
                return bytes(content)
            content += piece
            if len(content) > max_bytes:
                raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    finally:
        os.close(fd)
