"""Continue an open rollout: its recorded revision, from the step at which it is. Layer: actions.

It is asked for, or the upgrade is run once more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.release.history import History, load_existing_history, require_open_rollout
from bundler.actions.release.lifecycle import Afterwards, ChangeResult, RunOptions, change_release
from bundler.actions.release.proposal import Draft, Proposal, propose_checked, require_cluster
from bundler.actions.release.rollback import as_draft, as_recorded, load_to_plan
from bundler.actions.release.terms import Accepted, Terms
from bundler.actions.rollout.abort import abort_after
from bundler.errors import UsageError
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship, Revision
from bundler.model.rollout import Rollout, RolloutState, Share
from bundler.values.changes import is_same_to_templates

if TYPE_CHECKING:
    from bundler.model.site import Site
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueRequest:
    """Which rollout continues, and how far it goes before it pauses again.

    Example:
        >>> from bundler import ContinueRequest, ReleaseRequest, RolloutRequest, Session, Share, Values
        >>> newer = Values(data={"image": "docker.io/nginxinc/nginx-unprivileged:1.28"})
        >>> one_pod = RolloutRequest(steps=(Share.parse("1"),), pause_after="canary")
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     paused = session.apply(ReleaseRequest(bundle="webapp", release="shop", values=newer, steps=one_pod))
        ...     result = session.continue_rollout(ContinueRequest(release="shop"))
        >>> (paused.is_paused, str(result.revision.summary.status))
        (True, 'deployed')
    """

    release: str
    """Its name."""
    namespace: str = ""
    """Empty: that of the session."""
    to: Share | None = None
    """Pause again once this share is reached; None: where the rollout says so itself."""
    to_the_end: bool = False
    """Pause no more."""
    reason: str = ""
    """Why; shown while the rollout is open."""
    authorship: Authorship = Authorship()
    """Who continues it, from where; a session says it."""
    site: Site | None = None
    """The site file whose policy holds."""
    accepted: Accepted = Accepted()
    """What is meant although it is refused by default."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set, where no rule of the site or the bundle says it."""


def propose_continue(request: ContinueRequest, ports: Ports) -> Proposal:
    """Plan what is left of an open rollout; nothing is written.

    Raises:
        BundlerError: whatever would stop it.
    """
    terms = _terms_of(request)
    return propose_checked(_draft(request, terms, ports), terms, ports)


def continue_rollout(
    request: ContinueRequest, ports: Ports, options: RunOptions, approve: Callable[[Proposal], bool]
) -> ChangeResult:
    """Continue an open rollout until it pauses again, or to its end.

    Args:
        request: release, and how far.
        ports: the cluster, records, clock and reporter of the run.
        options: how to carry the change out.
        approve: asked with the proposal before anything is written; False declines.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout of it is open.
        BundlerError: whatever ends the run.
    """
    terms = _terms_of(request)
    abort = partial(abort_after, ports=ports, options=options)
    after = Afterwards(abort=abort, redraft=lambda: _draft(request, terms, ports))
    return change_release(_draft(request, terms, ports), terms, ports, options, approve, after)


def _terms_of(request: ContinueRequest) -> Terms:
    return Terms(site=request.site, accepted=request.accepted, on_conflict=request.on_conflict, continues_rollout=True)


def _draft(request: ContinueRequest, terms: Terms, ports: Ports) -> Draft:
    require_cluster(terms, ports.cluster)
    history = load_existing_history(ports, request.namespace, request.release)
    summary, rollout = require_open_rollout(history, doing="continuing the rollout")
    recorded = load_to_plan(summary, history, ports)
    before = ports.store.load(history.deployed, with_sensitive=True) if history.deployed else None
    return draft_to_continue(recorded, before, _asked(request, rollout), ports)


def draft_to_continue(recorded: Revision, before: Revision | None, rollout: Rollout, ports: Ports) -> Draft:
    """Return the recorded revision as what the release is to become, from a step on.

    Args:
        recorded: the revision that is rolled out.
        before: the deployed one, to which an abort goes back.
        rollout: where it continues.
        ports: the cluster that serves the objects, perhaps in other versions than were recorded.
    """
    revision = as_recorded(recorded, ports.cluster)
    revision = replace(revision, summary=replace(revision.summary, rollout=rollout))
    return replace(as_draft(revision), recorded=before, fallback=before)


def moving_again(rollout: Rollout) -> Rollout:
    """Return a rollout at the step that comes next, moving again."""
    is_next = rollout.next_step != rollout.step
    return replace(
        rollout,
        step=rollout.next_step,
        is_done=False,
        state=RolloutState.MOVING,
        passed=() if is_next else rollout.passed,
        reason="",
    )


def _asked(request: ContinueRequest, rollout: Rollout) -> Rollout:
    if rollout.state is RolloutState.ABORTING:
        raise UsageError(
            f"continuing the rollout of release {request.release}",
            context=["it is being aborted; that was not finished"],
            hint=f"run `bundler abort {request.release} -n {request.namespace}` to finish that, then upgrade again",
        )
    moved = replace(moving_again(rollout), by=request.authorship.who, reason=request.reason)
    if request.to_the_end:
        return replace(moved, pause_after="none")
    return replace(moved, pause_after=str(_step_at(request.to, moved))) if request.to else moved


def _step_at(share: Share, rollout: Rollout) -> int:
    """Return the first step that reaches a share for every component."""
    for step in range(rollout.step, rollout.steps):
        if all(_reaches(rollout.share(component, step), share) for component in rollout.shares):
            return step
    known = ", ".join(str(one) for one in next(iter(rollout.shares.values()), ()))
    raise UsageError(
        "continuing the rollout",
        context=[f"no step that is left has a share of {share}: the steps are {known}, 100%"],
        hint="name the share of a step, or give --all to go to the end",
    )


def _reaches(found: Share, wanted: Share) -> bool:
    return found.is_percent is wanted.is_percent and found.number >= wanted.number


def of_open_rollout(draft: Draft, history: History, ports: Ports) -> Draft | None:
    """Return the draft that continues the open rollout, where this upgrade is the same; None where it is another.

    One that is paused stays so: a pipeline that runs the same command again has seen nothing of it.

    Args:
        draft: what the upgrade would make.
        history: of the release.
        ports: its records.
    """
    summary = history.open_rollout
    if summary is None or summary.rollout is None or summary.rollout.state is RolloutState.ABORTING:
        return None
    if summary.bundle.digest != draft.revision.summary.bundle.digest:
        return None
    recorded = ports.store.load(summary, with_sensitive=True)
    if not is_same_to_templates(recorded.user_values, draft.revision.user_values):
        return None
    rollout, before = summary.rollout, draft.recorded
    is_paused = rollout.state is RolloutState.PAUSED
    return draft_to_continue(recorded, before, rollout if is_paused else moving_again(rollout), ports)


def is_paused(draft: Draft) -> bool:
    """Return whether a draft is of a rollout that waits for someone."""
    rollout = draft.revision.summary.rollout
    return draft.is_continued and rollout is not None and rollout.state is RolloutState.PAUSED
