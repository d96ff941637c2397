"""What a bundle says of itself, without loading the rest of it. Layer: loader; reads local files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.archive.reader import read_archive
from bundler.errors.bundle import BundleInvalidError
from bundler.loader.decode import Node
from bundler.loader.definition import decode_definition
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.locate import BUNDLE_FILE
from bundler.loader.problems import Problems
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import BundleMetadata


def load_metadata(path: Path, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS) -> BundleMetadata:
    """Return what the bundle.yaml of a folder or an archive says of its identity.

    Args:
        path: a folder that has a bundle.yaml, or a .tgz.
        limits: of what is read.

    Raises:
        BundleInvalidError: when bundle.yaml cannot be used.
        ArchiveError: when the archive cannot be read or trusted.
    """
    problems = Problems()
    try:
        document = read_document(_definition(path, limits).decode("utf-8-sig"), limits=limits.yaml)
    except YamlSyntaxError as error:
        raise _unreadable(path, f"line {error.line}, column {error.column}: {error.problem}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, getattr(error, "strerror", "") or "it is not UTF-8 text") from error
    metadata = decode_definition(Node.root(document, BUNDLE_FILE, problems)).metadata
    problems.raise_any(str(path))
    return metadata


def _definition(path: Path, limits: LoadLimits) -> bytes:
    if path.is_file():
        files = read_archive(path, limits=limits.archive)
        if BUNDLE_FILE not in files:
            raise _unreadable(path, "it has none")
        return files[BUNDLE_FILE].content
    with (path / BUNDLE_FILE).open("rb") as file:
        content = file.read(limits.max_file_bytes + 1)
    if len(content) > limits.max_file_bytes:
        raise _unreadable(path, f"it is larger than {limits.max_file_bytes} bytes")
    return content


def _unreadable(path: Path, found: str) -> BundleInvalidError:
    return BundleInvalidError(
        f"reading {BUNDLE_FILE} of {path}",
        context=[found],
        hint="correct the file, or remove the bundle from its folder",
    )
