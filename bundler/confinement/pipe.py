"""What child processes say through pipes. Layer: confinement."""

from __future__ import annotations

import os


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes; a pipe takes a part at a time."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
