"""Rollouts in steps: what was asked for, how far one has come, and what is seen of its workloads. Layer: model, pure.

An upgrade in steps gives new pods a share of the work, step by step, and may wait between them for someone to look. The
last step is the upgrade as it would be without steps: the finish.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Self, TypeAlias

from bundler.model.digits import parse_digits
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.refs import ObjectRef

_WHOLE_PERCENT = 100
_DIGITS = 9
PAUSES = ("canary", "each", "none")
"""After which steps a rollout may pause, besides the number of one."""


class RolloutState(StrEnum):
    """What a rollout does now.

    Example:
        >>> from bundler.model.rollout import RolloutState
        >>> [str(state) for state in RolloutState]
        ['moving', 'soaking', 'paused', 'aborting']
    """

    MOVING = "moving"
    """Pods are replaced, and gates asked."""
    SOAKING = "soaking"
    """The step's pods are there and ready; they have to stay so for a while."""
    PAUSED = "paused"
    """Nothing moves until someone says so; no lock is held."""
    ABORTING = "aborting"
    """The old revision is brought back."""


class OnFailure(StrEnum):
    """What follows a step that fails.

    Example:
        >>> from bundler import OnFailure
        >>> [str(one) for one in OnFailure]
        ['abort', 'pause']
    """

    ABORT = "abort"
    PAUSE = "pause"


POD_SIDES = ("new", "old", "of")
POD_FACTS = ("wanted", "ready", "restarts", "oldestReadySeconds")
STEP_FACTS = ("number", "of", "share")
"""What the expressions of gates see of ``pods``, of either side of them, and of ``step``."""


class GateOutcome(StrEnum):
    """What a gate says.

    Example:
        >>> from bundler.model.rollout import GateOutcome
        >>> [str(outcome) for outcome in GateOutcome]
        ['passed', 'waiting', 'failed']
    """

    PASSED = "passed"
    WAITING = "waiting"
    """Not yet: it may pass later."""
    FAILED = "failed"
    """It will not pass: its check failed."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a workload's pods are new ones.

    Example:
        >>> from bundler import Share
        >>> [Share.parse("25%").pods(10), Share.parse("1").pods(10), str(Share.parse("25%"))]
        [3, 1, '25%']
    """

    number: int
    """Pods, or percent."""
    is_percent: bool = False
    """Whether it is a percentage of the pods that are wanted."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``3`` or ``25%``.

        Raises:
            ValueError: when it is neither, 0, or more than 100 %.
        """
        number = parse_digits(text.removesuffix("%")[: _DIGITS + 1])
        if not number or len(text) > _DIGITS or (text.endswith("%") and number > _WHOLE_PERCENT):
            raise ValueError(f"{text!r} is neither a number of pods nor a percentage from 1% to 100%")
        return cls(number, text.endswith("%"))

    def pods(self, replicas: int) -> int:
        """Return how many of ``replicas`` pods that is: rounded up, as the API server rounds a surge."""
        if not self.is_percent:
            return min(self.number, replicas)
        return -(-self.number * replicas // _WHOLE_PERCENT)

    @property
    def is_all(self) -> bool:
        """Return whether it is 100 %."""
        return self.is_percent and self.number == _WHOLE_PERCENT

    def __str__(self) -> str:
        return f"{self.number}%" if self.is_percent else str(self.number)


ALL_PODS = Share(_WHOLE_PERCENT, is_percent=True)
"""What a workload ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """An upgrade in steps, as its revision's record holds it while it is open."""

    shares: Mapping[str, tuple[Share, ...]]
    """Component path -> its share in each step before the finish; all of the same length. ``""``: the bundle itself."""
    step: int = 1
    """The step it is at, from 1; ``steps`` is the finish."""
    is_done: bool = False
    """The pods of this step are there and its gates have passed: what comes next is the step after it. False while it
    moves or soaks, and where it was paused or died in the middle: then this step is done again from where it is."""
    state: RolloutState = RolloutState.MOVING
    since: datetime | None = None
    """Since when it is at this step and in this state, in UTC; None before it is recorded."""
    by: str = ""
    """Who brought it there."""
    pause_after: str = "none"
    """``canary`` (the first step), ``each``, ``none``, or the number of a step."""
    soak_s: int = 0
    """Seconds for which the pods of a step have to stay ready, without a restart."""
    step_timeout_s: int = 600
    """Seconds that a step may take until its pods are ready and its gates passed, the soak not counted."""
    on_failure: OnFailure = OnFailure.ABORT
    gates: tuple[str, ...] = ()
    """Names of the bundle's gates that are asked after each step."""
    passed: tuple[str, ...] = ()
    """Those of them that this step has passed."""
    has_canary: bool = True
    """The new pods of the first step come on top of the old ones; in every other step they replace some."""
    start_broken: int = 0
    """How many old pods were not ready when it began: a gate asks for no more than there was."""
    reason: str = ""
    """Why it is paused or aborted, in a line."""

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M:%S}Z" if self.since else ""
        by = f" by {self.by}" if self.by else ""
        why = f": {self.reason}" if self.reason else ""
        return f"step {self.step} of {self.steps}, {self.state}{since}{by}{why}"

    def for_s(self, now: datetime) -> float:
        """Return for how many seconds it has been at this step and in this state."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0

    @property
    def steps(self) -> int:
        """How many steps there are, the finish included."""
        return max((len(shares) for shares in self.shares.values()), default=0) + 1

    @property
    def next_step(self) -> int:
        """The step that is to be done, or to be continued."""
        return min(self.step + 1, self.steps) if self.is_done else self.step

    @property
    def is_canary(self) -> bool:
        """Return whether the new pods of this step come on top of the old ones."""
        return self.has_canary and self.step == 1 and not self.is_finish

    @property
    def is_finish(self) -> bool:
        """Return whether it is at its last step."""
        return self.step >= self.steps

    def share(self, component: str, step: int) -> Share:
        """Return the share of a stepped component in a step; all of it in the finish."""
        shares = self.shares[component]
        return shares[step - 1] if step <= len(shares) else ALL_PODS

    def pauses_after(self, step: int) -> bool:
        """Return whether it waits for someone once a step is done; never after the finish."""
        if step >= self.steps:
            return False
        return self.pause_after in {"each", str(step)} or (self.pause_after == "canary" and step == 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRequest:
    """How an upgrade in steps was asked for, before it is known which components it changes.

    Without any step, those of the bundle are meant.

    Example:
        >>> from bundler import RolloutRequest, Share
        >>> RolloutRequest(steps=(Share.parse("1"), Share.parse("50%"))).of
        ()
    """

    steps: tuple[Share, ...] = ()
    """The share of every component in each step; 100 % at the end is the finish, and may be left out."""
    shares: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    """Other shares of single components: the path of a component, or the name of a workload in it -> its steps."""
    of: tuple[str, ...] = ()
    """Which components go in steps, named in the same way; none: every changed one whose pods are replaced."""
    pause_after: str = ""
    """As of a :class:`Rollout`, like the fields below; empty, or None: as the bundle says it."""
    soak_s: int | None = None
    """Seconds for which the pods of a step have to stay ready."""
    step_timeout_s: int | None = None
    """Seconds that a step may take, the soak not counted."""
    on_failure: OnFailure | None = None
    """What follows a step that fails."""
    gates: tuple[str, ...] = ()
    """Names of the bundle's gates that are asked after each step; none: all of them."""
    has_canary: bool = True
    """As of a :class:`Rollout`: not where all that was asked for is batches."""
    accepts_shared_config: bool = False
    """Old pods that restart may get the new settings."""
    is_attended: bool = False
    """Someone looks on: a step that fails pauses where neither they nor the bundle say what follows."""
    in_one_step: bool = False
    """All pods are replaced in one step, whatever steps the bundle names (``--all``)."""
    is_by_bundle: bool = False
    """No one asked for it but the bundle: where no pods are replaced, the upgrade is an ordinary one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How far a controller may go with a workload: what is sent together with the new template.

    A Deployment has ``surge`` and ``unavailable``, a StatefulSet ``partition``.
    """

    surge: int | str | None = None
    """``maxSurge`` of a Deployment: pods, or ``10%``."""
    unavailable: int | str | None = None
    """``maxUnavailable`` of a Deployment."""
    partition: int | None = None
    """``partition`` of a StatefulSet: so many of its first pods stay old ones."""


