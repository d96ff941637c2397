"""Break the lock of a release whose holder is dead. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.errors import ConfirmationRequiredError
from bundler.model.results import UnlockResult

if TYPE_CHECKING:
    from bundler.model.lock import LockState
    from bundler.ports import ReleaseLock


def unlock(
    lock: ReleaseLock, namespace: str, release: str, *, may_break: bool, approve: Callable[[LockState], bool]
) -> UnlockResult:
    """Break a lock, after its holder was shown.

    Args:
        lock: of releases.
        namespace: of the release.
        release: its name.
        may_break: it was confirmed, or someone is there to answer.
        approve: shows who holds the lock, and asks where it can; False leaves the lock alone.

    Raises:
        ConfirmationRequiredError: when the lock is held and must not be broken without an answer.
        ConflictError: when another run took the lock meanwhile.
        ClusterError: when the cluster cannot be asked.
    """
    state = lock.state(namespace, release)
    if state is None:
        return UnlockResult(state=None)
    is_approved = approve(state)
    if not may_break:
        raise ConfirmationRequiredError(
            f"unlocking release {release}",
            context=[f"{state.holder.identity} holds its lock, doing {state.doing}"],
            hint="pass --yes when you are sure that its holder is dead",
        )
    if not is_approved:
        return UnlockResult(state=state, is_declined=True)
    return UnlockResult(state=state, is_broken=lock.break_(state))
