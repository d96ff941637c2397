"""Write rendered objects to a folder, one file each, or compare them with it. Layer: actions; writes files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.actions.author.template import warnings_of
from bundler.actions.compose.compose import compose
from bundler.errors import OutputError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.model.rendered import SplitObjects
from bundler.planning.object_files import SUFFIX, mark_of, object_files
from bundler.planning.shown_names import public_identifiers

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest


def render_files(order: RenderRequest, *, shows_secrets: bool) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the text of a file for each object, by its path, and what deserves a look.

    Args:
        order: bundle, names and values.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order)
    files = object_files(
        made.manifests,
        namespace=order.namespace,
        sensitive=None if shows_secrets else made.sensitive,
        public=public_identifiers(made.manifests),
    )
    return files, warnings_of(made)


def split_objects(files: Mapping[str, str], folder: Path, *, is_check: bool) -> SplitObjects:
    """Bring a folder in line with rendered objects: only files that an earlier run wrote are replaced or deleted.

    Args:
        files: the text of each, by its path in the folder.
        folder: made where it is missing.
        is_check: write nothing, and say what would be done.

    Raises:
        OutputError: when a file that bundler did not write is in the way, or the folder cannot be read or written.
    """
    try:
        there = dict(_written_before(folder))
        result = SplitObjects(
            folder=folder,
            files=tuple(sorted(files)),
            added=tuple(sorted(files.keys() - there.keys())),
            changed=tuple(sorted(path for path, text in files.items() if there.get(path, text) != text)),
            removed=tuple(sorted(there.keys() - files.keys())),
            is_check=is_check,
        )
        _refuse_foreign(folder, result.added)
        if not is_check:
            _write(result, files)
    except OSError as error:
        raise OutputError(
            f"splitting objects into {folder}",
            context=[f"{error.filename or folder}: {error.strerror or error}"],
            hint=hint_to_write(error, "choose a folder that you can read and write"),
        ) from error
    return result


def _written_before(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file of the folder that bundler wrote there; links are not followed."""
    for place, _, names in os.walk(folder, onerror=_raise) if os.path.lexists(folder) else ():
        for name in (name for name in names if name.endswith(SUFFIX)):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            if not file.is_symlink() and file.is_file() and _is_marked(file, path):
                yield path, file.read_bytes().decode(errors="replace")


def _raise(error: OSError) -> None:
    raise error


def _is_marked(file: Path, path: str) -> bool:
    mark = f"{mark_of(path)}\n".encode()
    with file.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _refuse_foreign(folder: Path, added: Iterable[str]) -> None:
    found = sorted({taken for path in added if (taken := _taken(folder, path))})
    if found:
        raise OutputError(
            f"splitting objects into {folder}",
            context=[f"{path}: exists already, and this command did not write it" for path in found],
            hint="choose another folder, or move these files away",
        )


def _taken(folder: Path, path: str) -> str:
    """Return what is in the way of a new file: something of its name, or a link or file where its folder would be."""
    for one in reversed(Path(path).parents[:-1]):
        if os.path.lexists(folder / one) and ((folder / one).is_symlink() or not (folder / one).is_dir()):
            return one.as_posix()
    return path if os.path.lexists(folder / path) else ""


def _write(result: SplitObjects, files: Mapping[str, str]) -> None:
    result.folder.mkdir(parents=True, exist_ok=True)
    for path in (*result.added, *result.changed):
        file = result.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, files[path].encode())
    for path in result.removed:
        file = result.folder / path
        file.unlink()
        with suppress(OSError):  # a folder that holds anything else stays
            for above in file.relative_to(result.folder).parents[:-1]:
                (result.folder / above).rmdir()
