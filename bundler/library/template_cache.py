"""Compiled templates and expressions as files of the user's cache. Layer: library.

What is there is code, as in Python's own ``__pycache__``: it is taken only from a folder and files that belong to this
user, and that no one else can write or replace.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import bundler
from bundler.files.private_folder import is_own, open_private

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from bundler.expressions.compiled import Compiled
    from bundler.model.digest import Digest

MAX_FILES: Final = 64
MAX_BYTES: Final = 256 << 20
"""Of all files together; that of the last bundle is kept however large it is."""
_DIGEST_BYTES: Final = 32
_FOLDERS: Final = ("expressions", "render")
"""Of this program: each of their files, loaded or not, may have a part in what compiled code is."""


class CompiledFile:
    """The shelf of one bundle and its components: a file; anything wrong with it counts as no file."""

    def __init__(self, folder: Path, bundle: Digest) -> None:
        self._folder = folder
        self._bundle = bundle

    def take(self) -> Mapping[str, Compiled]:
        """Return what an earlier run compiled of the bundle with the same compiler."""
        with _opened(self._folder, create=False) as folder:
            if folder is None:
                return {}
            try:
                packed = _read_ours(folder, self._name())
                if hashlib.sha256(packed[_DIGEST_BYTES:]).digest() != packed[:_DIGEST_BYTES]:
                    return {}
                codes = marshal.loads(packed[_DIGEST_BYTES:])  # noqa: S302 - of a file that only this user can have written
            except (OSError, ValueError, EOFError, TypeError):
                return {}
        return codes if isinstance(codes, dict) else {}

    def put(self, codes: Mapping[str, Compiled]) -> None:
        """Keep what was compiled; a cache that cannot be written is not a failure of the command."""
        payload = marshal.dumps(dict(codes))
        with _opened(self._folder, create=True) as folder:
            if folder is None:
                return
            try:
                _write_ours(folder, self._name(), hashlib.sha256(payload).digest() + payload)
                _forget_oldest(folder)
            except OSError:
                return

    def _name(self) -> str:
        name = hashlib.sha256("\n".join([*_compiler(), self._bundle]).encode()).hexdigest()
        return f"{name[:40]}.code"


@contextmanager
def _opened(path: Path, *, create: bool) -> Iterator[int | None]:
    """Yield a descriptor of a folder that no one else can change, None where it is not one."""
    folder = open_private(path, create=create)
    try:
        yield folder
    finally:
        if folder is not None:
            os.close(folder)


def _forget_oldest(folder: int) -> None:
    """Keep the files that were used last, as many and as much of them as is kept."""
    found = {name: os.stat(name, dir_fd=folder, follow_symlinks=False) for name in os.listdir(folder)}
    room = MAX_BYTES
    for count, name in enumerate(sorted(found, key=lambda name: -found[name].st_mtime_ns), start=1):
        room -= found[name].st_size
        if count > MAX_FILES or (room < 0 and count > 1):
            os.unlink(name, dir_fd=folder)


def _compiler() -> Iterator[str]:
    """Yield what compiled code depends on besides its source: the interpreter, and the files of the compiler."""
    import jinja2  # noqa: PLC0415 - who asks has it loaded
    from jinja2 import compiler, lexer, parser  # noqa: PLC0415 - as above

    jinja_version = getattr(jinja2, "__version__", "")  # releases to come may have none
    yield f"{sys.implementation.cache_tag} {sys.hexversion:x} {jinja_version} {bundler.__version__}"
    # another release of the library changes its version; these change where it is edited in place
    for module in (compiler, lexer, parser):
        yield _state(_archive_of(module) or str(module.__file__))
    archive = _archive_of(bundler)
    if archive:
        yield _state(archive)
        return
    for folder in _FOLDERS:
        place = os.path.join(bundler.__path__[0], folder)  # noqa: PTH118 - as os.scandir takes it
        with os.scandir(place) as entries:
            yield from sorted(_state(entry.path, entry.stat()) for entry in entries if entry.is_file())


def _archive_of(module: ModuleType) -> str:
    """Return the zip archive that a module was loaded from; empty where it is a file of its own."""
    return getattr(module.__loader__, "archive", "")


def _state(path: str, found: os.stat_result | None = None) -> str:
    found = found or os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat
    return f"{path} {found.st_size} {found.st_mtime_ns}"


def _read_ours(folder: int, name: str) -> bytes:
    """Read a file that no one else can have written."""
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        found = os.fstat(file.fileno())
        return file.read() if stat.S_ISREG(found.st_mode) and is_own(found, os.geteuid()) else b""


def _write_ours(folder: int, name: str, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    fresh = f"{name}.{os.getpid()}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), "wb") as file:
        file.write(content)
    os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
