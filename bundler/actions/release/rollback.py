"""Go back to what an earlier revision recorded; nothing is rendered anew. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import public_identifiers
from bundler.actions.release.history import History, learn_live_secrets, load_existing_history
from bundler.actions.release.lifecycle import ChangeResult, Draft, RunOptions, change_release
from bundler.actions.release.recorded_parts import reach_of, readiness_of
from bundler.errors.change import DowngradeError, UndeclaredReachError
from bundler.model.bundle import Reach
from bundler.model.lean import dataclass, replace
from bundler.model.release import ReleaseStatus
from bundler.planning.reach import find_reach
from bundler.planning.version_stamp import unstamped
from bundler.resolve.versions import parse_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.release.lifecycle import Proposal
    from bundler.model.release import Authorship, InventoryEntry, Revision, RevisionSummary
    from bundler.ports import Ports

_UNFINISHED = {ReleaseStatus.PENDING_ROLLBACK, ReleaseStatus.INTERRUPTED, ReleaseStatus.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """What to go back to."""

    release: str
    namespace: str
    revision: int = 0
    """0: the newest revision that was deployed and is older than the current one."""
    authorship: Authorship
    may_widen_reach: bool = False
    may_pass_barrier: bool = False


def rollback(
    request: RollbackRequest, ports: Ports, options: RunOptions, approve: Callable[[Proposal], bool]
) -> ChangeResult:
    """Apply the recorded manifests of an earlier revision as a new revision.

    Raises:
        ReleaseNotFoundError: when there is no such revision.
        DowngradeError: when the deployed bundle says that it cannot be rolled back that far.
        UndeclaredReachError: when the older revision reaches further than the current one.
        BundlerError: whatever ends the run.
    """
    history = load_existing_history(ports, request.namespace, request.release)
    target = history.find(request.revision) if request.revision else _target(history, ports)
    recorded = ports.store.load(target, with_sensitive=True)
    manifests = [entry.manifest for entry in recorded.inventory if entry.manifest is not None]
    ports.redactor.publish(request.release, *public_identifiers(manifests))
    ports.redactor.learn(*recorded.sensitive)
    learn_live_secrets(history, ports)
    _refuse_barrier(request, history, target, ports)
    _refuse_wider_reach(request, history, recorded, ports)
    return change_release(draft_of(recorded, request), ports, options, approve)


def _target(history: History, ports: Ports) -> RevisionSummary:
    """Choose where to go back to; one that did not get there, and is run again, goes where it was going."""
    if history.is_newest_damaged:
        return history.rollback_target(history.newest_number)
    aims: set[int] = set()
    current = 0
    for summary in reversed(history.summaries):
        is_half_marked = summary is history.newest and not history.is_settled
        aim = ports.store.load(summary).rolled_back_to if is_half_marked or summary.status in _UNFINISHED else 0
        if not aim:
            current = summary.revision
            break
        aims.add(aim)
    meant = history.deployed_before(current)
    is_repeated = meant is not None and aims == {meant.revision}
    return history.rollback_target(current if is_repeated else history.newest_number)


def draft_of(recorded: Revision, request: RollbackRequest) -> Draft:
    """Return the revision that rolls back to a recorded one."""
    summary = replace(
        recorded.summary,
        revision=0,
        status=ReleaseStatus.PENDING_ROLLBACK,
        description="",
        user=request.authorship.user,
        resource_version="",
        uid="",
    )
    revision = replace(
        recorded,
        summary=summary,
        inventory=tuple(_unstamped(entry) for entry in recorded.inventory),
        authorship=request.authorship,
        rolled_back_to=recorded.summary.revision,
        evidence="",
    )
    return Draft(
        revision=revision,
        generated=tuple(entry.generated for entry in recorded.inventory if entry.generated is not None),
        reach=reach_of(recorded.reach),
        readiness=readiness_of(recorded),
    )


def _unstamped(entry: InventoryEntry) -> InventoryEntry:
    return entry if entry.manifest is None else replace(entry, manifest=unstamped(entry.manifest))


def _refuse_barrier(request: RollbackRequest, history: History, target: RevisionSummary, ports: Ports) -> None:
    """Hold the target against every revision that may have changed the data: the deployed one, and those tried since.

    An upgrade that failed may have come as far as its migration.
    """
    if request.may_pass_barrier:
        return
    since = history.deployed.revision if history.deployed else 0
    tried = [ports.store.load(one) for one in history.summaries if one.revision >= max(since, target.revision + 1)]
    barred = [one for one in tried if not is_at_least(target.bundle.version, one.no_rollback_below)]
    unknown = [one for one in history.damaged if one.revision > target.revision]
    if not barred and not unknown:
        return
    lines = [
        f"revision {one.summary.revision} ({one.summary.status}) says noRollbackBelow: {one.no_rollback_below}"
        for one in barred
    ]
    lines += [f"{one.line}; whether it says noRollbackBelow is not known" for one in unknown]
    raise DowngradeError(
        f"rolling release {request.release} back to revision {target.revision}",
        context=[f"revision {target.revision} is {target.bundle.name} {target.bundle.version}", *lines],
        hint="choose a newer revision, or pass --allow-downgrade when you know the data allows it",
    )


def is_at_least(version: str, barrier: str) -> bool:
    """Tell whether a version is not below a barrier; an empty barrier holds nobody back."""
    return not barrier or parse_version(version) >= parse_version(barrier)


def _refuse_wider_reach(request: RollbackRequest, history: History, recorded: Revision, ports: Ports) -> None:
    if request.may_widen_reach or not history.deployed:
        return
    widened = _notes(recorded) - _notes(ports.store.load(history.deployed))
    if widened:
        raise UndeclaredReachError(
            f"rolling release {request.release} back to revision {recorded.summary.revision}",
            context=[
                f"it reaches further than what is deployed: {kind}: {subject}" for kind, subject in sorted(widened)
            ],
            hint="pass --allow-reach when that is meant",
        )


def _notes(revision: Revision) -> set[tuple[str, str]]:
    manifests = [entry.manifest for entry in revision.inventory if entry.manifest is not None]
    notes = find_reach(manifests, namespace=revision.summary.namespace, declared=Reach())
    return {(note.kind, note.subject) for note in notes}
