"""What the site file asks of a change: which cluster, which reach, whose signatures. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.errors.change import SitePolicyError, WrongClusterError
from bundler.errors.delivery import UnsignedError
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.model.change import ReachNote
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.site import Site
    from bundler.model.trust import Evidence, TrustPolicy


def forbidden_reach(notes: Iterable[ReachNote], site: Site) -> Iterator[Problem]:
    """Find where a plan reaches further than the site allows, declared or not."""
    found = sorted({f"{note.kind}: {note.subject}" for note in notes if note.kind in site.forbidden})
    if found:
        yield Problem(
            error=SitePolicyError,
            doing=f"checking the plan against site {site.name}",
            lines=(*found, f"the site file forbids: {', '.join(site.forbidden)}"),
            hint="use a bundle that stays within the site's policy, or ask the owner of the site file",
        )


def other_cluster(identity: ClusterIdentity, site: Site) -> Iterator[Problem]:
    """Find that the site file names one cluster and the context leads to another."""
    if not site.cluster_uid or identity.uid == site.cluster_uid:
        return
    here = identity.uid or "one whose uid may not be read (get on the namespace kube-system)"
    yield Problem(
        error=WrongClusterError,
        doing=f"checking that this is the cluster of site {site.name}",
        lines=(
            f"site {site.name} ({site.source}) is the cluster {site.cluster_uid}",
            f"context {identity.context} ({identity.server}) is the cluster {here}",
        ),
        hint="choose the right one with --context, or the right site file with --site",
    )


def missing_signature(name: str, evidence: Evidence | None, policy: TrustPolicy) -> Iterator[Problem]:
    """Find that the site asks for signatures, and the ones that were checked do not do.

    Args:
        name: of the bundle.
        evidence: who signed it, as far as it was checked; None where nothing was.
        policy: of the site.
    """
    if not policy.asks_for_signature:
        return
    trusted, source = {key.key_id for key in policy.keys}, policy.source or "the policy"
    counted = {key.key_id for key in evidence.signers} & trusted if evidence else set()
    if len(counted) < policy.threshold:
        yield Problem(
            error=UnsignedError,
            doing=f"checking {name} against the site's policy",
            lines=(f"{source} asks for {policy.threshold} trusted signatures, and {len(counted)} were found",),
            hint="ask the sender for the signed file; `bundler sign` adds a signature",
        )
