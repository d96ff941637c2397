"""What the Jobs of a gate know of the step that they check, from their environment. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from bundler.fields.kinds import pod_spec_path
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest

if TYPE_CHECKING:
    from bundler.model.rollout import Rollout

STEP: Final = "BUNDLER_STEP"
STEPS: Final = "BUNDLER_STEPS"
NEW_PODS: Final = "BUNDLER_NEW_PODS"
_CONTAINERS: Final = ("initContainers", "containers")


def step_environment(rollout: Rollout, new_pods: Iterable[Body]) -> Mapping[str, str]:
    """Return the variables: which step it is, and where the new pods are, which a Service reaches only by chance.

    Args:
        rollout: at the step that is checked.
        new_pods: of the workloads that the gate is about.
    """
    addresses = sorted({text_at(pod, "status", "podIP") for pod in new_pods} - {""})
    return {STEP: str(rollout.step), STEPS: str(rollout.steps), NEW_PODS: " ".join(addresses)}


def with_environment(manifest: Manifest, variables: Mapping[str, str]) -> Manifest:
    """Return an object whose containers have variables; one that its author has set stays.

    Args:
        manifest: of a kind that runs pods.
        variables: name -> text.
    """
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind) or ()
    pod = mapping_at(manifest.body, *path)
    groups = {key: [_extended(one, variables) for one in items_at(pod, key)] for key in _CONTAINERS if key in pod}
    return replace(manifest, body=_with(manifest.body, path, groups))


def _extended(container: Body, variables: Mapping[str, str]) -> Body:
    own = items_at(container, "env")
    known = {text_at(one, "name") for one in own}
    added = [{"name": name, "value": text} for name, text in variables.items() if name not in known]
    return {**container, "env": [*own, *added]}


def _with(body: Body, path: tuple[str, ...], fields: Body) -> Body:
    """Return a body in which a mapping has other fields."""
    if not path:
        return {**body, **fields}
    return {**body, path[0]: _with(mapping_at(body, path[0]), path[1:], fields)}
