"""Write a file that appears whole or not at all. Layer: files; writes one local file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bundler.errors import OutputError

if TYPE_CHECKING:
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
    fresh = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def write_output(path: Path, content: bytes) -> None:
    """Write a file that a command was asked for, whole or not at all.

    Raises:
        OutputError: when it cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise OutputError(f"writing {path}", context=[found], hint="choose a file that you can write to") from error
