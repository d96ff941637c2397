"""The status of a pod, out of what is known about its containers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lib.kubelet.containers import image_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lib.kubelet.containers import Container


def container_status(container: Container) -> dict[str, Any]:
    """Return one entry of `containerStatuses`."""
    seen = container.seen
    code = container.exit_code
    return {
        "name": container.name,
        "image": container.spec["image"],
        "imageID": image_id(container.spec["image"]),
        "containerID": f"processes://{container.name}-{seen.restarts}",
        "state": {key: seen.state.get(key) for key in ("waiting", "running", "terminated")},
        "lastState": seen.last_state,
        "restartCount": seen.restarts,
        "started": seen.is_started,
        "ready": seen.is_ready or code == 0,
    }


def is_sidecar(spec: Mapping[str, Any]) -> bool:
    """Return whether an init container stays with the others."""
    return spec.get("restartPolicy") == "Always"


def pod_status(first: Sequence[Container], main: Sequence[Container], *, is_initialized: bool) -> dict[str, Any]:
    """Return phase, conditions and container statuses.

    Args:
        first: its init containers, sidecars among them.
        main: its other containers.
        is_initialized: that all of `first` have done what they have to.
    """
    sidecars = [one for one in first if is_sidecar(one.spec)]
    ended = [one.exit_code for one in main if one.is_over.is_set()]
    has_begun = is_initialized and not any("waiting" in one.seen.state and not one.seen.last_state for one in main)
    phase = "Running" if has_begun else "Pending"
    if len(ended) == len(main) and all(code is not None for code in ended):
        phase = "Succeeded" if not any(ended) else "Failed"
    failed = [one for one in first if not is_sidecar(one.spec) and one.is_over.is_set() and one.exit_code]
    if failed and not is_initialized:
        phase = "Failed"
    is_ready = phase == "Running" and all(one.seen.is_ready for one in (*main, *sidecars))
    why = {} if is_ready else {"reason": "PodCompleted" if phase == "Succeeded" else "ContainersNotReady"}
    return {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "PodReadyToStartContainers", "status": "True"},
            {"type": "Initialized", "status": str(is_initialized)},
            {"type": "ContainersReady", "status": str(is_ready), **why},
            {"type": "Ready", "status": str(is_ready), **why},
        ],
        "initContainerStatuses": [container_status(one) for one in first],
        "containerStatuses": [container_status(one) for one in main],
    }