class Template(StrEnum):
    """Whose pod template a live workload has."""

    OLD = "old"
    """That of the deployed revision."""
    NEW = "new"
    """That of the revision that is rolled out."""
    OTHER = "other"
    """Neither: someone else wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCount:
    """What is seen of the old or of the new pods of a workload; pods that are being deleted do not count."""

    wanted: int = 0
    """How many the controller of the workload wants now."""
    there: int = 0
    ready: int = 0
    """Ready, and for the author's own ``minReadySeconds`` at least."""
    restarts: int = 0
    oldest_ready_s: float = 0.0
    """Seconds for which the pod that became ready last has been ready; 0 if there are none."""
    failed: tuple[str, ...] = ()
    """Final failures of pods, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorPace:
    """How the author lets a workload be replaced: what it promises its users, in a rollout and outside of one."""

    surge: int | str = "25%"
    unavailable: int | str = "25%"
    min_ready_s: int = 0
    partition: int | None = None
    """Of a StatefulSet: the partition that the author wrote, 0 for none; None of a Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorkload:
    """A stepped workload at one moment."""

    ref: ObjectRef
    component: str
    replicas: int
    """``spec.replicas`` as it is live, which an autoscaler may move."""
    template: Template
    pacing: Pacing | None
    """Ours, as it is live; None where the workload is not held."""
    is_contested: bool = False
    """Another manager owns a pacing field now."""
    others: tuple[str, ...] = ()
    """Managers other than us that own its pod template or a pacing field, where that matters."""
    was_put_back: bool = False
    """This run has put its pacing back once already."""
    author: AuthorPace = AuthorPace()
    """As the revision that is rolled out writes it."""
    is_settled: bool = True
    """Its controller has seen its last change, and wants no other number of old and new pods than there is."""
    old: PodCount = field(default_factory=PodCount)
    new: PodCount = field(default_factory=PodCount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Write one workload: the new template and this pacing, in one apply."""

    ref: ObjectRef
    pacing: Pacing
    reason: str = ""
    """Why again, where someone changed it; empty for a step forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Look again a little later."""

    waiting: tuple[str, ...]
    """What is waited for, a line for each workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskGates:
    """The pods of a step are there and ready: soak, then ask its gates."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Write the old revision's bodies of these workloads, and delete new pods that would block a StatefulSet."""

    refs: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The step has failed: abort or pause, as was asked."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Someone else wrote a stepped workload: nothing is done, and they are named."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Nothing is left to do in this state: it is paused, or everything is restored."""

    state: RolloutState


RolloutAction: TypeAlias = Hold | Look | AskGates | Restore | Fail | Stop | Finished
