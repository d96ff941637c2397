"""Planned changes. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass, field
from bundler.model.reach import EXPOSURES

if TYPE_CHECKING:
    from bundler.model.causes import Cause, ChangedValue
    from bundler.model.hooks import HookPoint
    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret, Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.steps import Step


class Action(StrEnum):
    """What will be done to one object.

    Example:
        >>> from bundler import Action
        >>> [str(action) for action in Action]
        ['create', 'update', 'recreate', 'delete', 'none']
    """

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    DELETE = "delete"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldConflict:
    """One field that another manager set, and that the bundle wants differently; values as they are shown."""

    field: str
    """As the API server writes it: ``.spec.replicas``."""
    manager: str
    since: str
    """When the manager last wrote the object; empty where that is not known."""
    wanted: str
    live: str
    policy: OnConflict = OnConflict.FAIL
    """What is done about it."""
    decided_by: str = ""
    """Who says so: a line of the site file or of bundle.yaml, or ``--on-conflict``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One planned change; ``desired`` is the only thing ever sent, ``after`` is for showing.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     plan = session.plan(ReleaseRequest(bundle="webapp", release="shop")).plan
        >>> [change.ref.short for change in plan.changes if change.ref.kind == "Deployment"]
        ['Deployment/shop']
    """

    ref: ObjectRef
    """The object."""
    action: Action
    """What will be done to it."""
    component: str = ""
    """Path of the component it belongs to, like ``web`` or ``web/cache``; empty for the bundle's own."""
    desired: Manifest | None = None
    """With the planner's stamps; None for deletes and generated secrets."""
    generated: tuple[GeneratedSecret, ...] = ()
    """Set instead of ``desired`` for a Secret that bundler makes: one for each of its keys."""
    before: Body | None = None
    """The live object."""
    after: Body | None = None
    """The server's dry-run answer; None where nothing was asked."""
    live_uid: str = ""
    """``metadata.uid`` of the live object; empty where there is none."""
    is_verified: bool = True
    """False while the server cannot check it yet."""
    is_judged: bool = False
    """Of a custom resource: a webhook of its own component judges it, now or once that is written."""
    awaits_webhook: bool = False
    """A webhook of the same release judges it, and nothing answers that now."""
    is_autoscaled: bool = False
    """``spec.replicas`` follows the live value."""
    hook: HookPoint | None = None
    """Of an object of a hook: at which point of the change it is written."""
    reason: str = ""
    """Why, in a few words; empty where the difference says it."""
    warnings: tuple[str, ...] = ()
    """What the API server warned of, a sentence each."""
    conflicts: tuple[FieldConflict, ...] = ()
    """What others set and the bundle wants differently; ``after`` is then what the bundle's values would make of it."""
    decided: tuple[FieldConflict, ...] = ()
    """Fields that others set and that are taken from them, or left to them (and then not in ``desired``)."""
    adopted_from: str = ""
    """Of an object that the release takes over: whose it was, in words."""
    restored_as: Manifest | None = None
    """Of an object that came back from a backup: what the release had written, whose fields are taken back first."""
    grown_claims: tuple[GrownClaim, ...] = ()
    """Volume claims that become larger first, where a StatefulSet is made again for that."""
    definition_risk: DefinitionRisk | None = None
    """Of a CustomResourceDefinition that takes less than the live one: what that means for its objects."""
    keeps_pods: bool = False
    """Of a StatefulSet that is recreated: it is deleted alone, and the new one takes up its pods."""
    causes: tuple[Cause, ...] = ()
    """Which values, or what else, make its fields change; none where the release is new."""
    left: tuple[tuple[str, str], ...] = ()
    """Of an object that is created again: fields that are left to others, and to whom."""

    @property
    def is_anew(self) -> bool:
        """Return whether an object of that name is there, and gone before this one is created."""
        return self.action is Action.RECREATE or (self.action is Action.CREATE and self.before is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionRisk:
    """What a new CustomResourceDefinition narrows for the objects of its kind; no value of an object is named."""

    narrowed: tuple[str, ...] = ()
    """What it takes less of than the live one, a line each."""
    broken: tuple[str, ...] = ()
    """Live objects that fit now and would not any more, and why, a line each."""
    blocked: tuple[str, ...] = ()
    """What the API server refuses whatever is accepted: a version that is stored, another scope."""
    checked: int = 0
    """How many live objects were checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownClaim:
    """A volume claim that becomes larger before its StatefulSet is made again."""

    ref: ObjectRef
    before: str
    after: str
    body: Body
    """What is applied to it."""


@dataclass(frozen=True, slots=True, order=True)
class KeptObject:
    """An object that prune, a rollback or an uninstall leaves as it is, and why."""

    ref: ObjectRef
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class ReachNote:
    """One thing that a plan does outside the release's namespace, or a danger it grants."""

    kind: str
    """``cluster-scoped``, ``namespace``, or a name of :data:`bundler.model.reach.GRANTS`."""
    subject: str
    """The object, and what it asks for."""
    is_declared: bool
    source: str = ""
    """The template line of the object."""
    is_live: bool | None = None
    """Of a rollback: whether the live object has it now; None where the bundle's declaration counts."""
    place: str = field(default="", compare=False)
    """What bundle.yaml declares of an object outside: its kind, or its namespace. Empty for grants, and in a plan that
    was read from JSON."""

    @property
    def short(self) -> str:
        """The object alone: ``ClusterRole/web``."""
        return self.subject.partition(" in " if self.kind == "namespace" else ": ")[0]

    @property
    def is_undeclared(self) -> bool:
        """Return whether the bundle had to declare it, and did not."""
        return not self.is_declared and self.kind not in EXPOSURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will be done, in order; all but ``changes`` and ``values`` is data that can be read again.

    Example:
        >>> from bundler import Action, ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     plan = session.plan(ReleaseRequest(bundle="webapp", release="shop")).plan
        >>> (plan.count(Action.CREATE), plan.is_empty, plan.has_conflicts)
        (8, False, False)
    """

    changes: tuple[Change, ...] = field(default=(), compare=False)
    """What differs, with the objects as they are and as they will be: to show, and to send."""
    values: tuple[ChangedValue, ...] = field(default=(), compare=False)
    """The values that make changes change, each with those that it is computed from; to show."""
    steps: tuple[Step, ...] = ()
    """What is done, each step after those it needs."""
    kept: tuple[KeptObject, ...] = ()
    """Objects that stay although they are no longer wanted, or that a rollback leaves as they are."""
    gone: tuple[KeptObject, ...] = ()
    """Recorded objects of kinds that the cluster serves no more: nothing is done about them."""
    skipped_hooks: tuple[KeptObject, ...] = ()
    """Objects of hooks that would be written, and are not because no hooks run; when each would."""
    reach: tuple[ReachNote, ...] = ()
    """What it does outside of the release's namespace, and which powers it grants."""
    is_removal: bool = False
    """Uninstall: everything goes."""

    def count(self, action: Action) -> int:
        """Return how many changes do ``action``, those of hooks among them."""
        return sum(change.action is action for change in self.changes)

    @property
    def hooks_written(self) -> int:
        """Return how many objects of hooks are written; none of them counts as an object of the release."""
        return sum(change.hook is not None and change.action is not Action.NONE for change in self.changes)

    @property
    def backups_written(self) -> int:
        """Return how many backups are made; none of them counts as an object of the release."""
        return sum(change.desired is not None and change.desired.is_backup for change in self.changes)

    @property
    def has_conflicts(self) -> bool:
        """Return whether anyone else set a field that the bundle wants differently; such a plan is not carried out."""
        return any(change.conflicts for change in self.changes)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing would be written but what hooks are; they alone are no reason for a change."""
        return all(change.action is Action.NONE or change.hook is not None for change in self.changes)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing at all would be written, and no hook run."""
        return self.is_empty and not self.hooks_written
