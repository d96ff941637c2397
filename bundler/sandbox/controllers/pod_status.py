"""What a kubelet would report about a pod, as a function of its age and of what is wrong with it. Layer: sandbox, pure.

Source: the reasons and messages of Kubernetes' kubelet and scheduler; see ``REASONS`` for what may be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body
    from bundler.sandbox.store import Tree

BACKOFF_S = 0.5
MAX_BACKOFF_S = 10.0
STOPPED = frozenset({"CrashLoopBackOff", "OOMKilled", "JobFailed"})
"""Reasons by which containers start and end again."""
IMAGE_REASONS = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
START_REASONS = IMAGE_REASONS | {"CreateContainerConfigError", "Unschedulable", "Pending", "SlowStart"}
"""Reasons that keep new pods from starting; pods that run already continue."""
SLOW_S = 2.0
"""What ``SlowStart`` adds."""
RUN_REASONS = STOPPED | {"NotReady"}
REASONS: Mapping[str, str] = {
    "ImagePullBackOff": "new pods cannot pull their image",
    "ErrImageNeverPull": "new pods may not pull their image",
    "InvalidImageName": "new pods have an image name that cannot be read",
    "CreateContainerConfigError": "new pods refer to configuration that is missing",
    "Unschedulable": "no node takes new pods",
    "CrashLoopBackOff": "containers end with exit code 1 again and again",
    "OOMKilled": "containers are killed for using too much memory",
    "NotReady": "containers run but their readiness probe fails",
    "SlowStart": "new pods need 2 seconds more",
    "JobFailed": "pods of a Job end with exit code 1",
    "Pending": "a volume claim is not bound",
    "QuotaExceeded": "new pods are over the namespace's quota",
}
_CREATING = "ContainerCreating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A pod at one time."""

    age_s: float
    """Since its containers could start."""
    reason: str
    """What is wrong, a key of ``REASONS``; empty for a healthy pod."""
    message: str = ""
    """The kubelet's words where ``reason`` alone does not give them."""
    time: str
    """Now, RFC 3339."""
    run_s: float
    """How long containers that are meant to end run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A status, when it changes by itself, and what is posted about it."""

    status: Tree
    next_s: float | None = None
    """Seconds from now."""
    events: tuple[tuple[str, str], ...] = ()
    """(reason, message) of warnings."""


