"""What was wanted and what was seen: the inputs of the planner. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from bundler.model.bundle import Reach, RecreateRule
from bundler.model.conflicts import ConflictPolicy, OnConflict
from bundler.model.json import Body
from bundler.model.lean import dataclass, field
from bundler.model.manifest import GeneratedSecret, Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.jobs import job_mark

if TYPE_CHECKING:
    from bundler.model.change import DefinitionRisk, FieldConflict, GrownClaim, KeptObject
    from bundler.model.cluster import Answer
    from bundler.model.release import InventoryEntry
    from bundler.model.rollout import Rollout
    from bundler.planning.hooks import HookRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a release shall be. Uninstall wants nothing."""

    release: str
    namespace: str
    uid: str
    manifests: tuple[Manifest, ...] = ()
    """Normalised and stamped."""
    generated: tuple[GeneratedSecret, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    owned: Mapping[ObjectRef, InventoryEntry] = field(default_factory=dict)
    """The union of the inventories of all retained revisions, interrupted ones included."""
    unsearched: tuple[str, ...] = ()
    """Kinds that could not be searched for what damaged records named: what there is of them stays."""
    recorded: Mapping[ObjectRef, Manifest] = field(default_factory=dict)
    """What the deployed revision wrote."""
    finished_jobs: frozenset[ObjectRef] = frozenset()
    """Jobs that have run, gone or not: those of the deployed revision, and what others have finished since."""
    sensitive: frozenset[str] = frozenset()
    """What must be in no plan."""
    job_runs: Mapping[ObjectRef, int] = field(default_factory=dict)
    """Jobs that have run for an earlier revision, and which one; what is wanted of them runs again."""
    backups: tuple[Manifest, ...] = ()
    """What is done before data is lost, where any is; under the names that it has in this run."""
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over: ``KIND/NAME``, with ``*`` for any characters."""
    conflicts: ConflictPolicy = ConflictPolicy()
    """What is done about fields that others set."""
    left_to_others: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    """Fields that earlier changes left to other managers."""
    hook_run: HookRun | None = None
    """The run whose hooks are among the manifests; None where it runs none."""
    hooks: frozenset[ObjectRef] = frozenset()
    """Objects of hooks among the manifests."""
    skipped_hooks: tuple[KeptObject, ...] = ()
    """Those that would be, and are not because no hooks run."""
    dormant: frozenset[ObjectRef] = frozenset()
    """Hooks of other moments, and checks: they may be there, and stay as they are."""
    recreates: tuple[RecreateRule, ...] = ()
    """Objects that may be deleted and created again, where they cannot be changed."""
    begun_recreating: Mapping[ObjectRef, int] = field(default_factory=dict)
    """Objects that a run which did not end well was to recreate, and its revision: it may have deleted them."""
    is_removal: bool = False
    deletes_definitions: bool = False
    """Of a removal: definitions go too, where no object of their kinds is left and no other release uses them."""
    used_elsewhere: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Definitions that stay then, since other releases record them too: who uses each."""
    rollout: Rollout | None = None
    """It is rolled out in steps, and this is where it is; None for every other change."""
    is_rollback: bool = False
    """It was read from a record, which declares no reach: what is live counts."""
    goes_back_to: int = 0
    """The older revision that it is; definitions and claims stay as they are. 0: nothing was written since."""

    def mark_of(self, job: ObjectRef) -> str:
        """Return the short text by which a record remembers that a Job has finished."""
        return self.hook_run.mark(job) if self.hook_run and job in self.hooks else job_mark(job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of the cluster, at one moment."""

    live: Mapping[ObjectRef, Body]
    """Objects that carry the release's uid, and those of its records that someone took the label off."""
    autoscaled: Mapping[ObjectRef, int] = field(default_factory=dict)
    """Workloads that autoscalers drive, and their lower bounds; live and wanted autoscalers alike."""
    newly_autoscaled: frozenset[ObjectRef] = frozenset()
    """Those of them that no live autoscaler drives yet."""
    quotas: tuple[tuple[ObjectRef, Body], ...] = ()
    strangers: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    """Workloads that go in steps and whose live pod template is not that of the deployed revision: how it differs."""
    neighbours: Mapping[ObjectRef, Body] = field(default_factory=dict)
    """Deployments in the namespaces of what goes in steps, those of others too; none where nothing does."""
    missing_namespaces: frozenset[str] = frozenset()
    left_namespaces: frozenset[str] = frozenset()
    """Namespaces that were made for the release, and in which it wants nothing any more."""
    shared: frozenset[ObjectRef] = frozenset()
    """Definitions that another release looks after, and this one uses too."""
    foreign: Mapping[ObjectRef, Body] = field(default_factory=dict)
    """Objects in the way that do not carry the release's uid."""
    unused: frozenset[ObjectRef] = frozenset()
    """Definitions that may be deleted: all objects of their kinds go in the same removal."""
    unserved: frozenset[tuple[str, str]] = frozenset()
    """Group and kind of what is recorded or wanted, and is not served in any version."""
    risks: Mapping[ObjectRef, DefinitionRisk] = field(default_factory=dict)
    """Definitions that take less than they do now, and what that breaks."""
    stuck_pods: Mapping[ObjectRef, Body] = field(default_factory=dict)
    """Where a rollout is aborted: new pods of StatefulSets that are not ready, behind which nothing would move."""
    newer: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Definitions of which the cluster has a newer version, which stays: what is said of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One wanted object beside the live one, before the server was asked."""

    manifest: Manifest
    live: Body | None
    is_autoscaled: bool
    settled: str | None
    """Why nothing has to be asked: ``unchanged``, or that a Job has run; None: ask."""
    rendered: Manifest
    """The manifest with what is left to others: what is created where there is no object to change."""
    left: tuple[str, ...] = ()
    """Fields that earlier changes left to others."""
    kept: str = ""
    """What a rollback leaves of it as it is live, which ``rendered`` has: what is said of that."""


class RefusalKind(StrEnum):
    """Why the server did not accept a dry-run."""

    REJECTED = "rejected"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    UNSERVED = "unserved"
    """No server knows its kind in this version, and this plan does not change that."""
    UNJUDGED = "unjudged"
    """A webhook of the release judges it, and nothing answers that before the plan is carried out."""
    UNVERIFIABLE = "unverifiable"
    """What it needs (namespace, CRD, Role) is made by the same plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The server's no to a dry-run."""

    kind: RefusalKind
    lines: tuple[str, ...]
    """The server's reasons, a line each."""
    is_leaving: bool = False
    """The namespace is being deleted."""
    is_about_claims: bool = False
    """It is a StatefulSet whose claims cannot have the size of their template."""
    conflicts: tuple[tuple[str, str], ...] = ()
    """(path, manager) pairs of a field conflict."""
    forced: Answer | None = None
    """What the server would make of the object where a field conflict was settled for the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recreation:
    """An object that is deleted and created again, since it cannot be changed."""

    manifest: Manifest
    """What is created."""
    answer: Answer | None
    """What the server makes of it; None where it cannot be asked."""
    reason: str
    decided: tuple[FieldConflict, ...] = ()
    claims: tuple[GrownClaim, ...] = ()
    """Of a StatefulSet: those that are smaller than what is wanted; none where an earlier run got that far."""
    keeps_pods: bool = False
    adopted_from: str = ""
    """As of a :class:`Settlement`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The server's answer where fields that others own are taken from them or left to them, as the policy says."""

    answer: Answer
    manifest: Manifest
    """Without what is left to others."""
    decided: tuple[FieldConflict, ...] = ()
    adopted_from: str = ""
    """Whose the object was until now, in words; empty where it is the release's own."""

    @property
    def is_forced(self) -> bool:
        """Return whether a field is taken from its owner."""
        return any(one.policy is OnConflict.TAKE for one in self.decided)


Outcome: TypeAlias = "Answer | Refusal | Recreation | Settlement"
