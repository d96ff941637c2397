"""Compiled templates and expressions as files of the user's cache. Layer: cli.

What lies there is code, as in Python's own ``__pycache__``: it is taken only from a folder and files that belong to
this user and that nobody else may write.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import sys
from typing import TYPE_CHECKING, Final

import bundler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

    from bundler.expressions.compiled import Compiled
    from bundler.model.digest import Digest

MAX_FILES: Final = 64
_MAX_FILE_BYTES: Final = 8 << 20
_DIGEST_BYTES: Final = 32
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_FOLDERS: Final = ("expressions", "render")
"""Of this program: each of their files, loaded or not, may have a part in what compiled code is."""


class CompiledFile:
    """The shelf of one bundle and its components: a file; anything wrong with it counts as no file."""

    def __init__(self, folder: Path, bundle: Digest) -> None:
        self._folder = folder
        self._bundle = bundle

    def take(self) -> Mapping[str, Compiled]:
        """Return what an earlier run compiled of the bundle with the same compiler."""
        try:
            if not _is_ours(self._folder.lstat(), stat.S_ISDIR):
                return {}
            packed = _read_ours(self._path())
            if hashlib.sha256(packed[_DIGEST_BYTES:]).digest() != packed[:_DIGEST_BYTES]:
                return {}
            codes = marshal.loads(packed[_DIGEST_BYTES:])  # noqa: S302 - of a file that only this user can have written
        except (OSError, ValueError, EOFError, TypeError):
            return {}
        return codes if isinstance(codes, dict) else {}

    def put(self, codes: Mapping[str, Compiled]) -> None:
        """Keep what was compiled; a cache that cannot be written is no failure of the command."""
        payload = marshal.dumps(dict(codes))
        packed = hashlib.sha256(payload).digest() + payload
        if len(packed) > _MAX_FILE_BYTES:
            return
        try:
            path = self._path()
            fresh = path.with_suffix(f".{os.getpid()}")
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _is_ours(self._folder.lstat(), stat.S_ISDIR):
                return
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(packed)
            fresh.replace(path)
            self._forget_oldest()
        except OSError:
            return

    def _path(self) -> Path:
        name = hashlib.sha256("\n".join([*_compiler(), self._bundle]).encode()).hexdigest()
        return self._folder / f"{name[:40]}.code"

    def _forget_oldest(self) -> None:
        kept = sorted(self._folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns)
        for path in kept[:-MAX_FILES]:
            path.unlink(missing_ok=True)


def _compiler() -> Iterator[str]:
    """Yield what compiled code depends on besides its source: the interpreter, and the files of the compiler."""
    import jinja2  # noqa: PLC0415 - who asks has it loaded
    from jinja2 import compiler, lexer, parser  # noqa: PLC0415

    jinja_version = getattr(jinja2, "__version__", "")  # releases to come may have none
    yield f"{sys.implementation.cache_tag} {sys.hexversion:x} {jinja_version} {bundler.__version__}"
    # another release of the library changes its version; these are where somebody mends it in place
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


def _read_ours(path: Path) -> bytes:
    """Read a file that nobody else can have written."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        if not _is_ours(os.fstat(file.fileno()), stat.S_ISREG):
            return b""
        return file.read(_MAX_FILE_BYTES)


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    return is_kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY_WRITE
