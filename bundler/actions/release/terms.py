"""What a change is checked against, and what its user accepts. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.orders import OrderMark
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import RolloutRequest
    from bundler.model.saved_plan import SavedPlan
    from bundler.model.site import Site
    from bundler.model.trust import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the user says is meant; nothing of it is taken for granted.

    Example:
        >>> from bundler import Accepted, ReleaseRequest
        >>> request = ReleaseRequest(bundle="webapp", release="shop", accepted=Accepted(downgrade=True))
        >>> request.accepted.losses
        False
    """

    losses: bool = False
    """Objects that hold data may be deleted or recreated (``--accept-data-loss``), or someone confirms it."""
    removal: bool = False
    """An uninstall may delete the release (``--yes``), or someone is there to confirm it."""
    wider_reach: bool = False
    """A rollback may write what leaves the namespace or grants power and is not live (``--allow-reach``)."""
    downgrade: bool = False
    """An older version, or one below ``noRollbackBelow`` (``--allow-downgrade``)."""
    other_bundle: bool = False
    """Another bundle under this release's name (``--replace-bundle``)."""
    no_backup: bool = False
    """Data may be lost without the backup that the bundle asks for (``--no-backup``)."""
    outside_window: str = ""
    """Why this is done although the site's deployment windows are closed (``--outside-window``); it is recorded."""
    crd_risk: bool = False
    """Live objects may stop fitting the definition of their kind (``--accept-crd-risk``)."""
    crd_deletion: bool = False
    """An uninstall deletes the release's CRDs, too, where no one else uses them (``--delete-crds``)."""
    orphans_orders: bool = False
    """An uninstall of the controller lets all orders go; their releases stay (``--orphan-orders``)."""
    fewer_steps: bool = False
    """An upgrade may go faster than its bundle requires (``--all`` with ``--yes``), or someone confirms it."""
    plan: SavedPlan | None = None
    """This plan and no other: where the change would do anything else, it is refused. None: whatever is planned now."""
    order: OrderMark | None = None
    """The order that this change carries out, as it was read; it is refused once the order says something else. None:
    the change carries out none, and is refused while an order keeps the release."""
    suspends_order: bool = False
    """An order that keeps the release is suspended before anything is written (``--suspend``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a change is checked against, whichever verb makes it."""

    site: Site | None = None
    """The site file whose policy holds."""
    evidence: Evidence | None = None
    """Who signed the bundle, as far as it was checked; None where it was not, and for recorded revisions."""
    accepted: Accepted = Accepted()
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over: ``KIND/NAME``, with ``*`` for any characters."""
    recreates: tuple[str, ...] = ()
    """Objects that are deleted and created again where they cannot be changed: ``KIND/NAME``."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set, where no rule of the site or the bundle says it."""
    policy_said_by: str = "--on-conflict"
    """What of the command says so, as the plan names it."""
    skips_hooks: bool = False
    """No hooks run: someone said so, or what a failed first install made is deleted again."""
    rollout: RolloutRequest | None = None
    """How an upgrade in steps was asked for; None: nothing was said of steps."""
    continues_rollout: bool = False
    """The change continues or aborts the rollout that is open; every other change waits until it is over."""
    follows_failure: bool = False
    """The change undoes one that failed, under the same lock: it was accepted together with it."""
    is_correction: bool = False
    """What is deployed is put back: its bundle was accepted when it was installed."""
    live_before: Mapping[ObjectRef, Body] | None = None
    """For an automatic rollback: what was live before the change that is undone. None for every other change."""
