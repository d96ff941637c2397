"""Take the fields of an object back that was restored from a backup. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.rewrite import rewrite
from bundler.errors.cluster import RejectedError
from bundler.model.json import text_at
from bundler.planning.payloads import payload_of
from bundler.planning.restored import is_restored, taken_back

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient


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

    rewrite(change.ref, edit, cluster, version=desired.api_version.rpartition("/")[2])


def _applied(manifest: Manifest, live: Body, cluster: ClusterClient) -> Body:
    return cluster.apply(payload_of(manifest, live), is_dry_run=True, is_forced=True).body
