"""Abort an open rollout: the deployed revision's bodies come back, and the one that was rolled out has failed.

Layer: actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.actions.release.history import load_existing_history, pass_over, read_history, require_open_rollout
from bundler.actions.release.lifecycle import ChangeResult, RunOptions, carry_out, change_release
from bundler.actions.release.proposal import Draft, Proposal, pass_gates, propose, propose_checked, require_cluster
from bundler.actions.release.rollback import RollbackRequest, draft_of, load_to_plan
from bundler.actions.release.terms import Accepted, Terms
from bundler.actions.release.way_back import WayBack, go_back
from bundler.actions.rollout.failure import cause_of
from bundler.errors.change import RecordDamagedError
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship, Revision, RevisionSummary
from bundler.model.rollout import Rollout, RolloutState
from bundler.planning.problem import refuse

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.site import Site
    from bundler.ports import HeldLock, Ports

_ABORT_S = 300.0
"""What an abort that follows a failed step may take: the time of the command may be used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRequest:
    """Which rollout is aborted.

    Example:
        >>> from bundler import AbortRequest, ReleaseRequest, RolloutRequest, Session, Share, Values
        >>> newer = Values(data={"image": "docker.io/nginxinc/nginx-unprivileged:1.28"})
        >>> one_pod = RolloutRequest(steps=(Share.parse("1"),), pause_after="canary")
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     paused = session.apply(ReleaseRequest(bundle="webapp", release="shop", values=newer, steps=one_pod))
        ...     result = session.abort_rollout(AbortRequest(release="shop", reason="it is slow"))
        >>> (paused.is_paused, result.revision.summary.description)
        (True, 'aborted: it is slow')
    """

    release: str
    """Its name."""
    namespace: str = ""
    """Empty: that of the session."""
    reason: str = ""
    """Why; kept in the history."""
    authorship: Authorship = Authorship()
    """Who aborts it, from where; a session says it."""
    site: Site | None = None
    """The site file whose policy holds."""
    accepted: Accepted = Accepted()
    """What is meant although it is refused by default."""
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over: ``KIND/NAME``; ``*`` fits any."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set, where no rule of the site or the bundle says it."""


def meant_by_rollback(request: RollbackRequest, ports: Ports) -> AbortRequest | None:
    """Return the abort that a rollback means while a rollout is open, if it names no revision; None for any other.

    Args:
        request: of the rollback.
        ports: the records.
    """
    if request.revision or request.fixes_drift:
        return None
    history = read_history(ports.store, request.namespace, request.release, on_unreadable=pass_over)
    if history.open_rollout is None:
        return None
    return AbortRequest(
        release=request.release,
        namespace=request.namespace,
        reason=request.reason,
        authorship=request.authorship,
        site=request.site,
        accepted=request.accepted,
        adopts=request.adopts,
        on_conflict=request.on_conflict,
    )


def propose_abort(request: AbortRequest, ports: Ports) -> Proposal:
    """Plan how an open rollout goes back; nothing is written.

    Raises:
        BundlerError: whatever would stop it.
    """
    terms = _terms_of(request)
    return propose_checked(_draft(request, terms, ports), terms, ports)


def abort_rollout(
    request: AbortRequest, ports: Ports, options: RunOptions, approve: Callable[[Proposal], bool]
) -> ChangeResult:
    """Bring the deployed revision back, and record the one that was rolled out as failed.

    Args:
        request: release, and why.
        ports: the cluster, records, clock and reporter of the run.
        options: how to carry the change out.
        approve: asked with the proposal before anything is written; False declines.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout of it is open.
        BundlerError: whatever ends the run.
    """
    terms = _terms_of(request)
    return change_release(_draft(request, terms, ports), terms, ports, options, approve)


def _terms_of(request: AbortRequest) -> Terms:
    return Terms(
        site=request.site,
        # The deployed revision never ended: it is not an older version that comes back.
        accepted=replace(request.accepted, downgrade=True),
        adopts=request.adopts,
        on_conflict=request.on_conflict,
        skips_hooks=True,
        continues_rollout=True,
    )


def _draft(request: AbortRequest, terms: Terms, ports: Ports) -> Draft:
    require_cluster(terms, ports.cluster)
    history = load_existing_history(ports, request.namespace, request.release)
    aborted, rollout = require_open_rollout(history, doing="aborting the rollout")
    if history.deployed is None:
        raise RecordDamagedError(
            f"aborting the rollout of revision {aborted.revision}",
            context=["no revision is recorded as deployed, to which it could go back"],
            hint=f"read `bundler history {history.place}`; `bundler continue {history.place}` finishes it",
        )
    recorded = load_to_plan(history.deployed, history, ports)
    why = request.reason or ("" if rollout.is_done else rollout.reason)  # what it failed with, or was paused for
    return _draft_back(recorded, aborted, replace(rollout, by=request.authorship.who, reason=why), ports)


def _draft_back(recorded: Revision, aborted: RevisionSummary, rollout: Rollout, ports: Ports) -> Draft:
    aborting = replace(rollout, state=RolloutState.ABORTING)
    draft = draft_of(recorded, recorded.authorship, ports.cluster)
    summary = replace(draft.revision.summary, rollout=aborting)
    return replace(
        draft,
        revision=replace(draft.revision, summary=summary),
        aborts=replace(aborted, rollout=aborting),
    )


def abort_after(
    error: BundlerError, proposal: Proposal, held: HeldLock, *, ports: Ports, options: RunOptions
) -> BundlerError:
    """Abort a rollout whose step has failed, under the lock that is still held; return what to raise in its place.

    The evidence is reported, and recorded with the revision, before anything goes back.

    Args:
        error: what ended the step, evidence included.
        proposal: the upgrade.
        held: the lock.
        ports: as of the upgrade.
        options: as of the upgrade.

    Raises:
        LockLostError: when the release is no longer ours.
    """
    way = WayBack(
        doing="aborting the rollout",
        budget_s=_ABORT_S,
        undo=lambda fresh: _go_back(error, proposal, fresh, options, held),
        failed="the rollout could not be aborted",
        hint_failed=f"fix what is named above, then run `bundler abort {proposal.history.place}`",
        hint="fix what is named above, then run it again",
    )
    return go_back(error, ports, held, way)


def _go_back(error: BundlerError, proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> str:
    request = AbortRequest(
        release=proposal.history.release,
        namespace=proposal.history.namespace,
        reason=cause_of(error, ports.redactor),
        authorship=proposal.drafted.revision.authorship,
        site=proposal.terms.site,
        accepted=Accepted(losses=True, wider_reach=True),
        on_conflict=proposal.terms.on_conflict,
    )
    terms = replace(_terms_of(request), follows_failure=True)
    back = propose(_draft(request, terms, ports), terms, ports)
    refuse(pass_gates(back))
    carry_out(back, ports, replace(options, waits=True, watch_s=0.0, runs_checks=False), held)
    return f"the rollout was aborted: revision {back.drafted.revision.rolled_back_to} is what runs"
