"""What a session does with open rollouts. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.rollout import pause as pausing, progress as reading

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.release import RevisionSummary
    from bundler.model.release_state import RolloutProgress


def progress(scope: Scope, release: str, namespace: str) -> RolloutProgress:
    """Read how far an open rollout has come; nothing is written.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout of it is open.
    """
    return reading.read_progress(scope.ports(), scope.namespace(namespace), release)


def pause(scope: Scope, release: str, namespace: str, reason: str) -> RevisionSummary:
    """Pause an open rollout.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        reason: why.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout of it is open, or it cannot be paused any more.
    """
    request = pausing.PauseRequest(
        release=release,
        namespace=scope.namespace(namespace),
        user=library.releases.authorship_of(scope, reason=reason).who,
        reason=reason,
    )
    return pausing.pause(request, scope.ports())
