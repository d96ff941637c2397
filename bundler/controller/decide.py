"""What is done about an order: the whole table, and nothing else. Layer: controller, pure.

It is decided by what is there now: the order, the release's record, its lock. What an earlier look remembers, and the
status of the order, only fill in what no record holds; both may be lost, and then the same is found out again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from bundler.controller.changes import Work
from bundler.controller.order import Deletion, Keep, Order
from bundler.controller.status import Attempt, AttemptResult, Choice, Reason
from bundler.model.lean import dataclass, replace
from bundler.model.release import ReleaseStatus, RevisionSummary
from bundler.model.rollout import RolloutState

FIRST_BACK_OFF_S: Final = 5.0
LONGEST_BACK_OFF_S: Final = 300.0
SPREAD: Final = 0.2
"""Of a back-off: how much of it is left to chance, so that many releases do not come back at once."""
NOT_SOON_S: Final = 30.0
"""Seconds until what waits for something that rings is looked at all the same."""


class Act(StrEnum):
    """What is done about an order now."""

    IGNORE = "ignore"
    """Nothing is ours any more."""
    DROP_FINALIZER = "drop-finalizer"
    UNINSTALL = "uninstall"
    CHANGE = "change"
    """Plan what the order says, and carry it out."""
    COMPARE = "compare"
    """The order is met: live objects are compared with the record, and corrected as the order says."""
    HOLD = "hold"
    """What runs is kept as :attr:`COMPARE` keeps it, and the order is not carried out before something changes."""
    INTERRUPT = "interrupt"
    """What is under way is no longer wanted: it is asked to stop, and what is wanted follows."""
    WAIT = "wait"
    """What runs is only looked at: it changes, or is about to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why what an order comes to is not known."""

    reason: Reason
    message: str
    is_passing: bool = False
    lacks_account: bool = False
    """There is no one as whom anything could be done: what is bound to the name of a deleted account is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found of an order and its release."""

    now: datetime
    inputs: str = ""
    """Digest of what the order comes to; empty where that is not known."""
    choice: Choice | None = None
    """The version that is taken, of an order that names a range."""
    obstacle: Obstacle | None = None
    """Why it is not known, or why the release must be left alone."""
    revisions: tuple[RevisionSummary, ...] = ()
    """Every recorded revision, oldest first."""
    attempt: Attempt | None = None
    """The last one, as this process or the status of the order remembers it."""
    matched: tuple[str, int] = ("", 0)
    """Inputs, and the revision that was found to be what they come to, although its record does not say so."""
    waiting_plan: str = ""
    """Digest of the plan that waits for an approval."""
    locked_by: str = ""
    """Who holds the release's lock and is alive; empty: no one."""
    under_way: Work | None = None
    """What this controller is doing to the release now."""
    begun: str = ""
    """Digest of the inputs that this is done with; empty where that is not known."""
    waits_for: tuple[str, ...] = ()
    """Other orders that have to be ready first, and are not; of one that does not exist it is said."""
    circle: tuple[str, ...] = ()
    """The orders from this one back to itself, each of which waits for the next; empty if there are none."""
    holds_controller: bool = False
    """The release is that of a controller, as far as that was asked: of an order that is deleted."""
    is_namespace_terminating: bool = False
    is_namespace_suspended: bool = False

    @property
    def newest(self) -> RevisionSummary | None:
        """The newest revision; None where there is no release."""
        found = self.revisions[-1] if self.revisions else None
        return None if found is None or found.status is ReleaseStatus.UNINSTALLED else found

    @property
    def deployed(self) -> RevisionSummary | None:
        """The newest revision that is deployed; None where there is no such one."""
        return next((one for one in reversed(self.revisions) if one.status is ReleaseStatus.DEPLOYED), None)

    @property
    def is_met(self) -> bool:
        """Whether the deployed revision is what the order comes to."""
        deployed = self.deployed
        if deployed is None or deployed is not self.newest:
            return False
        return deployed.inputs == self.inputs or self.matched == (self.inputs, deployed.revision)

    @property
    def failed(self) -> RevisionSummary | None:
        """The revision in which these inputs were tried, and failed; None where they were not the last that were."""
        tried = next((one for one in reversed(self.revisions) if one.inputs), None)
        is_it = tried is not None and tried.inputs == self.inputs and tried.status is ReleaseStatus.FAILED
        if tried is None or not is_it:
            return None
        later = self.attempt is not None and self.attempt.inputs != self.inputs
        return None if later and self.attempt and self.attempt.revision > tried.revision else tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done about an order, and why."""

    act: Act
    reason: Reason
    message: str = ""
    again_s: float | None = None
    """Seconds until the next look that nothing rang for; None: none is needed."""
    corrects: bool = False
    """What differs from the deployed revision may be put back."""


def decide(order: Order, seen: Seen) -> Decision:
    """Return what is done about an order.

    Args:
        order: as it is now.
        seen: what was found of it.
    """
    if order.is_deleted:
        return _removal(order, seen)
    if seen.under_way is not None:
        is_outdated = bool(seen.begun and seen.inputs) and seen.begun != seen.inputs
        act = Act.INTERRUPT if is_outdated else Act.WAIT
        return Decision(act=act, reason=Reason.APPLYING, again_s=NOT_SOON_S)
    if (stopped := _stopped(order, seen)) is not None:
        return stopped
    if seen.is_met:
        return _keep(Act.COMPARE, Reason.READY, "", order, seen)
    if (waiting := _waiting(order, seen)) is not None:
        return waiting
    return _attempt(order, seen)


def back_off_s(tries: int, salt: str) -> float:
    """Return the seconds before another try: 5, 10, 20 … up to 5 minutes, a fifth more or less.

    Args:
        tries: how often it was tried in a row.
        salt: of the order, so that two of them differ.
    """
    plain = min(FIRST_BACK_OFF_S * 2.0 ** min(tries - 1, 16), LONGEST_BACK_OFF_S)
    chance = sha256(f"{salt}/{tries}".encode()).digest()[0] / 255
    return plain * (1 - SPREAD + 2 * SPREAD * chance)


def _removal(order: Order, seen: Seen) -> Decision:
    """Deletion needs the record alone: neither the bundle nor anything that the order refers to."""
    if not order.has_finalizer:
        return Decision(act=Act.IGNORE, reason=Reason.DELETING)
    if seen.under_way is not None:
        act = Act.WAIT if seen.under_way is Work.UNINSTALL else Act.INTERRUPT
        return Decision(act=act, reason=Reason.DELETING, again_s=NOT_SOON_S)
    if seen.is_namespace_terminating:
        return Decision(act=Act.DROP_FINALIZER, reason=Reason.NAMESPACE_TERMINATING)
    if order.is_protected:
        message = "take the annotation bundler.dev/protect off to uninstall the release"
        return Decision(act=Act.WAIT, reason=Reason.PROTECTED, message=message, again_s=order.interval_s)
    if (why := _why_it_stays(order, seen)) or (seen.newest is None and seen.obstacle is None):
        return Decision(act=Act.DROP_FINALIZER, reason=Reason.DELETING, message=why)
    return _uninstall(order, seen)


def _why_it_stays(order: Order, seen: Seen) -> str:
    """Return why the release stays without its order; empty where it does not."""
    if order.deletion is Deletion.ORPHAN:
        return "its order says so, and no one keeps it any more"
    if seen.holds_controller:
        way = f"`bundler uninstall {order.name} -n {order.namespace}`"
        return f"a controller does not uninstall itself, which would leave all orders to no one; {way} does"
    return ""


def _uninstall(order: Order, seen: Seen) -> Decision:
    """It is tried until nothing is left; each failure makes the pause longer."""
    blocked, attempt = seen.obstacle, seen.attempt
    if blocked is not None:
        return Decision(act=Act.WAIT, reason=blocked.reason, message=blocked.message, again_s=NOT_SOON_S)
    is_approved = bool(order.approves) and order.approves == seen.waiting_plan
    left_s = 0.0 if is_approved else _left_s(order, seen, LONGEST_BACK_OFF_S)
    if attempt is not None and not attempt.inputs and left_s > 0:
        return Decision(act=Act.WAIT, reason=attempt.reason, message=attempt.message, again_s=left_s)
    return Decision(act=Act.UNINSTALL, reason=Reason.DELETING)


def _stopped(order: Order, seen: Seen) -> Decision | None:
    """Return why nothing may be written, whatever the order comes to."""
    if seen.is_namespace_terminating:
        return Decision(act=Act.WAIT, reason=Reason.NAMESPACE_TERMINATING, again_s=order.interval_s)
    if order.is_suspended or seen.is_namespace_suspended:
        whose = "" if order.is_suspended else f"namespace {order.namespace} says so"
        return Decision(act=Act.WAIT, reason=Reason.SUSPENDED, message=whose, again_s=order.interval_s)
    if seen.obstacle is None:
        return None
    if seen.obstacle.reason is Reason.RIGHTS_MISSING and seen.inputs:
        return _attempt(order, seen)  # which finds out all of the rights that are missing
    return _blocked(seen.obstacle, order, seen)


def _blocked(obstacle: Obstacle, order: Order, seen: Seen) -> Decision:
    is_soon = obstacle.is_passing or obstacle.lacks_account
    again_s = min(NOT_SOON_S, order.interval_s) if is_soon else order.interval_s
    held = _keep(Act.HOLD, obstacle.reason, obstacle.message, order, seen, again_s=again_s)
    return replace(held, corrects=held.corrects and not obstacle.lacks_account)


def _waiting(order: Order, seen: Seen) -> Decision | None:
    """Return what has to be over before the order is carried out."""
    newest = seen.newest
    if newest is not None and newest.status.is_pending and seen.locked_by:
        message = f"{seen.locked_by} is at work: revision {newest.revision} is {newest.status}"
        return Decision(act=Act.WAIT, reason=Reason.LOCKED, message=message, again_s=FIRST_BACK_OFF_S)
    if newest is not None and newest.rollout is not None and newest.rollout.state is RolloutState.PAUSED:
        command = f"bundler continue {order.name} -n {order.namespace} --suspend"
        message = (
            f"revision {newest.revision} is rolled out in steps: {newest.rollout}; `{command}` suspends the order and "
            "continues, `bundler abort` goes back, and `bundler resume` lets the order hold again"
        )
        return _keep(Act.HOLD, Reason.ROLLOUT_PAUSED, message, order, seen)
    if seen.waits_for and seen.circle:
        message = f"{' waits for '.join(seen.circle)}: none of them can begin; take one out of spec.dependsOn"
        return _keep(Act.HOLD, Reason.DEPENDENCY_CIRCLE, message, order, seen, again_s=NOT_SOON_S)
    if seen.waits_for:
        message = f"waiting for {', '.join(seen.waits_for)} to be ready"
        return _keep(Act.HOLD, Reason.DEPENDENCY_NOT_READY, message, order, seen, again_s=NOT_SOON_S)
    return None


def _attempt(order: Order, seen: Seen) -> Decision:
    """Return what is done about inputs that are not deployed: they are tried once."""
    attempt = seen.attempt if seen.attempt is not None and seen.attempt.inputs == seen.inputs else None
    if attempt is not None and attempt.result is AttemptResult.PASSING:
        left_s = _left_s(order, seen, LONGEST_BACK_OFF_S)
        return _held(attempt, order, seen, left_s) if left_s > 0 else _change()
    if seen.failed is not None or (attempt is not None and attempt.result in _FINAL):
        why = attempt.message if attempt is not None else seen.failed.description if seen.failed else ""
        return _keep(Act.HOLD, Reason.FAILED_ONCE, why, order, seen)
    if attempt is not None and attempt.result is AttemptResult.REFUSED:
        is_approved = bool(order.approves) and order.approves == seen.waiting_plan
        left_s = 0.0 if is_approved else _left_s(order, seen, max(order.interval_s, NOT_SOON_S))
        return _held(attempt, order, seen, left_s) if left_s > 0 else _change()
    return _change()


_FINAL: Final = frozenset({AttemptResult.FAILED, AttemptResult.ROLLED_BACK})


def _change() -> Decision:
    return Decision(act=Act.CHANGE, reason=Reason.PLANNING, again_s=NOT_SOON_S)


def _held(attempt: Attempt, order: Order, seen: Seen, left_s: float) -> Decision:
    again_s = min(left_s, order.interval_s)
    return _keep(Act.HOLD, attempt.reason, attempt.message, order, seen, again_s=again_s)


def _keep(
    act: Act, reason: Reason, message: str, order: Order, seen: Seen, *, again_s: float | None = None
) -> Decision:
    """Return a decision that keeps what runs; a change that did not come to its end is left as it is."""
    is_whole = seen.deployed is not None and seen.deployed is seen.newest
    return Decision(
        act=act,
        reason=reason,
        message=message,
        again_s=order.interval_s if again_s is None else again_s,
        corrects=is_whole and order.keep is Keep.CORRECT,
    )


def _left_s(order: Order, seen: Seen, longest_s: float) -> float:
    """Return the seconds until the last attempt is repeated; zero or less: it is time."""
    attempt = seen.attempt
    if attempt is None:
        return 0.0
    pause_s = longest_s if attempt.result is AttemptResult.REFUSED else back_off_s(attempt.tries, order.uid)
    return (attempt.at + timedelta(seconds=pause_s) - seen.now).total_seconds()
