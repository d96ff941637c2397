"""How much memory another process has, where the system sets no bound itself. Layer: isolation."""

from __future__ import annotations

import sys

_IS_BOUNDED = sys.platform != "darwin"
"""Linux refuses the memory itself (RLIMIT_AS); macOS takes the limit and does not keep it."""
_MAX_S = 2.0


def resident_bytes(process: int) -> int:
    """Return the bytes of memory that a process has; 0 where the system sees to it, or does not say."""
    return 0 if _IS_BOUNDED else asked_resident_bytes(process)


def asked_resident_bytes(process: int) -> int:
    """Return what ``ps`` says that a process has."""
    import subprocess  # noqa: PLC0415, TID251 - only where the system sets no bound

    try:
        answer = subprocess.run(  # noqa: S603 - a number of ours
            ["/bin/ps", "-o", "rss=", "-p", str(process)], capture_output=True, timeout=_MAX_S, check=False
        )
        return int(answer.stdout or b"0") * 1024
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0
