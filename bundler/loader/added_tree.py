"""Look at what is added to an image: files, folders and links of this machine. Layer: loader; reads local folders.

Only names, kinds and sizes are read here; content is read when the layer is written. What an image cannot hold in good
order (devices, set-user-ID files, links that leave what is added) is refused, all of it at once.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bundler.errors.delivery import ImageBuildError
from bundler.loader.ignore import IgnoreRules
from bundler.loader.tree import IGNORE_FILE, entries_of
from bundler.model.image_build import AddedFiles, Addition, EntryKind, LayerEntry
from bundler.model.size import first_of

if TYPE_CHECKING:
    import os


_WHITEOUT: Final = ".wh."
"""Source: OCI image-spec, layer.md, "Whiteouts"."""
_MAX_PROBLEMS: Final = 20
_SPECIAL: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_additions(additions: Sequence[Addition]) -> AddedFiles:
    """Return everything that is added, sorted by path; folders above it included.

    Args:
        additions: where two of them bring the same file, the later one counts.

    Raises:
        ImageBuildError: with everything that cannot be added.
    """
    return _Reader().read(additions)


class _Reader:
    def __init__(self) -> None:
        self._entries: dict[str, LayerEntry] = {}
        self._problems: list[str] = []
        self._left_out = 0

    def read(self, additions: Sequence[Addition]) -> AddedFiles:
        for addition in additions:
            self._add(addition)
        entries = self._with_parents()
        if self._problems:
            hint = f"correct these paths, or leave files out by {IGNORE_FILE} in the folder that is added"
            found = first_of(sorted(set(self._problems)), _MAX_PROBLEMS)
            raise ImageBuildError("reading what is added to the image", context=found, hint=hint)
        return AddedFiles(entries=entries, left_out=self._left_out)

    def _add(self, addition: Addition) -> None:
        target = addition.target.strip("/")
        try:
            found = addition.source.stat()
            if stat.S_ISDIR(found.st_mode):
                self._put_folder(target)
                self._folder(addition.source, target)
                return
        except OSError as error:
            self._problems.append(f"{addition.source} cannot be read: {error.strerror or error}")
            return
        if addition.target.endswith("/"):
            target = posixpath.join(target, addition.source.name)
        self._file(addition.source, target, found)

    def _folder(self, root: Path, target: str) -> None:
        """Take everything below a folder, except what is ignored."""
        ignore = root / IGNORE_FILE
        text = ignore.read_text("utf-8", "replace") if ignore.is_file() else ""
        rules = IgnoreRules(text, is_of_bundle=False)
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            for entry in entries_of(root / inner):
                path = posixpath.join(inner, entry.name)
                is_folder = entry.is_dir(follow_symlinks=False)
                if path == IGNORE_FILE:
                    continue
                if rules.is_ignored(path, is_folder=is_folder):
                    self._left_out += 1
                    continue
                self._entry(entry, path, posixpath.join(target, path))
                if is_folder:
                    waiting.append(path)

    def _entry(self, entry: os.DirEntry[str], inner: str, path: str) -> None:
        origin = Path(entry.path)
        if entry.is_symlink():
            self._link(origin, inner, path)
        elif entry.is_dir(follow_symlinks=False):
            self._put_folder(path)
        else:
            self._file(origin, path, entry.stat(follow_symlinks=False))

    def _link(self, origin: Path, inner: str, path: str) -> None:
        """Keep a link that stays inside of what is added; others would lead elsewhere in every image."""
        target = origin.readlink().as_posix()
        if target.startswith("/"):
            self._problems.append(f"{origin} is a link to the absolute path {target}")
        elif posixpath.normpath(posixpath.join(posixpath.dirname(inner), target)).split("/")[0] == "..":
            self._problems.append(f"{origin} is a link to {target}, outside of the folder that is added")
        else:
            self._put(LayerEntry(path=path, kind=EntryKind.LINK, target=target, origin=origin))

    def _file(self, origin: Path, path: str, found: os.stat_result) -> None:
        mode = found.st_mode
        special = next((word for is_one, word in _SPECIAL if is_one(mode)), "")
        if special:
            self._problems.append(f"{origin} is {special}; an image takes files, folders and links")
        elif mode & (stat.S_ISUID | stat.S_ISGID):
            self._problems.append(
                f"{origin} has the set-user-ID or set-group-ID bit, which gives rights to all who run it"
            )
        else:
            is_executable = bool(mode & stat.S_IXUSR)
            size = found.st_size
            self._put(LayerEntry(path=path, kind=EntryKind.FILE, size=size, is_executable=is_executable, origin=origin))

    def _put_folder(self, path: str) -> None:
        if path:
            self._put(LayerEntry(path=path, kind=EntryKind.FOLDER))

    def _put(self, entry: LayerEntry) -> None:
        known = self._entries.get(entry.path)
        if not entry.path:
            self._problems.append(f"{entry.origin} is a file, and cannot become the root folder of the image")
        elif known is not None and EntryKind.FOLDER in {known.kind, entry.kind} and known.kind is not entry.kind:
            other = known.kind if entry.kind is EntryKind.FOLDER else entry.kind
            self._problems.append(f"/{entry.path} would be a folder and a {other} at once")
        elif problem := _name_problem(entry.path):
            self._problems.append(f"{entry.path!a} {problem}")
        else:
            self._entries[entry.path] = entry

    def _with_parents(self) -> tuple[LayerEntry, ...]:
        entries = dict(self._entries)
        for path in self._entries:
            for above in _above(path):
                known = entries.setdefault(above, LayerEntry(path=above, kind=EntryKind.FOLDER))
                if known.kind is not EntryKind.FOLDER:
                    self._problems.append(f"/{above} is a {known.kind}, and /{path} would be below it")
        return tuple(entries[path] for path in sorted(entries))


def _above(path: str) -> Iterator[str]:
    """Yield the folders above a path, the highest first."""
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _name_problem(path: str) -> str:
    if not path.isprintable():
        return "has a name with control characters, or one that is not UTF-8"
    if any(part.startswith(_WHITEOUT) for part in path.split("/")):
        return f"has a name that begins with {_WHITEOUT}, which in an image means that something is deleted"
    return ""
