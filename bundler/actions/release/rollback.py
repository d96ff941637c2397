"""Go back to what an earlier revision recorded; nothing is rendered again. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.actions.release.history import History, learn_live_secrets, load_existing_history
from bundler.actions.release.lifecycle import ChangeResult, RunOptions, change_release
from bundler.actions.release.proposal import Draft, Proposal, propose_checked, require_cluster
from bundler.actions.release.recorded_parts import readiness_of
from bundler.actions.release.terms import Accepted, Terms
from bundler.fields.removed_apis import successor_of
from bundler.health.compute import is_built_in
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship, InventoryEntry, ReleaseStatus, Revision, RevisionSummary
from bundler.planning.shown_names import public_identifiers
from bundler.planning.version_stamp import unstamped

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.site import Site
    from bundler.ports import ClusterClient, Ports

_UNFINISHED = {ReleaseStatus.PENDING_ROLLBACK, ReleaseStatus.INTERRUPTED, ReleaseStatus.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """What to go back to.

    Example:
        >>> from bundler import ReleaseRequest, RollbackRequest, Session, Values
        >>> with Session.sandbox() as session:
        ...     for least in (2, 3):
        ...         values = Values(data={"minReplicas": least})
        ...         done = session.apply(ReleaseRequest(bundle="webapp", release="shop", values=values))
        ...     result = session.rollback(RollbackRequest(release="shop", reason="three are too many"))
        ...     (result.revision.summary.revision, result.revision.rolled_back_to)
        (3, 1)
    """

    release: str
    """Its name."""
    namespace: str = ""
    """Empty: that of the session."""
    revision: int = 0
    """0: the newest revision that was deployed and is older than the current one."""
    reason: str = ""
    """Why; kept in the history."""
    authorship: Authorship = Authorship()
    """Who rolls back, from where; a session says it."""
    site: Site | None = None
    """The site file whose policy holds."""
    accepted: Accepted = Accepted()
    """What is meant although it is refused by default."""
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over: ``KIND/NAME``; ``*`` fits any."""
    recreates: tuple[str, ...] = ()
    """Objects that are deleted and created again where they cannot be changed: ``KIND/NAME``."""
    skips_hooks: bool = False
    """Run no hooks: those of the revision that is left may be what is broken."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set, where no rule of the site or the bundle says it."""
    fixes_drift: bool = False
    """It restores the deployed revision: fields that others set are taken back, unless a rule says otherwise."""


def propose_rollback(request: RollbackRequest, ports: Ports) -> Proposal:
    """Plan what `rollback` would do; nothing is written.

    Raises:
        BundlerError: whatever would stop it.
    """
    terms = _terms_of(request)
    return propose_checked(_draft(request, terms, ports), terms, ports)


def rollback(
    request: RollbackRequest, ports: Ports, options: RunOptions, approve: Callable[[Proposal], bool]
) -> ChangeResult:
    """Apply the recorded manifests of an earlier revision as a new revision.

    Args:
        request: release and revision.
        ports: the cluster, records, clock and reporter of the run.
        options: how to carry the change out.
        approve: asked with the proposal before anything is written; False declines.

    Raises:
        ReleaseNotFoundError: when there is no such revision.
        DowngradeError: when the deployed bundle says that it cannot be rolled back that far.
        UndeclaredReachError: when it would write what leaves the namespace or grants power, and is not live.
        BundlerError: whatever ends the run.
    """
    terms = _terms_of(request)
    return change_release(_draft(request, terms, ports), terms, ports, options, approve)


def _terms_of(request: RollbackRequest) -> Terms:
    return Terms(
        site=request.site,
        accepted=request.accepted,
        adopts=request.adopts,
        recreates=request.recreates,
        on_conflict=OnConflict.TAKE if request.fixes_drift else request.on_conflict,
        policy_said_by="drift --fix" if request.fixes_drift else "--on-conflict",
        skips_hooks=request.skips_hooks,
    )


