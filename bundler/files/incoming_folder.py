"""A folder for what is on its way into another one. Layer: files; writes local files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from bundler.files.locked_folder import locked_folder, open_folder

PREFIX: Final = ".incoming-"


class IncomingFolder:
    """A folder inside ``home`` that is gone when it is closed, with ``home`` itself where that was made for it alone.

    It is locked as long as it is open, so that the next one can clear away what a killed run has left.
    """

    def __init__(self, home: Path) -> None:
        """Make both.

        Raises:
            OSError: when they cannot be made.
        """
        self._made = [folder for folder in (home, *home.parents) if not folder.exists()]
        home.mkdir(parents=True, exist_ok=True)
        with locked_folder(home):
            for left in home.glob(f"{PREFIX}*"):
                with contextlib.suppress(FileNotFoundError):  # the run that made it clears it away just now
                    _clear(left)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
            self._lock = open_folder(self.path)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove what is still in it, and every folder that was made and is empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()


def _clear(folder: Path) -> None:
    handle = open_folder(folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
