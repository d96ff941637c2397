"""What the site file forbids. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import SitePolicyError, WrongClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.change import ReachNote
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.site import Site


def refuse_forbidden(notes: Iterable[ReachNote], site: Site) -> None:
    """Stop where a plan reaches further than the site allows, declared or not.

    Raises:
        SitePolicyError: with everything that is forbidden.
    """
    found = sorted({f"{note.kind}: {note.subject}" for note in notes if note.kind in site.forbidden})
    if found:
        raise SitePolicyError(
            f"checking the plan against site {site.name}",
            context=[*found, f"the site file forbids: {', '.join(site.forbidden)}"],
            hint="use a bundle that stays within the site's policy, or ask whoever owns the site file",
        )


def refuse_other_cluster(identity: ClusterIdentity, site: Site) -> None:
    """Stop where the site file names one cluster and the context leads to another.

    Raises:
        WrongClusterError: with both.
    """
    if not site.cluster_uid or identity.uid == site.cluster_uid:
        return
    here = identity.uid or "one whose uid may not be read (get on the namespace kube-system)"
    raise WrongClusterError(
        f"checking that this is the cluster of site {site.name}",
        context=[
            f"site {site.name} ({site.source}) is the cluster {site.cluster_uid}",
            f"context {identity.context} ({identity.server}) is the cluster {here}",
        ],
        hint="choose the right one with --context, or the right site file with --site",
    )
