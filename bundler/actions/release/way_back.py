"""What every change that fails and goes back by itself has in common. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.errors import BundlerError
from bundler.errors.change import LockLostError, RollbackFailedError, RolledBackError
from bundler.model.events import Notice
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.ports import HeldLock, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """How a change goes back, and what is said of it."""

    doing: str
    """``rolling back``."""
    budget_s: float
    """Seconds for it: the change may have used up the time of the command."""
    undo: Callable[[Ports], str]
    """Goes back, and returns what was done, in words."""
    failed: str
    """Said before what ended it: ``the rollback failed too``."""
    hint_failed: str
    """What to do then."""
    hint: str
    """What to do after it went back."""


def go_back(error: BundlerError, ports: Ports, held: HeldLock, way: WayBack) -> BundlerError:
    """Undo a failed change under the lock that is still held, and return what to raise in place of its error.

    The evidence is reported before anything is undone.

    Args:
        error: what ended the change, evidence included.
        ports: as of the change.
        held: the lock.
        way: how it goes back.

    Raises:
        LockLostError: when the release is no longer ours.
    """
    for line in (f"{error}", *error.context):
        ports.report(Notice(ports.redactor.redact(line)))
    ports.report(Notice(f"{way.doing}, in at most {way.budget_s:.0f} s"))
    held.confirm()
    fresh = replace(ports.under(held), deadline_s=ports.clock.monotonic() + way.budget_s)
    ports.prolong(fresh.deadline_s)
    try:
        done = way.undo(fresh)
    except LockLostError:
        raise
    except BundlerError as second:
        context = [*error.context, f"{way.failed}: {second}", *second.context]
        return RollbackFailedError(str(error), context=context, hint=way.hint_failed)
    return RolledBackError(str(error), context=[*error.context, done], hint=way.hint)
