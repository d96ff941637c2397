"""Find the pods that are in the way of an abort. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.rollout.observe import RolloutMemory, SteppedWorkload, stuck_pods
from bundler.actions.rollout.templates import TemplateMemory
from bundler.health.pod_ages import PodAges
from bundler.health.pods import FailFast
from bundler.planning.claim_growth import is_stateful_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.release import RevisionSummary
    from bundler.planning.observation import Wanted
    from bundler.ports import Ports


def find_stuck_pods(wanted: Wanted, aborted: RevisionSummary, ports: Ports) -> Mapping[ObjectRef, Body]:
    """Return the new pods of stepped StatefulSets that are not ready.

    Args:
        wanted: the revision that comes back.
        aborted: the one that was rolled out.
        ports: the cluster and the records.
    """
    stepped = aborted.rollout.shares if aborted.rollout else {}
    sets = [one for one in wanted.manifests if is_stateful_set(one.ref) and one.component in stepped]
    if not sets:
        return {}
    revision = ports.store.load(aborted, with_sensitive=True)
    ports.redactor.learn(*revision.sensitive)
    new = {one.ref: one for one in revision.manifests}
    workloads = [
        SteppedWorkload(ref=one.ref, component=one.component, new=new[one.ref], old=one)
        for one in sets
        if one.ref in new
    ]
    return stuck_pods(workloads, ports, RolloutMemory(TemplateMemory(), PodAges(FailFast())))