def report(pod: Body, moment: Moment) -> Report:
    """Return what the kubelet reports; ``age_s`` below 0 says that nothing has started yet."""
    if moment.reason == "Unschedulable":
        return _unscheduled(moment)
    if moment.age_s < 0:
        waiting = _Main(phase="Pending", states={}, reason=_CREATING)
        return Report(status=_status(pod, waiting, moment), next_s=-moment.age_s)
    if moment.reason in START_REASONS:
        return _blocked(pod, moment)
    if moment.reason in STOPPED:
        return _stopping(pod, moment)
    policy = text_at(pod, "spec", "restartPolicy") or "Always"
    if policy == "Always" or moment.reason == "NotReady":
        return _running(pod, moment)
    return _ending(pod, moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Main:
    """What all main containers have in common."""

    phase: str
    states: Tree
    """``state``, and ``lastState`` where there is one; empty while waiting for ``reason``."""
    is_ready: bool = False
    restarts: int = 0
    reason: str = ""
    message: str = ""


def _unscheduled(moment: Moment) -> Report:
    message = moment.message or "0/1 nodes are available: 1 Insufficient cpu. preemption: no victims found."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    status = {"phase": "Pending", "conditions": [condition], "qosClass": "Burstable"}
    return Report(status=status, events=(("FailedScheduling", message),))


def _blocked(pod: Body, moment: Moment) -> Report:
    reason, event, message = _why_blocked(pod, moment)
    main = _Main(phase="Pending", states={}, reason=reason, message=message)
    return Report(status=_status(pod, main, moment), events=((event, message),))


def _why_blocked(pod: Body, moment: Moment) -> tuple[str, str, str]:
    """Return the waiting reason, the event's reason and the message."""
    image = next((text_at(one, "image") for one in items_at(pod, "spec", "containers")), "")
    match moment.reason:
        case "ImagePullBackOff":
            return moment.reason, "Failed", f'Back-off pulling image "{image}": ErrImagePull: {image}: not found'
        case "ErrImageNeverPull":
            words = f'Container image "{image}" is not present with pull policy of Never'
            return moment.reason, "ErrImageNeverPull", words
        case "InvalidImageName":
            words = (
                f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference'
            )
            return moment.reason, "InspectFailed", words
        case "CreateContainerConfigError":
            return moment.reason, "Failed", moment.message or 'Error: secret "missing" not found'
        case _:
            return _CREATING, "FailedMount", moment.message or "MountVolume.SetUp failed: timed out"


def _running(pod: Body, moment: Moment) -> Report:
    is_ready = moment.reason != "NotReady"
    events = () if is_ready else (("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),)
    states = {"state": {"running": {"startedAt": moment.time}}}
    main = _Main(phase="Running", states=states, is_ready=is_ready, restarts=_restarts(pod))
    return Report(status=_status(pod, main, moment), events=events)


def _ending(pod: Body, moment: Moment) -> Report:
    if moment.age_s < moment.run_s:
        made = _running(pod, moment)
        return Report(status=made.status, next_s=moment.run_s - moment.age_s)
    states = {"state": {"terminated": _ended(moment, 0, "Completed")}}
    return Report(status=_status(pod, _Main(phase="Succeeded", states=states), moment))


def _stopping(pod: Body, moment: Moment) -> Report:
    code, why = (137, "OOMKilled") if moment.reason == "OOMKilled" else (1, "Error")
    end = {"terminated": _ended(moment, code, why)}
    if text_at(pod, "spec", "restartPolicy") == "Never":
        return Report(status=_status(pod, _Main(phase="Failed", states={"state": end}), moment))
    turns, backoff_s, next_s = _turns(moment.age_s)
    name = next((text_at(one, "name") for one in items_at(pod, "spec", "containers")), "")
    message = f"back-off {backoff_s:g}s restarting failed container={name} pod={text_at(pod, 'metadata', 'name')}"
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    restarts = max(_restarts(pod), turns)
    main = _Main(phase="Running", states={"state": waiting, "lastState": end}, restarts=restarts)
    event = ("BackOff", f"Back-off restarting failed container {name} in pod {text_at(pod, 'metadata', 'name')}")
    return Report(status=_status(pod, main, moment), next_s=next_s, events=(event,))


def _turns(age_s: float) -> tuple[int, float, float]:
    """Return how often a crashing container was restarted, its present back-off, and seconds until the next turn."""
    turns, end_s, backoff_s = 1, BACKOFF_S, BACKOFF_S
    while end_s <= age_s and turns < 1000:
        backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
        turns, end_s = turns + 1, end_s + backoff_s
    return turns, backoff_s, max(end_s - age_s, 0.01)


def _status(pod: Body, main: _Main, moment: Moment) -> Tree:
    spec = mapping_at(pod, "spec")
    is_started = bool(main.states)
    initial = [_init_status(one, moment, is_done=is_started) for one in items_at(spec, "initContainers")]
    status: Tree = {
        "phase": main.phase,
        "conditions": _conditions(spec, main, is_initialized=is_started or not initial),
        "containerStatuses": [_container_status(one, main) for one in items_at(spec, "containers")],
        "hostIP": "127.0.0.1",
        "qosClass": "Burstable",
    }
    if initial:
        status["initContainerStatuses"] = initial
    return status


def _container_status(container: Body, main: _Main) -> Tree:
    waiting = {"reason": main.reason, **({"message": main.message} if main.message else {})}
    states = main.states or {"state": {"waiting": waiting}}
    is_running = "running" in states["state"]
    return {
        "name": text_at(container, "name"),
        "image": text_at(container, "image"),
        "imageID": text_at(container, "image") if main.states else "",
        "ready": main.is_ready,
        "started": is_running,
        "restartCount": main.restarts,
        **states,
    }


def _init_status(container: Body, moment: Moment, *, is_done: bool) -> Tree:
    is_sidecar = text_at(container, "restartPolicy") == "Always"
    state: Tree = {"waiting": {"reason": "PodInitializing"}}
    if is_done:
        state = {"terminated": _ended(moment, 0, "Completed")}
        if is_sidecar:
            state = {"running": {"startedAt": moment.time}}
    return {
        "name": text_at(container, "name"),
        "image": text_at(container, "image"),
        "imageID": text_at(container, "image") if is_done else "",
        "ready": is_done,
        "started": is_done and is_sidecar,
        "restartCount": 0,
        "state": state,
    }


def _conditions(spec: Body, main: _Main, *, is_initialized: bool) -> list[Tree]:
    because: Tree = {}
    if main.phase in ("Succeeded", "Failed"):
        because = {"reason": "PodCompleted" if main.phase == "Succeeded" else "PodFailed"}
    elif not main.is_ready:
        names = " ".join(text_at(one, "name") for one in items_at(spec, "containers"))
        because = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
    ready = "False" if because else "True"
    return [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True" if is_initialized else "False"},
        {"type": "Ready", "status": ready, **because},
        {"type": "ContainersReady", "status": ready, **because},
        {"type": "PodScheduled", "status": "True"},
    ]


def _ended(moment: Moment, code: int, reason: str) -> Tree:
    return {"exitCode": code, "reason": reason, "startedAt": moment.time, "finishedAt": moment.time}


def _restarts(pod: Body) -> int:
    return max((int_at(one, "restartCount") for one in items_at(pod, "status", "containerStatuses")), default=0)
