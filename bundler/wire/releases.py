"""Releases, revisions and their state as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from bundler.model.release import AuditEntry
from bundler.wire.objects import ListForm, list_form
from bundler.wire.rollouts import RolloutForm, rollout_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.orders import KeepingOrder
    from bundler.model.release import InventoryEntry, Protection, Revision, RevisionSummary
    from bundler.model.release_state import ObjectStatus, ReleaseState, Standing
    from bundler.model.results import MigratedStorage, UnlockResult


class RecordedBundleForm(TypedDict):
    """Which bundle a revision was made from."""

    name: str
    version: str
    appVersion: str
    digest: str


class ProtectionForm(TypedDict):
    """Whether a release is protected, and who decided that."""

    on: bool
    since: str
    user: str
    reason: str


class ProtectForm(TypedDict):
    """A release that is protected, or no longer is."""

    release: str
    namespace: str
    protection: ProtectionForm


class SummaryForm(TypedDict):
    """A revision of a release."""

    release: str
    namespace: str
    revision: int
    status: str
    waited: bool
    """False: deployed, and not waited for."""
    bundle: RecordedBundleForm
    created: str
    updated: str
    user: str
    objects: int
    """How many objects it owns."""
    description: str
    protection: ProtectionForm | None
    """null: the release was never protected."""
    corrected: int
    """How often drift was put back since it was deployed."""
    rollout: RolloutForm | None
    """null: it is not upgraded in steps, or no longer."""


class KeeperForm(TypedDict):
    """The order that keeps a release."""

    kind: str
    name: str
    generation: int
    """The server counts it up with each change of what the order says."""
    suspended: bool
    """It is not carried out for now, and others may change the release."""


class KeptSummaryForm(SummaryForm):
    """A revision of a release, and what keeps the release."""

    keptBy: KeeperForm | None
    """null: no order keeps it, or it is not known whether one does."""


class AuthorForm(TypedDict):
    """Who made a revision, and from where."""

    user: str
    """As whom they spoke to the cluster."""
    account: str
    """The user of the machine; empty where an older bundler recorded it."""
    host: str
    bundler: str
    """The version of bundler."""
    clusterUid: str


class AuditForm(SummaryForm):
    """One revision in the trail: who made it, when, from where, with what and why."""

    rolledBackTo: int | None
    by: AuthorForm
    command: str
    """The command line; sensitive values are masked."""
    reason: str
    outsideWindow: str
    """Why it was made although the site's deployment windows were closed; empty where they were open."""


class RevisionForm(AuditForm):
    """One revision: who made it, from where, with what and why."""

    origin: str
    """Where the bundle was taken from."""
    evidence: str
    """Why it failed, as it was reported then."""
    recreated: list[str]
    """Objects that its change deletes to create them again."""
    taken: list[str]
    """Fields and objects that its change takes from others, with whose they were and who says so."""
    skippedHooks: list[str]
    """Hooks that its change did not run because someone said so."""
    acceptedRisks: list[str]
    """What its CRDs were known to break, and `--accept-crd-risk` accepted."""


class EvidenceForm(SummaryForm):
    """One revision, and why it failed."""

    evidence: str


class StandingForm(EvidenceForm):
    """Why a release is as it is: the revision that runs, or the newest where no revision is deployed."""

    beside: EvidenceForm | None
    """A newer revision that did not come to its end, or the failed one that this one, a rollback, undid."""


class ObjectForm(TypedDict):
    """How one object of a release is."""

    object: str
    component: str
    health: Literal["Current", "InProgress", "Failed", "Terminating", "NotFound", "Unknown"]
    message: str
    warning: str
    """Empty, or what is worth a look although the object counts as ready."""
    ready: int | None
    wanted: int | None
    """How many of what it counts should be ready; null where it counts nothing."""


class StateForm(SummaryForm):
    """A release, the health of its objects, and its notes."""

    deployedRevision: int | None
    wentBackFrom: EvidenceForm | None
    """The failed revision that the newest one, a rollback, undid, and why it failed."""
    ready: bool
    keptBy: KeeperForm | None
    """null: no order keeps the release, or it is not known whether one does."""
    objectStatus: list[ObjectForm]
    notes: str


class NotesForm(TypedDict):
    """The notes of a revision."""

    notes: str


class EntryForm(TypedDict):
    """An object that a revision set out to own."""

    object: str
    apiVersion: str
    stage: str
    component: str
    source: str
    """The template line."""
    generated: bool
    """bundler made its text."""


class MigrateStorageForm(TypedDict):
    """In which version the objects of a custom kind are stored."""

    definition: str
    """Name of the CustomResourceDefinition."""
    storage: str
    before: list[str]
    """The versions in which objects may have been stored until now."""
    objects: int
    """How many were written again."""
    outsideWindow: str
    """Why this was done although the site's deployment windows were closed; empty where they were open."""


class UnlockForm(TypedDict):
    """What became of a lock."""

    release: str
    broken: bool
    holder: str
    """Who held it; empty where it was free."""


def summary_form(summary: RevisionSummary) -> SummaryForm:
    """Return a revision's summary."""
    return {
        "release": summary.release,
        "namespace": summary.namespace,
        "revision": summary.revision,
        "status": summary.status.value,
        "waited": summary.is_waited,
        "bundle": {
            "name": summary.bundle.name,
            "version": summary.bundle.version,
            "appVersion": summary.bundle.app_version,
            "digest": summary.bundle.digest,
        },
        "created": summary.created.isoformat(),
        "updated": summary.updated.isoformat(),
        "user": summary.user,
        "objects": summary.objects,
        "description": summary.description,
        "protection": protection_form(summary.protection) if summary.protection else None,
        "corrected": summary.corrected,
        "rollout": rollout_form(summary.rollout) if summary.rollout else None,
    }


