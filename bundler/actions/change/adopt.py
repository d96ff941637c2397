"""Whose the fields of an object are: taken over, handed over, taken back after a restore. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.actions.change.rewrite import rewrite
from bundler.errors import Again
from bundler.errors.cluster import ConflictError, ForbiddenError, RejectedError
from bundler.model.cluster import ListQuery
from bundler.model.json import Body, text_at
from bundler.model.pattern import LazyPattern
from bundler.planning.adoption import taken_over
from bundler.planning.ownership import helm_release_of
from bundler.planning.payloads import payload_of
from bundler.planning.recreate import handed_over
from bundler.planning.restored import is_restored, taken_back

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient

_NAME: Final = LazyPattern(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.ports import ClusterClient


def adopt(change: Change, cluster: ClusterClient) -> None:
    """Make the fields of an object's former owners ours, so that the apply that follows drops what it does not have.

    Args:
        change: of the plan.
        cluster: the API to ask.

    Raises:
        ConflictError: when it is another one than the plan knew, or others write it all the time.
    """
    if not change.adopted_from or change.desired is None:
        return

    def edit(live: Body | None) -> Body:
        if live is None or text_at(live, "metadata", "uid") != change.live_uid:
            raise ConflictError(
                f"taking over {change.ref.short}",
                context=["it is no longer the object that the plan was made with"],
                hint=Again(),
            )
        return taken_over(live, is_autoscaled=change.is_autoscaled)

    rewrite(change.ref, edit, cluster, version=change.desired.version)


def hand_over(change: Change, cluster: ClusterClient) -> None:
    """Give the fields of an object that was created again back to those whom they are left to.

    Args:
        change: of the plan, carried out.
        cluster: the API to ask.

    Raises:
        ConflictError: when others write the object all the time.
    """
    if not change.left or change.desired is None:
        return

    def edit(live: Body | None) -> Body | None:
        return None if live is None else handed_over(live, change.left)

    rewrite(change.ref, edit, cluster, version=change.desired.version)


def has_helm_release(live: Body, cluster: ClusterClient) -> bool | None:
    """Return whether the records of an object's Helm release are there; None where they may not be listed."""
    found = helm_release_of(live)
    if found is None:
        return False
    name, namespace = found
    if not (_NAME.fullmatch(name) and _NAME.fullmatch(namespace)):
        return None
    selector = f"owner=helm,name={name}"
    query = ListQuery(
        group="", kind="Secret", version="v1", namespace=namespace, label_selector=selector, metadata_only=True
    )
    try:
        return bool(cluster.list(query).items)
    except ForbiddenError:
        return None


def take_back(change: Change, cluster: ClusterClient, *, uid: str) -> None:
    """Make the fields that the release recorded its own again; what was done by a run that was killed stays done.

    Args:
        change: of the plan.
        cluster: the API to ask.
        uid: of the release.

    Raises:
        ConflictError: when others write the object all the time.
    """
    recorded, desired = change.restored_as, change.desired
    if recorded is None or desired is None:
        return

    def edit(live: Body | None) -> Body | None:
        if live is None or text_at(live, "metadata", "uid") != change.live_uid or not is_restored(live, uid):
            return None
        try:
            applied = _applied(recorded, live, cluster)
        except RejectedError:  # a definition has changed since, or a secret part of the record is missing
            applied = _applied(desired, live, cluster)
        return taken_back(live, applied)

    rewrite(change.ref, edit, cluster, version=desired.version)


def _applied(manifest: Manifest, live: Body, cluster: ClusterClient) -> Body:
    return cluster.apply(payload_of(manifest, live), is_dry_run=True, is_forced=True).body
