"""New pods of StatefulSets that an abort deletes: their set would wait for them forever. Layer: planning, pure.

A StatefulSet replaces one pod at a time, and waits until it is ready. A pod that never becomes ready blocks even the
template that would repair it.

Source: kubernetes/kubernetes#67250, "StatefulSet with a broken pod is stuck until the pod is deleted by hand".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.model.change import Action, Change
from bundler.model.json import Body, items_at, text_at
from bundler.model.refs import ObjectRef
from bundler.planning.ownership import has_controller

if TYPE_CHECKING:
    from bundler.planning.observation import Observation


def stuck_pod_changes(changes: Iterable[Change], observation: Observation) -> Iterator[Change]:
    """Yield the deletion of each stuck pod, in the component of its StatefulSet.

    Args:
        changes: of the plan; the StatefulSets are among them.
        observation: with the pods that were found stuck.
    """
    components = {change.ref: change.component for change in changes}
    for ref, pod in sorted(observation.stuck_pods.items()):
        owner = _owner_of(ref, pod)
        if owner in components:
            yield Change(
                ref=ref,
                action=Action.DELETE,
                component=components[owner],
                before=pod,
                live_uid=text_at(pod, "metadata", "uid"),
                reason=f"new and not ready: {owner.short} would wait for it",
            )


def is_stuck_pod(change: Change) -> bool:
    """Return whether a change deletes a pod that a controller makes again; nothing of that kind is ever pruned."""
    return change.action is Action.DELETE and change.ref.kind == "Pod" and has_controller(change.before or {})


def _owner_of(ref: ObjectRef, pod: Body) -> ObjectRef:
    owners = items_at(pod, "metadata", "ownerReferences")
    name = next((text_at(owner, "name") for owner in owners if owner.get("controller") is True), "")
    return ObjectRef("apps", "StatefulSet", ref.namespace, name)
