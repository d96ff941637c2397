"""Take a release away: a plan with nothing wanted. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, assert_never

from bundler.actions.change.executor import Executor
from bundler.actions.change.make_plan import make_plan
from bundler.actions.change.run_control import Guard
from bundler.actions.change.wait import WaitRules
from bundler.actions.ordering.edit import let_go, orders_held, suspend_for
from bundler.actions.ordering.keeping import order_at_first, order_under_lock
from bundler.actions.release.backups import backups_of
from bundler.actions.release.history import History, load_existing_history, load_history, pass_over, read_history
from bundler.actions.release.hook_runs import NO_HOOKS, hooks_of_removal
from bundler.actions.release.kept_secrets import learn_shown_secrets
from bundler.actions.release.lifecycle import ChangeResult
from bundler.actions.release.other_releases import used_elsewhere
from bundler.actions.release.proposal import (
    Proposal,
    identity_for,
    moment_for,
    pass_gates,
    refuse_now,
    require_cluster,
    warn_of_refusal,
)
from bundler.actions.release.run_record import carried_out, outside_words, spent
from bundler.actions.release.terms import Accepted, Terms
from bundler.actions.release.unfinished import abort_record, mark_interrupted_runs
from bundler.actions.rollout.failure import cause_of
from bundler.errors import BundlerError
from bundler.errors.change import LockLostError, ReleaseNotFoundError
from bundler.errors.cluster import ForbiddenError
from bundler.model.events import Notice
from bundler.model.json import Body, JSONValue, is_mapping, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.release import Authorship, ReleaseStatus, RevisionSummary
from bundler.model.size import listed
from bundler.model.steps import Moment
from bundler.planning.hidden import hidden_like
from bundler.planning.observation import Wanted
from bundler.planning.problem import refuse

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.orders import KeepingOrder
    from bundler.model.refs import ObjectRef
    from bundler.model.site import Site
    from bundler.ports import HeldLock, Ports


End: TypeAlias = "Callable[[History, Ports], None]"
_STAYING = 5
_CONFIRMED = Terms(accepted=Accepted(losses=True, removal=True), skips_hooks=True, follows_failure=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallRequest:
    """What to delete. Who makes this request means it: there is no further question unless ``approve`` asks one.

    Example:
        >>> from bundler import ReleaseRequest, Session, UninstallRequest
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     gone = session.uninstall(UninstallRequest(release="shop"))
        ...     (len(gone.proposal.plan.changes), session.releases())
        (8, ())
    """

    release: str
    """Its name."""
    namespace: str = ""
    """Empty: that of the session."""
    site: Site | None = None
    """The site file whose policy holds."""
    accepted: Accepted = Accepted(removal=True)
    """What is meant; ``losses`` accepts that data may be lost."""
    lock_timeout_s: float = 0.0
    """Seconds to wait for a lock that another run holds."""
    keeps_history: bool = False
    """Keep the records, marked as uninstalled, instead of dropping them."""
    skips_hooks: bool = False
    """Run no hooks."""
    reason: str = ""
    """Why; kept in the history that is kept."""
    authorship: Authorship = Authorship()
    """Who uninstalls it, from where; a session says it."""

    @property
    def terms(self) -> Terms:
        """What the change is checked against."""
        return Terms(site=self.site, accepted=self.accepted, skips_hooks=self.skips_hooks)


def propose_uninstall(request: UninstallRequest, ports: Ports) -> Proposal:
    """Plan to delete everything a release owns, but for what is always kept.

    Raises:
        ReleaseNotFoundError: when there is no such release, and nothing that an uninstall left which died at its end.
    """
    proposal = _propose_removal(request, ports)
    warn_of_refusal(pass_gates(proposal, is_shown=True), ports.report)
    return proposal


def _propose_removal(request: UninstallRequest, ports: Ports) -> Proposal:
    terms, namespace, release = request.terms, request.namespace, request.release
    require_cluster(terms, ports.cluster)
    try:
        history = load_existing_history(ports, namespace, release)
    except ReleaseNotFoundError:
        if not ports.store.has_remains(namespace, release):
            raise
        history = History(namespace=namespace, release=release, summaries=())
    return _propose(history, order_at_first(namespace, release, terms, ports), terms, ports)


def _propose(history: History, order: KeepingOrder | None, terms: Terms, ports: Ports) -> Proposal:
    newest = ports.store.load(history.newest) if history.newest else None
    hooks = NO_HOOKS
    if newest:
        hooks = hooks_of_removal(newest, history, ports.store, are_skipped=terms.skips_hooks)
    # After an uninstall that failed nothing is deployed any more, and what is left is backed up all the same.
    deployed = history.deployed
    left = newest if deployed is None or deployed == history.newest else ports.store.load(deployed)
    backups = backups_of(None, left, history, terms, ports.store)
    ports.redactor.learn(*hooks.sensitive, *backups.sensitive)
    wanted = Wanted(
        release=history.release,
        namespace=history.namespace,
        uid=release_uid(history.namespace, history.release),
        manifests=hooks.manifests,
        needs=newest.needs if newest else {},
        owned=history.owned,
        unsearched=history.unsearched,
        finished_jobs=hooks.finished,
        sensitive=hooks.sensitive | backups.sensitive,
        hook_run=hooks.run,
        hooks=hooks.refs,
        skipped_hooks=hooks.skipped,
        is_removal=True,
        deletes_definitions=terms.accepted.crd_deletion,
        used_elsewhere=used_elsewhere(history, ports.store) if terms.accepted.crd_deletion else {},
        backups=backups.manifests,
    )
    planned = make_plan(wanted, ports.cluster)
    kept = learn_shown_secrets(planned, history, ports)
    hidden = replace(planned.plan, changes=tuple(_hidden(planned.plan.changes, history, ports)))
    identity = identity_for(terms, ports.cluster)
    return Proposal(
        planned=planned,
        history=history,
        hidden=hidden,
        kept_secrets=kept,
        terms=terms,
        identity=identity,
        order=order,
        held_orders=orders_held(history.owned, ports),
        moment=moment_for(terms, ports.clock),
    )


def _hidden(changes: Sequence[Change], history: History, ports: Ports) -> Iterator[Change]:
    """Hide in live objects what any retained revision hides there; who deletes need not read secrets for that.

    What a damaged record hid is not known, so that nothing but names is shown then.
    """
    if history.damaged:
        yield from (replace(change, before=_named_only(change.before)) for change in changes)
        return
    shown: dict[ObjectRef, JSONValue] = {change.ref: change.before for change in changes}
    for summary in history.summaries:
        for entry in ports.store.load(summary).inventory:
            if entry.manifest is not None and entry.ref in shown:
                shown[entry.ref] = hidden_like(shown[entry.ref], entry.manifest.body)
    for change in changes:
        before = shown[change.ref]
        yield replace(change, before=before) if is_mapping(before) else change


def _named_only(live: Body | None) -> Body | None:
    if live is None:
        return None
    names = {key: text_at(live, "metadata", key) for key in ("name", "namespace")}
    return {"apiVersion": text_at(live, "apiVersion"), "kind": text_at(live, "kind"), "metadata": names}


def uninstall(request: UninstallRequest, ports: Ports, approve: Callable[[Proposal], bool]) -> ChangeResult:
    """Delete what a release owns in reverse order, wait until it is gone, then drop or close its records.

    The record says ``uninstalling`` until every object is gone: a run that died is simply repeated.

    Args:
        request: release and what to keep.
        ports: the cluster, records, clock and reporter of the run.
        approve: asked with the proposal before anything is written; False declines.

    Raises:
        BundlerError: what ended the run.
    """
    namespace, release = request.namespace, request.release
    first = _propose_removal(request, ports)
    unconfirmed = pass_gates(first)
    refuse_now(unconfirmed)
    if not approve(first):
        return ChangeResult(proposal=first, revision=None, is_declined=True)
    refuse(unconfirmed)
    suspend_for(first.order, first.terms, ports)
    with _locked(first, request, ports) as held:
        end = partial(_close, said=_said(request, first.outside_window)) if request.keeps_history else _erase
        proposal = remove_objects(namespace, release, ports.under(held), held, request.terms, end=end)
    return ChangeResult(proposal=proposal or first, revision=None)


@contextmanager
def _locked(proposal: Proposal, request: UninstallRequest, ports: Ports) -> Iterator[HeldLock]:
    """Hold the lock of the release while the block runs.

    Raises:
        ForbiddenError: where its namespace is being deleted, with what stays outside of that: no record will name it.
    """
    namespace, release = request.namespace, request.release
    try:
        with ports.lock.hold(namespace, release, doing="uninstall", timeout_s=request.lock_timeout_s) as held:
            yield held
    except ForbiddenError as error:
        stays = [change.ref for change in proposal.plan.changes if change.ref.namespace != namespace]
        if not error.is_leaving or not stays:
            raise
        names = [f"{ref.short} in {ref.namespace}" if ref.namespace else ref.short for ref in stays]
        raise error.with_context(
            f"the record of the release goes with the namespace, and these stay: {listed(names, _STAYING)}",
            hint=f"wait until the namespace is deleted, install {release} again with -n {namespace}, which takes them "
            "up, and uninstall it then; or delete them with kubectl",
        ) from error


def remove_objects(
    namespace: str,
    release: str,
    ports: Ports,
    held: HeldLock,
    terms: Terms = _CONFIRMED,
    *,
    end: End | None = None,
) -> Proposal | None:
    """Delete everything that a release owns; the lock is held. None where nothing is recorded.

    Args:
        namespace: of the release.
        release: its name.
        ports: the cluster and everything else outside.
        held: the lock.
        terms: what the removal is checked against.
        end: what becomes of the records; where it is not given, they are dropped unless an earlier uninstall kept some.

    Raises:
        BundlerError: what ended the run.
    """
    history = mark_interrupted_runs(load_history(ports, namespace, release), ports)
    if not history.summaries and not history.damaged:
        ports.store.erase(namespace, release)
        return None
    order = order_under_lock(namespace, release, terms, ports)
    proposal = replace(_propose(history, order, terms, ports), is_second_look=True)
    refuse(pass_gates(proposal))
    proposal = replace(proposal, history=abort_record(history, ports))
    _carry_out(proposal, ports, held, end or (_close if history.current != history.summaries else _erase))
    return proposal


def _erase(history: History, ports: Ports) -> None:
    ports.store.erase(history.namespace, history.release)


def _said(request: UninstallRequest, outside_window: str) -> str:
    """Return who removed a release and why, for the history that is kept."""
    who, why = request.authorship.who, " ".join(request.reason.split())
    by = f"uninstalled by {who}" if who else ""
    return "; ".join(filter(None, (by, why, outside_words(outside_window))))


def _close(history: History, ports: Ports, said: str = "") -> None:
    """Say in the records that nothing of them is there any more; the newest is marked last.

    Args:
        history: of the release.
        ports: the cluster, records, clock and reporter of the run.
        said: what is kept of it in the history.
    """
    fresh = read_history(ports.store, history.namespace, history.release, on_unreadable=pass_over)
    for summary in fresh.current:
        if summary is not fresh.newest and summary.status is ReleaseStatus.DEPLOYED:
            ports.store.mark(summary, ReleaseStatus.SUPERSEDED)
    if fresh.newest is not None:
        ports.store.mark(fresh.newest, ReleaseStatus.UNINSTALLED, description=ports.redactor.redact(said))


def _carry_out(proposal: Proposal, ports: Ports, held: HeldLock, end: End) -> None:
    record, wanted = _RemovalRecord(proposal, ports, held, end), proposal.planned.wanted
    rules = WaitRules(uid=wanted.uid, finished_jobs=wanted.finished_jobs, note_finished=record.note_finished)
    executor = Executor(proposal.planned, ports, Guard(ports, held), rules, record.write)
    try:
        executor.run()
    except BundlerError as error:
        raise record.fail(error, executor.progress.summary(proposal.plan.changes)) from error


class _RemovalRecord:
    """The records of a release that is removed: marked at first, and gone or closed at last."""

    def __init__(self, proposal: Proposal, ports: Ports, held: HeldLock, end: End) -> None:
        self._proposal, self._history, self._wanted = proposal, proposal.history, proposal.planned.wanted
        self._ports, self._held, self._end = ports, held, end
        self._lets_go = proposal.terms.accepted.orphans_orders
        self._is_open = self._has_ended = False
        self._summary: RevisionSummary | None = None

    def write(self, moment: Moment) -> None:
        """Say that the release is being uninstalled, or that it was."""
        match moment:
            case Moment.BEGUN:
                newest = None if self._history.is_uninstalled else self._history.newest
                self._summary = self._ports.store.mark(newest, ReleaseStatus.UNINSTALLING) if newest else None
                self._is_open = True
            case Moment.DONE:
                self._has_ended = True
                self._held.confirm()
                if self._lets_go:
                    let_go(self._wanted.owned, self._ports)
                self._end(self._history, self._ports)
            case _:
                assert_never(moment)

    def note_finished(self, jobs: Iterable[ObjectRef]) -> None:
        """Record that the Jobs of hooks have finished: they must not run twice."""
        if self._summary is not None:
            marks = [self._wanted.mark_of(ref) for ref in jobs]
            self._summary = self._ports.store.mark(self._summary, ReleaseStatus.UNINSTALLING, finished_jobs=marks)

    def fail(self, error: BundlerError, progress: tuple[str, ...]) -> BundlerError:
        """Say in the record what ended the run; return the error that says how far it came, too."""
        if self._has_ended:
            return error.with_context(carried_out(error))
        if not self._is_open:
            return error.with_context()
        told = spent(error.with_context(*progress), self._proposal)
        if self._summary is None or isinstance(error, LockLostError):
            return told
        description = cause_of(error, self._ports.redactor)
        try:
            self._ports.store.mark(self._summary, ReleaseStatus.UNINSTALLING, description=description)
        except BundlerError as unwritten:
            self._ports.report(Notice(f"the record could not be updated: {unwritten}"))
        return told
