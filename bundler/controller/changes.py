"""What a release is changed by, and what comes of it: in this process, or in a child of it. Layer: controller.

A change takes as long as the release takes to get ready, and no reconcile waits for it: once it is over the key is
rung, and the next reconcile finds what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bundler.controller.status import Attempt, AttemptResult, Reason, WaitingPlan
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from bundler import DriftedObject
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

    CarryOut = Callable[["WantedChange"], "Outcome"]


class Work(StrEnum):
    """What is to be done to a release."""

    APPLY = "apply"
    """Install it, or upgrade it to what the order says."""
    CORRECT = "correct"
    """Write again what differs from the deployed revision."""
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """One change, with everything that a process of its own needs to carry it out. It can be written as JSON.

    No secret is in it: what the order refers to is read where the change is carried out.
    """

    work: Work
    body: Body
    """The whole order, as it was read."""
    service_account: str
    """As whom it is carried out."""
    inputs: str = ""
    """Digest of what the order comes to; kept with the revision."""
    ignored: tuple[str, ...] = ()
    """Of a correction: fields that may differ, ``[KIND[/NAME]:]PATH``."""
    left_alone: tuple[ObjectRef, ...] = ()
    """Of a correction: objects that stay as they are, even where they are missing."""
    version: str = ""
    """Of the bundle, where the order names a range."""
    depth: int = 0
    """How many orders are above: a change may wait for those that are deeper."""
    is_small: bool = False
    """It writes few objects, from the record: that takes less than the start of a process."""

    def outcome(
        self,
        result: AttemptResult,
        reason: Reason,
        message: str = "",
        *,
        revision: int = 0,
        plan: WaitingPlan | None = None,
    ) -> Outcome:
        """Return what came of it.

        Args:
            result: how it ended.
            reason: why, as the conditions of the order name it.
            message: what is said of it.
            revision: that is deployed now, or that failed; 0 for none.
            plan: what waits for an approval.
        """
        return Outcome(
            work=self.work,
            inputs=self.inputs,
            result=result,
            reason=reason,
            message=message,
            revision=revision,
            plan=plan,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a change."""

    work: Work
    inputs: str
    result: AttemptResult
    reason: Reason = Reason.READY
    message: str = ""
    revision: int = 0
    """That is deployed now, or that failed; 0 for none."""
    plan: WaitingPlan | None = None
    """What waits for an approval, and was not carried out."""
    corrected: tuple[DriftedObject, ...] = ()
    """What was put back; without values."""
    signed_by: str = ""
    """Who signed the bundle, in words; empty where that was not checked."""
    requests: tuple[tuple[str, int, int], ...] = ()
    """That the process of the change sent to the API server: verb, status (0: no answer), number."""

    def as_attempt(self, at: datetime, *, retry: str, tries: int) -> Attempt:
        """Return what the status says of it.

        Args:
            at: when it was over.
            retry: the token of the order that it was made for.
            tries: how often in a row the same inputs were tried.
        """
        return Attempt(
            inputs=self.inputs,
            result=self.result,
            at=at,
            revision=self.revision,
            reason=self.reason,
            message=self.message,
            retry=retry,
            tries=tries,
        )


class Changes(Protocol):
    """Carries changes out, at most one for each key. Safe to call from several threads."""

    def begin(self, key: ObjectRef, wanted: WantedChange) -> bool:
        """Begin a change, and return at once; False where as many are under way as may be, or one of this key.

        One of each depth always may: what waits for orders that are deeper cannot keep them from being changed.

        The key is woken when it is over, and when there is room for one that found none.
        """
        ...

    def under_way(self, key: ObjectRef) -> Work | None:
        """Return what is being done for a key now."""
        ...

    def interrupt(self, key: ObjectRef) -> None:
        """Ask the change of a key to stop, if one is under way: what it is writing is finished and recorded."""
        ...

    def take_outcome(self, key: ObjectRef) -> Outcome | None:
        """Return what came of the last change of a key, once; None where there is no news."""
        ...

    def close(self) -> None:
        """Interrupt every change, wait until each has ended, and begin no other."""
        ...
