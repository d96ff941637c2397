"""What a run and the processes that work for it say to each other. Layer: isolation, pure.

A run asks the program that forks (``REQUEST``, ``ANSWER``). Each process then has a socket and some memory that it
shares with the run: pieces go through the memory, which is cheaper than a pipe, and their lengths through the socket.
"""

from __future__ import annotations

import struct
from typing import Final

REQUEST: Final = struct.Struct("<cqqqq")
"""``FORK`` with limits (seconds of work, bytes of memory, bytes of a file, open files), or ``END`` with a number of a
process."""
ANSWER: Final = struct.Struct("<q")
"""The number of a process, or the exit code of one."""
FORK: Final = b"f"
END: Final = b"e"

SLOTS: Final = 4
SLOT_BYTES: Final = 256 * 1024
"""The memory is a ring of places; each takes one piece."""
LENGTH: Final = struct.Struct("<I")
"""To the process: the next place holds so many bytes."""
FREED: Final = b"\0"
"""From the process: a place is free again. The first other byte begins the result."""
FOUND: Final = b"r"
FAILED: Final = b"f"
MEMORY: Final = b"m"
