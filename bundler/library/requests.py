"""What a program asks of a release. Layer: library, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.user_values import UserInput, Values
from bundler.actions.release.terms import Accepted
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.model.rollout import RolloutRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What a release is to become: an installation, or an upgrade where it is there.

    Example:
        >>> from bundler import ReleaseRequest, Session, Values
        >>> request = ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"minReplicas": 3}))
        >>> with Session.sandbox() as session:
        ...     result = session.apply(request)
        ...     (result.revision.summary.revision, str(result.revision.summary.status))
        (1, 'deployed')
    """

    bundle: str | AcquiredBundle
    """A path, a bundle's name, a delivery file or an ``oci://`` address; or what `Session.acquire` returned."""
    release: str = ""
    """Its name: at most 53 lower-case letters, digits and dashes; empty: the bundle's name."""
    namespace: str = ""
    """Empty: the session's."""
    values: Values | UserInput = Values()
    """What the user gives; or what `Session.read` has read of it."""
    resets_values: bool = False
    """Start from the bundle's defaults, whatever is recorded."""
    reuses_values: bool = False
    """Start from the recorded values although files are named; without either, files named leave them aside."""
    must_exist: bool = False
    """Refuse a release that does not exist (``bundler upgrade``)."""
    accepted: Accepted = Accepted()
    """What is meant although it is refused by default."""
    adopts: tuple[str, ...] = ()
    """Objects of no release that are taken over where they are in the way: ``KIND/NAME``, ``*`` for any characters."""
    skips_hooks: bool = False
    """Run no hooks, those of a rollback after a failure neither; the revision records which they were."""
    recreates: tuple[str, ...] = ()
    """Objects that are deleted and created again where they cannot be changed: ``KIND/NAME``."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set, where no rule of the site or the bundle says it."""
    kube_version: str = ""
    """Kubernetes that templates see, like ``1.33``; empty: the cluster's."""
    reason: str = ""
    """Why; kept in the history."""
    rollback_s: float = 0.0
    """Seconds for a rollback if the change fails; 0 leaves things as they are."""
    steps: RolloutRequest | None = None
    """Upgrade in steps, and how; None: at once, where the bundle does not ask for steps."""
    skips_preflight: bool = False
    """Leave out the checks of storage, permissions and images that come before the first write."""
    inputs: str = ""
    """A digest of everything that the request was made from, kept with the revision: a program that keeps the release
    knows by it what was tried already, and what became of it. It must not be one that a secret can be guessed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """What a saved plan does not hold, and is given again when it is carried out.

    Example:
        >>> from bundler import PlanInputs, ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     plan = session.save_plan(ReleaseRequest(bundle="webapp", release="shop"))
        ...     done = session.apply_plan(plan, inputs=PlanInputs(bundle="webapp"))
        ...     done.revision.summary.bundle.digest == plan.facts.bundle.digest
        True
    """

    values: Values = Values()
    """Sensitive values, as the plan was given them; the site file, where it is elsewhere now."""
    bundle: str = ""
    """Where the bundle is now; empty: where the plan took it from."""
    accepts_losses: bool = False
    """Data may be lost, although the plan was made without saying so."""
    outside_window: str = ""
    """Why the plan is carried out although the site's deployment windows are closed; it is recorded."""
    suspends_order: bool = False
    """An order that keeps the release is suspended first."""
    signers: tuple[str, ...] = ()
    """Whose signatures of the plan were checked; the history names them beside the reason."""
