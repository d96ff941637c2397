"""A plan that is kept: reviewed, signed, and carried out later or refused. Layer: model, pure.

What it holds is what a reader must know, and what tells that nothing moved since: no secret is in it, only a salted
digest of each sensitive value.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass, field
from bundler.model.release import BundleReference

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.causes import Cause, ChangedValue
    from bundler.model.change import Action, Plan
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import RolloutRequest


class PlannedVerb(StrEnum):
    """What a saved plan does to its release."""

    INSTALL = "install"
    """Or upgrade, where the release is there."""
    ROLLBACK = "rollback"
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFact:
    """One live object as it was when the plan was made."""

    uid: str
    version: str
    """Its resourceVersion: where that is the same, nothing moved."""
    digest: str
    """sha256 of everything but its status and the server's bookkeeping; empty for a Secret."""
    writers: str = field(default="", compare=False)
    """Who wrote it since, for messages; kept in no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRevision:
    """The newest revision of the release when the plan was made."""

    revision: int = 0
    """0: there was none."""
    uid: str = ""
    """``metadata.uid`` of its record."""
    said: str = field(default="", compare=False)
    """What is said of it: ``deployed, shop 1.4.0``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedValues:
    """The user's values, sensitive ones masked."""

    recorded: Body | None = None
    """Of the revision that the plan starts from; None where there is none."""
    new: Body = field(default_factory=dict)
    """What the new revision records."""
    sensitive: Mapping[str, str] = field(default_factory=dict)
    """Pointer into ``new`` -> salted digest of what is there."""
    salt: str = ""
    """Hex digits, random in each plan."""
    changes: tuple[str, ...] = ()
    """What differs between the two, a line each."""
    start: str = ""
    """Where the values started: ``what revision 3 recorded``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What must be the same when the plan is carried out."""

    plan: Plan
    """Its steps; bodies are left out."""
    server: str = ""
    """Address of the API server; it tells clusters apart where the uid of one of them may not be read."""
    cluster_uid: str = ""
    """Of kube-system; empty where it may not be read."""
    base: BaseRevision = BaseRevision()
    bundle: BundleReference = BundleReference(name="", version="")
    """The bundle of the revision to be; empty for an uninstall."""
    live: Mapping[ObjectRef, LiveFact] = field(default_factory=dict)
    """Live objects that the plan writes, deletes, or leaves as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRequest:
    """What was asked for, as far as carrying it out needs it."""

    verb: PlannedVerb
    release: str
    namespace: str
    bundle: str = ""
    """The bundle as it was named: a path, a name, an ``oci://`` address."""
    revision: int = 0
    """Of a rollback: where it goes back to."""
    kube_version: str = ""
    accepts: tuple[str, ...] = ()
    """What is meant although it is refused by default: ``downgrade``, ``losses`` …"""
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over."""
    recreates: tuple[str, ...] = ()
    """Objects that are deleted and created again where they cannot be changed."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set."""
    rollback_s: float = 0.0
    keeps_history: bool = False
    skips_hooks: bool = False
    """Of a rollback or an uninstall: no hooks are run."""
    skips_preflight: bool = False
    reason: str = ""
    site: str = ""
    """Path of the site file; empty: none."""
    site_digest: str = ""
    rollout: RolloutRequest | None = None
    """How an upgrade in steps was asked for; None: it has none, or the bundle's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChange:
    """What is done to one object, as it is shown."""

    ref: ObjectRef
    action: Action
    component: str = ""
    reason: str = ""
    is_verified: bool = True
    notes: tuple[tuple[str, str], ...] = ()
    """Fields that others set, and what is done about each: ``take`` or ``keep``, and which; what is ``lost``."""
    causes: tuple[Cause, ...] = ()
    """Which values, or what else, make its fields change."""
    lines: tuple[str, ...] = ()
    """A unified diff of its YAML; secrets are masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan in a file: `Session.save_plan` makes it, `Session.apply_plan` carries out exactly that, or refuses.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     plan = session.save_plan(ReleaseRequest(bundle="webapp", release="shop"))
        ...     result = session.apply_plan(plan)
        ...     (len(plan.changes), result.revision.summary.revision)
        (8, 1)
    """

    facts: PlanFacts
    """What must not have moved."""
    request: SavedRequest
    """What was asked for."""
    values: SavedValues = SavedValues()
    """The user's values before and after."""
    changes: tuple[SavedChange, ...] = ()
    """What is done to each object; unchanged ones are left out."""
    changed_values: tuple[ChangedValue, ...] = ()
    """The values that make changes change, each with those that it is computed from."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that do not exist and are made first; they are never deleted."""
    unchanged: int = 0
    """How many objects stay as they are."""
    is_pending: bool = True
    """Something is written, or a revision recorded; False: carrying it out does nothing."""
    warnings: tuple[str, ...] = ()
    """What the API server warned of, and that the site's deployment windows were closed when it was planned."""
    cluster: str = ""
    """Context and address of the cluster, for readers."""
    created: datetime
    """In UTC."""
    expires: datetime | None = None
    """In UTC; None: never."""
    user: str = ""
    """As whom its maker spoke to the cluster."""
    host: str = ""
    """Where it was made."""
    tool_version: str = ""
    """Of the bundler that made it."""
