"""Plans as they are shown, and what became of a change, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from bundler.model.change import Action
from bundler.model.conflicts import OnConflict
from bundler.planning.diff import json_patch, shown_sides
from bundler.planning.planned_steps import planned_steps
from bundler.planning.safety import lost_with
from bundler.wire.causes import CauseForm, ChangedValueForm, cause_form, changed_value_form
from bundler.wire.planned_steps import PlannedStepsForm, planned_steps_form
from bundler.wire.rollouts import RolloutForm, rollout_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler.model.change import Change, DefinitionRisk, FieldConflict, GrownClaim, KeptObject, Plan, ReachNote
    from bundler.model.outcome import Outcome
    from bundler.planning.diff import Operation


class ConflictForm(TypedDict):
    """A field that another manager set differently; values as they are shown."""

    field: str
    """As the API server writes it: `.spec.replicas`."""
    bundle: str
    """What the bundle wants."""
    live: str
    manager: str
    since: str
    """When the manager last wrote the object; empty where that is not known."""


class DecisionForm(ConflictForm):
    """A field that another manager set differently, and what is done about it."""

    policy: Literal["take", "keep"]
    """Its owner loses it, or the live value stays."""
    decidedBy: str
    """A line of the site file or of bundle.yaml, or `--on-conflict`."""


class GrownClaimForm(TypedDict):
    """A volume claim that becomes larger before its StatefulSet is created again."""

    object: str
    before: str
    after: str


class DefinitionRiskForm(TypedDict):
    """What a CustomResourceDefinition narrows for the objects of its kind."""

    narrowed: list[str]
    """What it takes less of than the live one."""
    broken: list[str]
    """Live objects that would no longer fit, and why."""
    blocked: list[str]
    """What the API server refuses, whatever is accepted."""
    checked: int
    """How many live objects were checked."""


class ChangeForm(TypedDict):
    """What is done to one object."""

    object: str
    """Group, kind, namespace and name: `apps/Deployment/shop/web`; the core group is `core`, no namespace is `-`."""
    action: Literal["create", "update", "recreate", "delete", "none"]
    """Unchanged objects (`none`) are left out of lists."""
    component: str
    """Path of the component; empty for the bundle itself."""
    reason: str
    verified: bool
    """False while the server cannot check it yet."""
    conflicts: list[ConflictForm]
    """What stops the change."""
    decided: NotRequired[list[DecisionForm]]
    """Fields of others that are taken over, or left as they are."""
    adoptedFrom: NotRequired[str]
    """Whose the object was that the release takes over."""
    because: NotRequired[list[CauseForm]]
    """Which values, or what else, make its fields change."""
    hook: NotRequired[str]
    """Of an object of a hook: the point of the change at which it is written, like `before-upgrade`."""
    patchedBy: NotRequired[list[str]]
    """File and line of each patch that changed what the template printed."""
    grownClaims: NotRequired[list[GrownClaimForm]]
    definitionRisk: NotRequired[DefinitionRiskForm]
    lost: NotRequired[list[str]]
    """What goes with an object that is recreated."""


class KeptForm(TypedDict):
    """An object that stays, and why."""

    object: str
    reason: str


class ReachForm(TypedDict):
    """One way in which a plan leaves its namespace or grants power."""

    kind: str
    """`cluster-scoped`, `namespace`, or the name of a grant."""
    subject: str
    declared: bool
    """The bundle declares it."""
    source: str
    """The template line of the object."""
    live: NotRequired[bool]
    """Of a rollback: the live object has it now."""


class BesideChangesForm(TypedDict):
    """What is said of a plan beside its changes."""

    kept: list[KeptForm]
    gone: NotRequired[list[KeptForm]]
    """Recorded objects of kinds that the cluster serves no more."""
    skippedHooks: NotRequired[list[KeptForm]]
    """Hooks that do not run, and why."""
    reach: list[ReachForm]
    changedValues: NotRequired[list[ChangedValueForm]]
    """The values that make objects change, each with those that it is computed from."""
    inSteps: NotRequired[PlannedStepsForm]
    """Of an upgrade in steps."""


class PlanForm(BesideChangesForm):
    """What a plan does; unchanged objects are left out."""

    changes: list[ChangeForm]


class PatchedForm(ChangeForm):
    """What would be done to one object, and how that changes it."""

    patch: list[Operation]
    """From what is live to what would be; secret values are masked."""


class DifferenceForm(BesideChangesForm):
    """What a change would do."""

    changes: list[PatchedForm]


class BundleForm(TypedDict):
    """Which bundle."""

    name: str
    version: str
    digest: str


class OutcomeForm(PlanForm):
    """What became of a change."""

    release: str
    namespace: str
    revision: int
    status: str
    changed: bool
    """A new revision was recorded."""
    bundle: BundleForm
    notes: str
    warnings: list[str]
    seconds: float
    rollout: RolloutForm | None
    """Where an upgrade in steps waits; null where none is open."""


class RemovalForm(PlanForm):
    """What became of an uninstall."""

    release: str
    namespace: str
    status: Literal["uninstalled"]
    warnings: list[str]


class AbsenceForm(TypedDict):
    """There was nothing to uninstall."""

    release: str
    status: Literal["not-found"]


def plan_form(plan: Plan) -> PlanForm:
    """Return what a plan does; unchanged objects are left out."""
    changes = [change_form(change) for change in plan.changes if change.action is not Action.NONE]
    return {"changes": changes, **_beside_changes(plan)}


def _beside_changes(plan: Plan) -> BesideChangesForm:
    form: BesideChangesForm = {"kept": kept_forms(plan.kept), "reach": [reach_form(note) for note in plan.reach]}
    if plan.gone:
        form["gone"] = kept_forms(plan.gone)
    if plan.skipped_hooks:
        form["skippedHooks"] = kept_forms(plan.skipped_hooks)
    if plan.values:
        form["changedValues"] = [changed_value_form(value) for value in plan.values]
    if steps := planned_steps(plan.steps):
        form["inSteps"] = planned_steps_form(steps)
    return form


def change_form(change: Change) -> ChangeForm:
    """Return one change."""
    form: ChangeForm = {
        "object": str(change.ref),
        "action": change.action.value,
        "component": change.component,
        "reason": change.reason,
        "verified": change.is_verified,
        "conflicts": [_conflict_form(conflict) for conflict in change.conflicts],
    }
    if change.causes:
        form["because"] = [cause_form(cause) for cause in change.causes]
    if change.desired is not None and change.desired.patched_by:
        form["patchedBy"] = [str(source) for source in change.desired.patched_by]
    if change.hook is not None:
        form["hook"] = str(change.hook)
    if change.adopted_from:
        form["adoptedFrom"] = change.adopted_from
    if change.decided:
        form["decided"] = [_decision_form(one) for one in change.decided]
    if change.grown_claims:
        form["grownClaims"] = [_claim_form(one) for one in change.grown_claims]
    if change.definition_risk is not None:
        form["definitionRisk"] = _risk_form(change.definition_risk)
    if lost := list(lost_with(change)):
        form["lost"] = lost
    return form


def _risk_form(risk: DefinitionRisk) -> DefinitionRiskForm:
    return {
        "narrowed": list(risk.narrowed),
        "broken": list(risk.broken),
        "blocked": list(risk.blocked),
        "checked": risk.checked,
    }


def _conflict_form(one: FieldConflict) -> ConflictForm:
    return {"field": one.field, "bundle": one.wanted, "live": one.live, "manager": one.manager, "since": one.since}


def _decision_form(one: FieldConflict) -> DecisionForm:
    policy: Literal["take", "keep"] = "take" if one.policy is OnConflict.TAKE else "keep"
    return {**_conflict_form(one), "policy": policy, "decidedBy": one.decided_by}


def _claim_form(claim: GrownClaim) -> GrownClaimForm:
    return {"object": str(claim.ref), "before": claim.before, "after": claim.after}


def kept_forms(objects: Iterable[KeptObject]) -> list[KeptForm]:
    """Return the objects that a plan leaves alone, and why: those that stay, those that are gone, and hooks."""
    return [{"object": str(one.ref), "reason": one.reason} for one in objects]


def reach_form(note: ReachNote) -> ReachForm:
    """Return one way in which a plan leaves its namespace or grants power."""
    form: ReachForm = {
        "kind": note.kind,
        "subject": note.subject,
        "declared": note.is_declared,
        "source": note.source,
    }
    return form if note.is_live is None else {**form, "live": note.is_live}


def difference_form(plan: Plan, *, shows_secrets: bool = False, is_full: bool = False) -> DifferenceForm:
    """Return what a plan would change, with a JSON patch for each object.

    Args:
        plan: what would be done.
        shows_secrets: leave the values of Secrets in plain text.
        is_full: keep bundler's own stamps.
    """
    changes = [change for change in plan.changes if change.action is not Action.NONE]
    patched = [patched_form(change, shows_secrets=shows_secrets, is_full=is_full) for change in changes]
    return {"changes": patched, **_beside_changes(plan)}


def patched_form(change: Change, *, shows_secrets: bool, is_full: bool) -> PatchedForm:
    """Return one change, with a JSON patch from what is there to what would be.

    Args:
        change: of a plan or a comparison.
        shows_secrets: leave the values of Secrets in plain text.
        is_full: keep bundler's own stamps.
    """
    before, after = shown_sides(change, shows_secrets=shows_secrets, is_full=is_full)
    return {**change_form(change), "patch": json_patch(before, after)}


def outcome_form(result: Outcome, *, warnings: Sequence[str], took_s: float) -> OutcomeForm:
    """Return what became of an install, an upgrade or a rollback.

    Args:
        result: of the change.
        warnings: to show with it.
        took_s: seconds that the run took.
    """
    summary = result.revision.summary if result.revision else result.newest or result.wanted
    return {
        "release": result.wanted.release,
        "namespace": result.wanted.namespace,
        "revision": summary.revision,
        "status": summary.status.value,
        "changed": result.revision is not None,
        "bundle": {"name": summary.bundle.name, "version": summary.bundle.version, "digest": summary.bundle.digest},
        **plan_form(result.plan),
        "notes": result.revision.notes if result.revision else "",
        "warnings": list(warnings),
        "seconds": round(took_s, 1),
        "rollout": rollout_form(summary.rollout) if summary.rollout else None,
    }


def removal_form(namespace: str, release: str, plan: Plan, *, warnings: Sequence[str]) -> RemovalForm:
    """Return what became of an uninstall.

    Args:
        namespace: of the release.
        release: its name.
        plan: that was carried out or declined.
        warnings: to show with it.
    """
    return {
        "release": release,
        "namespace": namespace,
        "status": "uninstalled",
        **plan_form(plan),
        "warnings": list(warnings),
    }


def absence_form(release: str) -> AbsenceForm:
    """Say that there was nothing to uninstall."""
    return {"release": release, "status": "not-found"}