def protection_form(protection: Protection) -> ProtectionForm:
    """Return whether a release is protected, since when, by whom and why."""
    return {
        "on": protection.is_on,
        "since": protection.since.isoformat(),
        "user": protection.user,
        "reason": protection.reason,
    }


def protect_form(release: str, namespace: str, protection: Protection) -> ProtectForm:
    """Return a release and its protection.

    Args:
        release: its name.
        namespace: where it is.
        protection: as it is recorded.
    """
    return {"release": release, "namespace": namespace, "protection": protection_form(protection)}


def kept_forms(summaries: Iterable[RevisionSummary], orders: Iterable[KeepingOrder]) -> list[KeptSummaryForm]:
    """Return summaries of revisions, each with what keeps its release.

    Args:
        summaries: of any releases.
        orders: that keep some of them.
    """
    found = {(order.ref.namespace, order.ref.name): order for order in orders}
    return [{**summary_form(one), "keptBy": keeper_form(found.get((one.namespace, one.release)))} for one in summaries]


def keeper_form(order: KeepingOrder | None) -> KeeperForm | None:
    """Return the order that keeps a release; None where none does."""
    if order is None:
        return None
    return {
        "kind": order.ref.kind,
        "name": order.ref.name,
        "generation": order.mark.generation,
        "suspended": order.is_suspended,
    }


def revision_form(revision: Revision) -> RevisionForm:
    """Return who made a revision, from where, with what and why."""
    entry = AuditEntry(summary=revision.summary, authorship=revision.authorship, rolled_back_to=revision.rolled_back_to)
    return {
        **audit_form(entry),
        "origin": revision.summary.bundle.origin,
        "evidence": revision.evidence,
        "recreated": list(revision.recreated),
        "taken": list(revision.taken),
        "skippedHooks": list(revision.skipped_hooks),
        "acceptedRisks": list(revision.accepted_risks),
    }


def audit_forms(entries: Iterable[AuditEntry]) -> list[AuditForm]:
    """Return the trail."""
    return [audit_form(entry) for entry in entries]


def audit_form(entry: AuditEntry) -> AuditForm:
    """Return one revision of the trail."""
    by = entry.authorship
    return {
        **summary_form(entry.summary),
        "rolledBackTo": entry.rolled_back_to or None,
        "by": {
            "user": by.user,
            "account": by.account,
            "host": by.host,
            "bundler": by.tool_version,
            "clusterUid": by.cluster_uid,
        },
        "command": by.command,
        "reason": by.reason,
        "outsideWindow": by.outside_window,
    }


def evidence_form(revision: Revision) -> EvidenceForm:
    """Return why a revision failed."""
    return {**summary_form(revision.summary), "evidence": revision.evidence}


def standing_form(standing: Standing) -> StandingForm:
    """Return why a release is as it is."""
    return {
        **evidence_form(standing.running),
        "beside": evidence_form(standing.beside) if standing.beside else None,
    }


def state_form(state: ReleaseState) -> StateForm:
    """Return a release, the health of its objects, and its notes."""
    return {
        **summary_form(state.revision.summary),
        "deployedRevision": state.deployed.revision if state.deployed else None,
        "wentBackFrom": evidence_form(state.went_back_from) if state.went_back_from else None,
        "ready": state.is_ready,
        "keptBy": keeper_form(state.order),
        "objectStatus": [_object_form(one) for one in state.objects],
        "notes": state.revision.notes,
    }


def _object_form(one: ObjectStatus) -> ObjectForm:
    return {
        "object": str(one.entry.ref),
        "component": one.entry.component,
        "health": one.health.status.value,
        "message": one.health.message,
        "warning": one.health.warning,
        "ready": one.health.ready,
        "wanted": one.health.wanted,
    }


def manifest_form(revision: Revision) -> ListForm:
    """Return the objects of a revision as they were sent."""
    return list_form([manifest.body for manifest in revision.manifests])


def notes_form(revision: Revision) -> NotesForm:
    """Return the notes of a revision."""
    return {"notes": revision.notes}


def entry_forms(revision: Revision) -> list[EntryForm]:
    """Return what a revision set out to own, in the order in which it was written."""
    return [_entry_form(entry) for entry in revision.inventory]


def _entry_form(entry: InventoryEntry) -> EntryForm:
    return {
        "object": str(entry.ref),
        "apiVersion": entry.api_version,
        "stage": entry.stage.name.lower(),
        "component": entry.component,
        "source": entry.source,
        "generated": entry.is_generated,
    }


def migrated_form(result: MigratedStorage) -> MigrateStorageForm:
    """Return in which version the objects of a kind are stored."""
    return {
        "definition": result.definition,
        "storage": result.storage,
        "before": list(result.before),
        "objects": result.objects,
        "outsideWindow": result.outside_window,
    }


def unlock_form(release: str, result: UnlockResult) -> UnlockForm:
    """Return what became of a lock."""
    holder = result.state.holder.identity if result.state else ""
    return {"release": release, "broken": result.is_broken, "holder": holder}
