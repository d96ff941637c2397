"""What a session sees of the objects of a release. Layer: library."""

from __future__ import annotations

import hashlib
import platform
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.actions import inspect, release as releasing
from bundler.actions.inspect import status as looking
from bundler.archive.writer import pack_files
from bundler.errors import UsageError
from bundler.errors.bundle import ArchiveError
from bundler.files.whole_file import write_whole
from bundler.model.bundle import BundleFile
from bundler.model.conflicts import ignoring
from bundler.model.lean import replace
from bundler.model.support import SupportArchive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.library.scope import Scope
    from bundler.model.check_report import CheckReport
    from bundler.model.drift import ReleaseDrift
    from bundler.model.release_state import ReleaseState
    from bundler.model.site import Site
    from bundler.model.support import SupportRequest


def status(scope: Scope, release: str, namespace: str) -> ReleaseState:
    """Read a release's newest revision and look at each of its objects.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    return looking.release_state(scope.ports(), scope.namespace(namespace), release)


def drift(scope: Scope, release: str, namespace: str, ignored: Sequence[str], site: Site | None) -> ReleaseDrift:
    """Compare a release's newest deployed revision with its live objects; nothing is written.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        ignored: fields that may differ, ``[KIND[/NAME]:]PATH``.
        site: the fields that its rules keep may differ, too.

    Raises:
        UsageError: when a field to be ignored cannot be read.
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
    """
    try:
        rules = tuple(map(ignoring, ignored))
    except ValueError as error:
        raise UsageError(
            "reading which fields may differ", context=["one of them is empty"], hint=str(error)
        ) from error
    place = scope.namespace(namespace, of_site=site.namespace if site else "")
    request = inspect.drift.DriftRequest(release=release, namespace=place, ignored=rules, site=site)
    return inspect.drift.find_drift(request, scope.ports())


def support_bundle(scope: Scope, request: SupportRequest, out: Path) -> SupportArchive:
    """Write what helps to find out what is wrong with a release into one file that only this user can read.

    Args:
        scope: the session's cluster, files and limits.
        request: which release, and how much of its logs.
        out: the file; a folder gets ``RELEASE-support.tgz``.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        ArchiveError: when the file cannot be written.
    """
    about = {"bundler": __version__, "python": platform.python_version(), "platform": platform.platform()}
    placed = replace(request, namespace=scope.namespace(request.namespace))
    files, parts = inspect.support.gather_support(placed, scope.ports(), about)
    top = f"{request.release}-support"
    content = pack_files((BundleFile(path=file.path, content=file.content) for file in files), top=top)
    path = out / f"{top}.tgz" if out.is_dir() else out
    try:
        write_whole(path, content, mode=0o600)
    except OSError as error:
        hint = "choose an existing folder that you can write to"
        raise ArchiveError(f"writing archive {path}", context=[error.strerror or str(error)], hint=hint) from error
    return SupportArchive(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), parts=parts)


def check(scope: Scope, release: str, namespace: str, *, lock_timeout_s: float) -> CheckReport:
    """Run the checks of a release's deployed revision.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        lock_timeout_s: seconds to wait for a lock that another run holds.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
        ReleaseLockedError: when another run holds its lock.
    """
    place = scope.namespace(namespace)
    request = releasing.checks.CheckRequest(release=release, namespace=place, lock_timeout_s=lock_timeout_s)
    return releasing.checks.check_release(request, scope.ports())


def wait(scope: Scope, release: str, namespace: str) -> ReleaseState:
    """Wait until every object of a release is ready; nothing is changed.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        ObjectFailedError, WaitTimeoutError: with the reasons.
    """
    return looking.wait_for_release(scope.ports(), scope.namespace(namespace), release)
