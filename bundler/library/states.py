"""What a session sees of the objects of a release. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.inspect import status as looking

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.release_state import ReleaseState


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
