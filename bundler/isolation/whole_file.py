"""Write a file that appears whole or not at all. Layer: isolation; writes one local file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file under a name of its own, then rename it: nothing is followed, and no half of it is ever seen.

    Args:
        path: of the file; a link there is replaced, not followed.
        content: all of it.
        mode: of the file.

    Raises:
        OSError: when it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
