"""Read a bundle's folder into memory, within its bounds. Layer: loader; reads local files only."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.loader.ignore import IgnoreRules
from bundler.model.bundle import BundleFile
from bundler.model.manifest import Source
from bundler.model.size import shown_excess

if TYPE_CHECKING:
    from bundler.loader.limits import LoadLimits
    from bundler.loader.problems import Problems

IGNORE_FILE = ".bundleignore"
_MAX_PATH_CHARS = 900
_MAX_FOLDER_DEPTH = 100


def read_directory(root: Path, *, prefix: str, limits: LoadLimits, problems: Problems) -> dict[str, BundleFile]:
    """Return the files below ``root`` that .bundleignore leaves in, by their path with ``/``.

    Links are followed to files inside the bundle and refused otherwise. What cannot be read is a problem, named with
    ``prefix`` (the component's path) before it.

    Args:
        root: of the bundle.
        prefix: of every path that is reported.
        limits: the largest sizes and counts to accept.
        problems: collects what is wrong.
    """
    return _Walk(root, prefix, limits, problems).files()


class _Walk:
    def __init__(self, root: Path, prefix: str, limits: LoadLimits, problems: Problems) -> None:
        self._root = root.resolve()
        self._prefix = prefix
        self._limits = limits
        self._problems = problems
        self._files: dict[str, BundleFile] = {}
        self._folded: dict[str, str] = {}
        self._total_bytes = self._total_files = 0

    def files(self) -> dict[str, BundleFile]:
        """Read everything."""
        ignore = self._root / IGNORE_FILE
        rules = IgnoreRules(ignore.read_text("utf-8", "replace") if ignore.is_file() else "")
        self._folder(self._root, "", rules, depth=0)
        self._check_totals()
        return self._files

    def _folder(self, folder: Path, path: str, rules: IgnoreRules, *, depth: int) -> None:
        try:
            entries = entries_of(folder)
        except OSError as error:
            self._add(path or ".", f"the folder cannot be read: {error.strerror}")
            return
        for entry in entries:
            inner = f"{path}{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if rules.is_ignored(inner, is_folder=is_folder) or not self._is_nameable(inner, depth):
                continue
            if is_folder:
                self._folder(Path(entry.path), f"{inner}/", rules, depth=depth + 1)
            else:
                self._file(entry, inner)

    def _is_nameable(self, path: str, depth: int) -> bool:
        if not path.isprintable() or "\\" in path or len(path) > _MAX_PATH_CHARS or depth > _MAX_FOLDER_DEPTH:
            self._add(ascii(path)[:200], "this name cannot be packaged: control characters, backslash, or too long")
            return False
        other = self._folded.setdefault(_folded(path), path)
        if other != path:
            self._add(path, f'the name differs from "{other}" only in case; some file systems cannot hold both')
        return other == path

    def _file(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(self._root):
            self._add(path, "the link leaves the bundle; put a copy of the file here")
            return
        try:
            found = entry.stat()
            if not stat.S_ISREG(found.st_mode):
                what = "a link to a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
                self._add(path, f"{what}; a bundle holds files and folders only")
                return
            if self._has_room(path, found.st_size):
                content = Path(entry.path).read_bytes()
                self._files[path] = BundleFile(
                    path=path, content=content, is_executable=bool(found.st_mode & stat.S_IXUSR)
                )
        except OSError as error:
            self._add(path, f"the file cannot be read: {error.strerror}")

    def _has_room(self, path: str, size_bytes: int) -> bool:
        if size_bytes > self._limits.max_file_bytes:
            found, limit = shown_excess(size_bytes, self._limits.max_file_bytes)
            self._add(path, f"the file has {found}, the limit of a file is {limit} (--max-bundle-file-size)")
            return False
        self._total_bytes += size_bytes
        self._total_files += 1
        return self._total_bytes <= self._limits.max_total_bytes and self._total_files <= self._limits.max_files

    def _check_totals(self) -> None:
        """Say by how much the whole is too large: what has no room is counted, and not read."""
        if self._total_bytes > self._limits.max_total_bytes:
            found, limit = shown_excess(self._total_bytes, self._limits.max_total_bytes)
            message = f"the bundle has {found}, the limit is {limit} (--max-bundle-size)"
            self._add(".", f"{message}; leave files out by {IGNORE_FILE}")
        if self._total_files > self._limits.max_files:
            message = f"the bundle has {self._total_files} files, the limit is {self._limits.max_files}"
            self._add(".", f"{message} (--max-bundle-files); leave files out by {IGNORE_FILE}")

    def _add(self, path: str, message: str) -> None:
        self._problems.add(Source(f"{self._prefix}{path}", 0), message)


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _folded(path: str) -> str:
    """Return what file systems that fold letters take a path for."""
    if path.isascii():
        return path.lower()
    import unicodedata  # noqa: PLC0415 - most names are ASCII

    return unicodedata.normalize("NFC", path).casefold()
