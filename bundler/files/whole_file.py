"""Write a file that appears whole or not at all. Layer: files; writes one local file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from bundler.errors import OutputError
from bundler.errors.disk import hint_to_write

if TYPE_CHECKING:
    from pathlib import Path

_OWN_STREAMS: Final = "/proc/self/fd/"


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file under a name of its own, then rename it: nothing is followed, and no half of it is ever seen.

    Devices and pipes (``/dev/null``, ``/dev/stdout``) are written to: a rename would put a file in their place, and no
    program of this machine would have them any more.

    Args:
        path: of the file; a link there is replaced, not followed, unless it is one to a stream of this process.
        content: all of it.
        mode: of the file.

    Raises:
        OSError: when it cannot be written.
    """
    if _takes_bytes(path):
        path.write_bytes(content)
        return
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


def _takes_bytes(path: Path) -> bool:
    """Return whether a path is a device or a pipe of ours or of the system, or leads to a stream of this process."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(found.st_mode):
        return str(path.readlink()).startswith(_OWN_STREAMS)
    is_stream = stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)
    return is_stream and found.st_uid in {0, os.geteuid()}


def write_output(path: Path, content: bytes) -> None:
    """Write a file that a command was asked for, whole or not at all.

    Raises:
        OutputError: when it cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise OutputError(
            f"writing {path}", context=[found], hint=hint_to_write(error, "choose a file that you can write to")
        ) from error