def _draft(request: RollbackRequest, terms: Terms, ports: Ports) -> Draft:
    require_cluster(terms, ports.cluster)
    history = load_existing_history(ports, request.namespace, request.release)
    target = history.find(request.revision) if request.revision else _target(history, ports)
    authorship = replace(request.authorship, reason=request.reason or request.authorship.reason)
    return draft_of(load_to_plan(target, history, ports), authorship, ports.cluster)


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


def load_to_plan(summary: RevisionSummary, history: History, ports: Ports) -> Revision:
    """Load a recorded revision whole, to plan it again: its names may be shown from now on, and no secret of it.

    Args:
        summary: which one.
        history: of its release.
        ports: where records are, and what masks output.

    Raises:
        RecordDamagedError: when it cannot be read whole.
    """
    recorded = ports.store.load(summary, with_sensitive=True)
    ports.redactor.publish(history.release, *public_identifiers(recorded.manifests))
    ports.redactor.learn(*recorded.sensitive)
    learn_live_secrets(history, ports)
    return recorded


def draft_of(recorded: Revision, authorship: Authorship, cluster: ClusterClient) -> Draft:
    """Return the revision that rolls back to a recorded one.

    Args:
        recorded: the revision.
        authorship: who rolls back, and why.
        cluster: that serves the objects, perhaps in other versions than were recorded.
    """
    recorded = as_recorded(recorded, cluster)
    summary = replace(
        recorded.summary,
        revision=0,
        status=ReleaseStatus.PENDING_ROLLBACK,
        description="",
        user=authorship.user,
        inputs="",
        corrected=0,
        resource_version="",
        uid="",
    )
    revision = replace(
        recorded,
        summary=summary,
        authorship=authorship,
        rolled_back_to=recorded.summary.revision,
        evidence="",
        accepted_risks=(),
        recreated=(),
    )
    return as_draft(revision)


def as_draft(revision: Revision) -> Draft:
    """Return a revision that was read from a record as what the release is to become."""
    generated = tuple(entry.generated for entry in revision.inventory if entry.generated is not None)
    return Draft(revision=revision, generated=generated, readiness=readiness_of(revision))


def as_recorded(recorded: Revision, cluster: ClusterClient) -> Revision:
    """Return a recorded revision as it is planned again: in versions that are served, without the planner's stamps."""
    recorded = served_now(recorded, cluster)
    return replace(recorded, inventory=tuple(map(_unstamped, recorded.inventory)))


def _unstamped(entry: InventoryEntry) -> InventoryEntry:
    return entry if entry.manifest is None else replace(entry, manifest=unstamped(entry.manifest))


def served_now(recorded: Revision, cluster: ClusterClient) -> Revision:
    """Return a recorded revision with each object in a version that the cluster serves.

    The server judges whether the object fits the other version: it is planned like any other. What is of a kind that
    Kubernetes itself no longer has is left out; an unknown custom kind stays, and is refused by name.

    Args:
        recorded: as it was recorded.
        cluster: that is rolled back.
    """
    found = (_served_entry(entry, cluster) for entry in recorded.inventory)
    return replace(recorded, inventory=tuple(entry for entry in found if entry is not None))


def _served_entry(entry: InventoryEntry, cluster: ClusterClient) -> InventoryEntry | None:
    manifest, ref = entry.manifest, entry.ref
    if manifest is None:
        return entry
    if cluster.resource_type(ref.group, ref.kind, manifest.version) is not None:
        return entry
    served = cluster.resource_type(ref.group, ref.kind)
    if served is not None:
        moved = _in_version(manifest, served.api_version)
        return replace(entry, manifest=moved, api_version=served.api_version)
    return None if _is_former_kind(ref, cluster) else entry


def _in_version(manifest: Manifest, api_version: str) -> Manifest:
    body = {**manifest.body, "apiVersion": api_version}
    return replace(manifest, api_version=api_version, body=body, recorded_in=manifest.api_version)


def _is_former_kind(ref: ObjectRef, cluster: ClusterClient) -> bool:
    """Return whether a kind that is not served is one that Kubernetes itself had; no CRD can bring it back."""
    if not (is_built_in(ref.group) or successor_of(ref.group, ref.kind)):
        return False
    return not any(one.startswith(f"{ref.group}/") for one in cluster.unavailable_apis())
