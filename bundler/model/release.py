"""Releases, revisions and their records. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.hooks import is_dormant
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret, Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import Rollout
    from bundler.model.stage import Stage
    from bundler.model.values import Pointer


class ReleaseStatus(StrEnum):
    """Helm's status words, and ``interrupted`` for a run that died.

    Example:
        >>> from bundler import ReleaseStatus
        >>> ReleaseStatus("pending-upgrade").is_pending
        True
    """

    DEPLOYED = "deployed"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"
    UNINSTALLING = "uninstalling"
    UNINSTALLED = "uninstalled"

    @property
    def is_pending(self) -> bool:
        """Return whether a run is under way, or died."""
        return self.value.startswith("pending-") or self is ReleaseStatus.UNINSTALLING

    @property
    def was_deployed(self) -> bool:
        """Return whether the run came to its end: the revision is what is deployed, or was."""
        return self in {ReleaseStatus.DEPLOYED, ReleaseStatus.SUPERSEDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReference:
    """Which bundle a revision was made from."""

    name: str
    version: str
    app_version: str = ""
    digest: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorship:
    """Who made a revision, from where and why."""

    user: str = ""
    """As whom they spoke to the cluster: what a SelfSubjectReview says, else the user of the kubeconfig."""
    account: str = ""
    """The user of the machine, as the environment names it."""
    host: str = ""
    tool_version: str = ""
    command: str = ""
    """The command line, sensitive values masked."""
    reason: str = ""
    cluster_uid: str = ""
    outside_window: str = ""
    """Why it was made although the site's deployment windows were closed; empty where they were open."""

    @property
    def who(self) -> str:
        """Who it was, and where: ``deployer (ada@ci-7)``."""
        place = "@".join(filter(None, (self.account, self.host)))
        return f"{self.user} ({place})" if self.user and place else self.user or place


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Whether a release is protected, and who decided that, when and why.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     protection = session.protect("shop", reason="production")
        ...     state = session.status("shop")
        >>> (state.revision.summary.protection == protection, protection.reason)
        (True, 'production')
    """

    is_on: bool
    """False: protection was taken off."""
    since: datetime
    """When that was decided, in UTC."""
    user: str = ""
    """The user of the cluster who decided it."""
    reason: str = ""
    """Why."""

    def __str__(self) -> str:
        by = f" by {self.user}" if self.user else ""
        why = f": {self.reason}" if self.reason else ""
        words = "protected since" if self.is_on else "no longer protected since"
        return f"{words} {self.since:%Y-%m-%d %H:%M:%S}Z{by}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryEntry:
    """One object that a revision owns."""

    ref: ObjectRef
    api_version: str
    stage: Stage
    """In which it was written; the plan of another change does not ask."""
    component: str = ""
    source: str = ""
    manifest: Manifest | None = None
    """None for generated secrets."""
    generated: GeneratedSecret | None = None
    """What was generated, so that a rollback can make it again where it is gone; its text is never recorded."""
    is_found: bool = False
    """Known by the release's label alone: the record that named it cannot be read."""

    @property
    def is_generated(self) -> bool:
        """Return whether bundler made the text of this Secret."""
        return self.generated is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSummary:
    """What ``list`` and ``history`` show; read from metadata alone.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop", reason="the first one"))
        ...     (summary,) = session.history("shop")
        >>> (summary.revision, str(summary.status), summary.bundle.name, summary.description)
        (1, 'deployed', 'webapp', 'the first one')
    """

    release: str
    """Its name."""
    namespace: str
    """Where it is."""
    revision: int
    """Its number, from 1."""
    status: ReleaseStatus
    """What became of it."""
    bundle: BundleReference
    """Which bundle it was made from: name, version, digest, origin."""
    updated: datetime
    """When its status changed last, in UTC."""
    created: datetime
    """When it was recorded, in UTC."""
    description: str = ""
    """Why it was made, or why it failed, in a line."""
    user: str = ""
    """As whom its maker spoke to the cluster."""
    objects: int = 0
    """How many objects it owns."""
    is_waited: bool = True
    """False: deployed, not waited."""
    finished_jobs: tuple[str, ...] = ()
    """Marks of the Jobs that finished while this revision was made, as ``planning.jobs`` writes them."""
    protection: Protection | None = None
    """Whether the release is protected; None: it never was."""
    rollout: Rollout | None = None
    """How far its upgrade in steps has come; None where none is open."""
    inputs: str = ""
    """Digest of what it was made from, as the program says that keeps the release; empty where a person made it, and
    for a rollback."""
    corrected: int = 0
    """How often drift was put back since it was deployed."""
    resource_version: str = ""
    """Of the head; an update of the head is refused when it moved."""
    uid: str = ""
    """``metadata.uid`` of its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One revision in the trail of who changed what.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     for reason in ("the first one", "again"):
        ...         request = ReleaseRequest(bundle="webapp", release=reason.split()[0], reason=reason)
        ...         done = session.apply(request)
        ...     trail = session.trail()
        >>> [(entry.summary.release, entry.authorship.reason) for entry in trail]
        [('the', 'the first one'), ('again', 'again')]
    """

    summary: RevisionSummary
    """The revision, and what became of it."""
    authorship: Authorship
    """Who made it, from where, with what and why."""
    rolled_back_to: int = 0
    """Of a rollback: the revision that was restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionInventory:
    """What one revision owns, without manifests: enough to prune and to delete."""

    summary: RevisionSummary
    entries: tuple[InventoryEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventories:
    """What the revisions of one release own, oldest first."""

    revisions: tuple[RevisionInventory, ...]
    unclaimed: tuple[str, ...] = ()
    """Secrets of the record that no head names: a run died before it wrote its head, or someone deleted a head."""
    unlabelled: tuple[int, ...] = ()
    """Revisions whose head is there and lost the labels by which it is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision, complete: the head and everything it names.

    Example:
        >>> from bundler import ReleaseRequest, Session, Values
        >>> with Session.sandbox() as session:
        ...     request = ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"port": 8081}))
        ...     done = session.apply(request)
        ...     revision = session.revision("shop")
        >>> (revision.user_values, len(revision.inventory))
        ({'port': 8081}, 8)
    """

    summary: RevisionSummary
    """What the history shows of it."""
    authorship: Authorship = Authorship()
    """Who made it, from where and why."""
    inventory: tuple[InventoryEntry, ...] = ()
    """The objects that it owns."""
    user_values: Body = field(default_factory=dict)
    """What the user gave: site, files, --set; null deletes."""
    computed_values: Body | None = None
    """What the templates saw, components below their names; None where an older bundler wrote the record."""
    immutable: tuple[Pointer, ...] = ()
    """Places in the computed values of which a schema says that they stay; none where an older bundler wrote it."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Component path -> the component paths that must be ready first."""
    notes: str = ""
    """The bundle's NOTES.md, rendered."""
    rolled_back_to: int = 0
    """For a rollback: the revision whose manifests these are."""
    sensitive: frozenset[str] = frozenset()
    """Sensitive strings found in manifests and values; kept out of everything but their own Secret."""
    evidence: str = ""
    """Why it failed: the report that was printed, redacted, at most 64 KiB."""
    no_rollback_below: str = ""
    """The oldest version of the bundle that a rollback may go to; empty: any."""
    reach: Body = field(default_factory=dict)
    """What the bundle declared, for who reads the record; it permits nothing."""
    readiness: tuple[Body, ...] = ()
    """Readiness rules of the bundle (group, kind, name, ready, failed)."""
    conflict_rules: tuple[Body, ...] = ()
    """The bundle's rules for fields that others set (policy, kind, name, path, manager, source)."""
    gates: tuple[Body, ...] = ()
    """What is asked after each step of an upgrade in steps (name, component, expr or job, objects, source)."""
    backups: tuple[Manifest, ...] = ()
    """What the bundle wants done before a change of this revision loses data; each change gives it a new name."""
    left_to_others: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    """Fields that are left to other managers, by object: later changes do not set them either."""
    accepted_risks: tuple[str, ...] = ()
    """What its definitions were known to break, and its maker accepted, a line each."""
    recreated: tuple[str, ...] = ()
    """Objects that its change deletes to create them again, as ``GROUP/KIND/NAMESPACE/NAME``."""
    skipped_hooks: tuple[str, ...] = ()
    """Hooks that its change did not run because someone said so, a line each."""
    taken: tuple[str, ...] = ()
    """Fields and objects that its change takes from others, a line each: whose they were, and who says so."""

    @property
    def refs(self) -> frozenset[ObjectRef]:
        """The inventory as a set."""
        return frozenset(entry.ref for entry in self.inventory)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The objects of the inventory that are written as they were rendered: all but generated secrets."""
        return tuple(entry.manifest for entry in self.inventory if entry.manifest is not None)

    @property
    def dormant(self) -> frozenset[ObjectRef]:
        """Those of them that are there at certain moments only: hooks and checks."""
        return frozenset(one.ref for one in self.inventory if one.manifest is not None and is_dormant(one.manifest))
