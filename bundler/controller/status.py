"""What the controller says of an order; `status_body` writes it down. Layer: controller, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from datetime import datetime


class Phase(StrEnum):
    """How an order is, in one word for people; programs read the conditions."""

    READY = "Ready"
    WORKING = "Working"
    WAITING = "Waiting"
    """For an approval, another order, a lock, or a right."""
    DRIFTED = "Drifted"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    DELETING = "Deleting"


class Reason(StrEnum):
    """Why a condition is as it is; one word, for programs."""

    READY = "Ready"
    COMPONENT_NOT_READY = "ComponentNotReady"
    PLANNING = "Planning"
    LOCKED = "Locked"
    APPLYING = "Applying"
    WAITING = "Waiting"
    DELETING = "Deleting"
    SUSPENDED = "Suspended"
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    DEPENDENCY_CIRCLE = "DependencyCircle"
    """Orders wait for each other: none of them can begin."""
    ORDER_INVALID = "OrderInvalid"
    VALUES_INVALID = "ValuesInvalid"
    SOURCE_REFUSED = "SourceRefused"
    SOURCE_UNAVAILABLE = "SourceUnavailable"
    RIGHTS_MISSING = "RightsMissing"
    AWAITING_APPROVAL = "AwaitingApproval"
    CONTESTED = "Contested"
    DATA_MISSING = "DataMissing"
    PLAN_REFUSED = "PlanRefused"
    """What it would do is refused, no matter who asks for it: an object of someone else is in the way, say."""
    ROLLOUT_PAUSED = "RolloutPaused"
    """An upgrade in steps was paused by a person: the controller neither continues nor aborts it."""
    FAILED_ONCE = "FailedOnce"
    """These inputs were tried, and failed; they are not tried again until they change or someone says retry."""
    TOO_NEW_RECORD = "TooNewRecord"
    WRONG_CLUSTER = "WrongCluster"
    PROTECTED = "Protected"
    """The order was deleted, and says that its release is not to be."""
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    DRIFT = "Drift"
    NO_DRIFT = "NoDrift"
    SIGNED = "Signed"
    NOT_CHECKED = "NotChecked"


class ConditionType(StrEnum):
    """What a condition is about. Ready is always there; the others only while they are true.

    Source: kstatus, "abnormal-true" conditions Reconciling and Stalled.
    """

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    DRIFTED = "Drifted"
    SOURCE_VERIFIED = "SourceVerified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition; when it last changed is worked out from the one before it."""

    type: ConditionType
    status: bool | None
    """None: Unknown."""
    reason: Reason
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """How one component is."""

    name: str
    """Its path; empty for the bundle's own objects."""
    status: str
    """As kstatus says: ``Current``, ``InProgress``, ``Failed`` …; the worst of its objects."""
    ready: int
    of: int
    message: str = ""


class AttemptResult(StrEnum):
    """What became of an attempt."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    """Everything stays as it left it."""
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"
    """Nothing was written."""
    PASSING = "Passing"
    """Something in passing was in the way: a lock, a server that did not answer. It is tried again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last time that inputs were tried."""

    inputs: str
    """Digest of everything that the order comes to: bundle, values, site, ServiceAccount."""
    result: AttemptResult
    at: datetime
    revision: int = 0
    """That it made; 0 for none."""
    reason: Reason = Reason.FAILED_ONCE
    message: str = ""
    retry: str = ""
    """The order's token at that time."""
    tries: int = 1
    """How often in a row something in passing was in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPlan:
    """A plan that is not carried out before someone approves it, by its digest."""

    digest: str
    create: int = 0
    update: int = 0
    recreate: int = 0
    delete: int = 0
    why: tuple[str, ...] = ()
    """Why it waits: what data is lost, what reach grows, how much is deleted."""
    text: str = ""
    """The first lines of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStatus:
    """What differs, and what was put back."""

    objects: tuple[str, ...] = ()
    """``KIND/NAME`` of those that differ now."""
    corrected: int = 0
    """How many objects were put back so far."""
    last_at: datetime | None = None
    by: str = ""
    """The field manager that made the last difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBundle:
    """The bundle of the deployed revision."""

    name: str
    version: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The controller that says it."""

    host: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which version of its bundle an order takes."""

    version: str = ""
    """Empty: it is not known yet, or what the digest says."""
    message: str = ""
    """Why newer ones could not be looked for."""
    reason: Reason = Reason.WAITING
    result: AttemptResult = AttemptResult.PASSING


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatus:
    """Everything that the controller says of an order."""

    observed_generation: int
    phase: Phase
    conditions: tuple[Condition, ...]
    revision: int = 0
    """That is deployed; 0 for none."""
    bundle: RunningBundle | None = None
    components: tuple[ComponentStatus, ...] = ()
    inputs: str = ""
    """Digest of the inputs that the deployed revision was made of, or matches."""
    choice: Choice | None = None
    """Of an order that names a range."""
    attempt: Attempt | None = None
    plan: WaitingPlan | None = None
    drift: DriftStatus = field(default_factory=DriftStatus)
    kept_by: Keeper | None = None
