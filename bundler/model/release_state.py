"""How a release is: its record, and the health of what it owns. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.health import Health, Status
from bundler.model.lean import dataclass
from bundler.model.release import InventoryEntry, ReleaseStatus, Revision, RevisionSummary

if TYPE_CHECKING:
    from bundler.model.orders import KeepingOrder
    from bundler.model.rollout import Rollout, SeenWorkload


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStatus:
    """One object of a release, and how it is."""

    entry: InventoryEntry
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseState:
    """A release as it is.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     state = session.status("shop")
        >>> (state.is_ready, {str(one.health.status) for one in state.objects})
        (True, {'Current'})
    """

    revision: Revision
    """The newest revision, whatever its status."""
    deployed: RevisionSummary | None
    """The newest revision that was deployed; None where none was."""
    objects: tuple[ObjectStatus, ...]
    """What the revision owns, each with its health."""
    went_back_from: Revision | None = None
    """The failed revision that the newest one, a rollback, undid; its evidence says why it failed. None: no such."""
    unasked: tuple[str, ...] = ()
    """Why the health of some objects is not known: the API groups that do not answer, a sentence each."""

    order: KeepingOrder | None = None
    """The order that keeps the release; None where there is none."""

    @property
    def is_ready(self) -> bool:
        """Return whether every object is there and ready; nothing is of a release that was uninstalled."""
        is_gone = self.revision.summary.status is ReleaseStatus.UNINSTALLED
        return (
            not is_gone
            and not self.unasked
            and all(one.health.status in {Status.CURRENT, Status.UNKNOWN} for one in self.objects)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Why a release is as it is: the revision that runs, and one beside it that did not come to its end."""

    running: Revision
    """The deployed revision; the newest where no revision is deployed."""
    beside: Revision | None = None
    """A newer revision that failed, was interrupted or is under way; or the failed one that the running one undid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutProgress:
    """How far an open rollout has come.

    Example:
        >>> from bundler import ReleaseRequest, RolloutRequest, Session, Share, Values
        >>> one_pod = RolloutRequest(steps=(Share.parse("1"),), pause_after="canary")
        >>> values = Values(data={"image": "docker.io/library/nginx:1.28"})
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     request = ReleaseRequest(bundle="webapp", release="shop", values=values, steps=one_pod)
        ...     paused = session.apply(request)
        ...     progress = session.rollout("shop")
        >>> (paused.is_paused, [(one.ref.short, one.old.ready, one.new.ready) for one in progress.workloads])
        (True, [('Deployment/shop', 2, 1)])
    """

    summary: RevisionSummary
    """The revision that is rolled out."""
    rollout: Rollout
    """What was asked for, and how far it has come."""
    deployed: RevisionSummary | None
    """The revision that it replaces, until it is finished; None where its record is gone."""
    workloads: tuple[SeenWorkload, ...]
    """The workloads whose pods are replaced step by step; one that was deleted is left out."""
