"""A support bundle: what was gathered, in one file. Layer: library."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.actions import inspect
from bundler.archive.writer import pack_files, write_packed
from bundler.model.bundle import BundleFile
from bundler.model.support import SupportArchive, SupportRequest

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.library.scope import Scope


def support_bundle(scope: Scope, release: str, out: Path, *, namespace: str, tail_lines: int) -> SupportArchive:
    """Write what helps to find out what is wrong with a release into one file that only this user can read.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        out: the file; a folder gets ``RELEASE-support.tgz``.
        namespace: of the release.
        tail_lines: how many of the last lines of each container's log.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        ArchiveError: when the file cannot be written.
    """
    about = {"bundler": __version__, "python": platform.python_version(), "platform": platform.platform()}
    request = SupportRequest(release=release, namespace=scope.namespace(namespace), tail_lines=tail_lines)
    files, parts = inspect.support.gather_support(request, scope.ports(), about)
    top = f"{release}-support"
    content = pack_files((BundleFile(path=file.path, content=file.content) for file in files), top=top)
    path = out / f"{top}.tgz" if out.is_dir() else out
    written = write_packed(path, content, mode=0o600)
    return SupportArchive(path=path, size_bytes=written.size_bytes, sha256=written.sha256, parts=parts)
