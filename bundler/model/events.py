"""What a run reports while it runs; one class per event. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bundler.model.lean import dataclass
from bundler.model.size import seconds

if TYPE_CHECKING:
    from bundler.model.change import Action
    from bundler.model.health import Health
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import GateOutcome


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the user.

    Example:
        >>> from bundler import Notice
        >>> Notice("registry.site/acme holds all 3 images of this release").text
        'registry.site/acme holds all 3 images of this release'
    """

    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning; the same one is shown once.

    Example:
        >>> from bundler import Warned
        >>> Warned("Service/web: it leads to no pod").text
        'Service/web: it leads to no pod'
    """

    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Acquired:
    """Which bundle, or which base of an image, was taken, or who signed it, as a sentence.

    Example:
        >>> from bundler import Acquired, ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     run = session.begin(ReleaseRequest(bundle="webapp", release="shop"))
        ...     [event.text.split()[:2] for event in run if isinstance(event, Acquired)]
        [['bundle', 'webapp']]
    """

    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase of the run: ``planning``, ``applying``, ``waiting``, ``pruning``.

    Example:
        >>> from bundler import PhaseStarted
        >>> PhaseStarted("applying", 8).total
        8
    """

    name: str
    """One of those words."""
    total: int
    """How many objects it is about; 0 where that is not known."""
    hooks: int = 0
    """How many of them hooks write."""
    backups: int = 0
    """How many of them are backups."""


@dataclass(frozen=True, slots=True)
class ChangeStarted:
    """A write is about to be made.

    Example:
        >>> from bundler import Action, ChangeStarted, ObjectRef
        >>> ChangeStarted(ObjectRef("", "Service", "prod", "web"), Action.CREATE).ref.short
        'Service/web'
    """

    ref: ObjectRef
    """The object."""
    action: Action
    """What is about to be done to it."""


@dataclass(frozen=True, slots=True)
class ChangeFinished:
    """A write was answered.

    Example:
        >>> from bundler import Action, ChangeFinished, ObjectRef
        >>> str(ChangeFinished(ObjectRef("", "Service", "prod", "web"), Action.CREATE).action)
        'create'
    """

    ref: ObjectRef
    """The object."""
    action: Action
    """What was done to it."""


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """An object that is waited for looks different.

    Example:
        >>> from bundler import HealthChanged, ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     run = session.begin(ReleaseRequest(bundle="webapp", release="shop"))
        ...     seen = [event for event in run if isinstance(event, HealthChanged) and event.ref.kind == "Deployment"]
        >>> str(seen[-1].health.status)
        'Current'
    """

    ref: ObjectRef
    """The object."""
    health: Health
    """Its status, why, and how many of how many are ready."""
    detail: str = ""
    """The pod's own reason, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsReplaced:
    """How far a step of an upgrade in steps has come with one workload; reported whenever that changes.

    Example:
        >>> from bundler import ObjectRef, PodsReplaced
        >>> web = ObjectRef("apps", "Deployment", "prod", "web")
        >>> str(PodsReplaced(ref=web, step=1, of=3, target=3, new=2, new_ready=1, old=8, old_ready=8))
        'Deployment/web: 2 of 3 new pods are there, 1 ready; 8 old pods, 8 ready'
    """

    ref: ObjectRef
    """The workload."""
    component: str = ""
    """Path of its component; empty for the bundle's own."""
    step: int
    """Number of the step."""
    of: int
    """How many steps there are, the finish included."""
    target: int
    """How many new pods the step brings."""
    new: int
    """How many there are."""
    new_ready: int
    """How many of them are ready, for the author's ``minReadySeconds``."""
    old: int
    """How many old pods there are."""
    old_ready: int
    """How many of them are ready."""

    @property
    def is_there(self) -> bool:
        """Return whether all new pods of the step are there and ready."""
        return self.new_ready == self.new >= self.target

    def __str__(self) -> str:
        old = f"{self.old} old pod{'' if self.old == 1 else 's'}, {self.old_ready} ready"
        return f"{self.ref.short}: {self.new} of {self.target} new pods are there, {self.new_ready} ready; {old}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateJudged:
    """What a gate says after a step of an upgrade in steps; reported whenever that changes.

    Example:
        >>> from bundler import GateJudged
        >>> from bundler.model.rollout import GateOutcome
        >>> str(GateJudged(gate="smoke", step=1, of=3, outcome=GateOutcome.PASSED, seconds=12.4))
        'gate smoke passed after 12 s'
    """

    gate: str
    """Its name."""
    step: int
    """Number of the step."""
    of: int
    """How many steps there are, the finish included."""
    outcome: GateOutcome
    """Whether it has passed, may pass later, or has failed."""
    why: str = ""
    """Why it has not passed."""
    seconds: float = 0.0
    """Since it was first asked in this step, by this run."""

    def __str__(self) -> str:
        if self.outcome == "waiting":  # the word: loading the module of rollouts costs every verb milliseconds
            return f"gate {self.gate} has not passed yet: {self.why}"
        why = f": {self.why}" if self.why else ""
        return f"gate {self.gate} {self.outcome} after {seconds(self.seconds)}{why}"


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request failed in passing and is sent again.

    Example:
        >>> from bundler import Retrying
        >>> Retrying("listing Pods", 2, "429 Too Many Requests").attempt
        2
    """

    doing: str
    """What the request is for."""
    attempt: int
    """Number of the next try."""
    why: str
    """What went wrong."""
    status: int = 0
    """HTTP status of the answer; 0 where none came."""
    waits_for: str = ""
    """The webhook that the server could not call; empty where it is not a webhook that fails."""


@dataclass(frozen=True, slots=True)
class BytesMoved:
    """How far moving bytes is; reported often, shown now and then.

    Example:
        >>> from bundler import BytesMoved
        >>> BytesMoved("importing", done=1 << 20, total=4 << 20).done / (4 << 20)
        0.25
    """

    doing: str
    """``importing``, ``exporting``, ``reading the base``, ``storing the image``."""
    done: int
    """Bytes."""
    total: int
    """Bytes."""


Event: TypeAlias = (
    Notice
    | Warned
    | Acquired
    | PhaseStarted
    | ChangeStarted
    | ChangeFinished
    | HealthChanged
    | PodsReplaced
    | GateJudged
    | Retrying
    | BytesMoved
)
