"""What a fake kubelet reports about a pod, by the names of its images. Pure.

A pod goes through steps 0, 1, 2 ...; each step has a status and says after how many seconds the next one follows.

| image name contains | restartPolicy Always                     | Never                  | OnFailure             |
|---------------------|------------------------------------------|------------------------|-----------------------|
| broken              | ImagePullBackOff                         | the same               | the same              |
| crash, exit1, failjob | CrashLoopBackOff, restartCount grows   | exit code 1, Failed    | CrashLoopBackOff      |
| unready             | Running, never Ready                     | Running, never ends    | the same              |
| slow                | Ready after 2 s                          | Succeeded after 2 s    | the same              |
| anything else       | Running and Ready at once                | Succeeded after 0.3 s  | the same              |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RUN_S = 0.3
SLOW_S = 2.0
MAX_BACKOFF_S = 10.0

Body = Mapping[str, Any]


class Behaviour(StrEnum):
    """What the containers of an image do."""

    READY = "ready"
    BROKEN = "broken"
    CRASH = "crash"
    UNREADY = "unready"
    SLOW = "slow"


_BY_WORD = {
    "broken": Behaviour.BROKEN,
    "crash": Behaviour.CRASH,
    "exit1": Behaviour.CRASH,
    "failjob": Behaviour.CRASH,
    "unready": Behaviour.UNREADY,
    "slow": Behaviour.SLOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The status to write for one step of a pod."""

    status: dict[str, Any]
    """Pod status without the times and addresses, which the node adds."""
    next_s: float | None
    """Seconds until the next step; None where this one lasts."""
    events: tuple[tuple[str, str], ...]
    """Warnings that a kubelet would post, as (reason, message)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Container:
    status: dict[str, Any]
    next_s: float | None = None
    event: tuple[str, str] | None = None

    @property
    def state(self) -> str:
        return str(next(iter(self.status["state"])))

    @property
    def exit_code(self) -> int | None:
        ended = self.status["state"].get("terminated")
        return None if ended is None else int(ended["exitCode"])


def behaviour_of(image: str) -> Behaviour:
    """Return what containers of this image do; the first word of the table found in the name decides."""
    return next((behaviour for word, behaviour in _BY_WORD.items() if word in image), Behaviour.READY)


def runs_to_end(pod: Body) -> bool:
    """Return whether the pod's containers are meant to finish."""
    return bool(pod["spec"].get("restartPolicy", "Always") != "Always")


def has_ended(pod: Body) -> bool:
    """Return whether the pod's last reported phase is final."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def images_of(pod: Body) -> tuple[str, ...]:
    """Return the images that decide about the pod, initialising containers first."""
    spec = pod["spec"]
    return tuple(container["image"] for container in [*spec.get("initContainers", []), *spec["containers"]])


def step_of(pod: Body, step: int, now: str) -> Step:
    """Return what the kubelet would report at this step; `now` is an RFC 3339 time."""
    spec = pod["spec"]
    never = spec.get("restartPolicy") == "Never"
    initial = [_initial(body, step, now, never=never) for body in spec.get("initContainers", [])]
    blocked = next((index for index, made in enumerate(initial) if _blocks(made)), None)
    if blocked is not None:
        return _blocked(pod, initial, blocked)
    main = [_main(pod, body, step, now) for body in spec["containers"]]
    phase = _phase(main)
    if phase in ("Succeeded", "Failed"):
        initial = [_ended(made, now) for made in initial]
    conditions = _conditions(main, initialized=True, phase=phase)
    return _step(phase, conditions, initial, main)


def _main(pod: Body, container: Body, step: int, now: str) -> _Container:
    behaviour = behaviour_of(container["image"])
    if behaviour is Behaviour.BROKEN:
        return _waiting_for_image(container)
    if behaviour is Behaviour.CRASH and pod["spec"].get("restartPolicy") != "Never":
        return _crashing(container, step, now)
    if behaviour is Behaviour.UNREADY:
        return _running(container, now, ready=False)
    run_s = SLOW_S if behaviour is Behaviour.SLOW else RUN_S
    if runs_to_end(pod):
        if step == 0:
            return _running(container, now, ready=True, next_s=run_s)
        return _terminated(container, now, int(behaviour is Behaviour.CRASH))
    if behaviour is Behaviour.SLOW and step == 0:
        return _running(container, now, ready=False, next_s=run_s)
    return _running(container, now, ready=True)


def _initial(container: Body, step: int, now: str, *, never: bool) -> _Container:
    behaviour = behaviour_of(container["image"])
    if behaviour is Behaviour.BROKEN:
        return _waiting_for_image(container)
    if behaviour is Behaviour.CRASH:
        return _terminated(container, now, 1) if never else _crashing(container, step, now)
    if container.get("restartPolicy") == "Always":
        return _running(container, now, ready=behaviour is not Behaviour.UNREADY)
    if behaviour is Behaviour.UNREADY:
        return _running(container, now, ready=False)
    return _terminated(container, now, 0)


def _blocks(container: _Container) -> bool:
    return container.exit_code != 0 and not container.status["ready"]


def _blocked(pod: Body, initial: Sequence[_Container], blocked: int) -> Step:
    """Report a pod that does not get past one of its initialising containers."""
    waiting = [_not_started(body, "PodInitializing") for body in pod["spec"]["containers"]]
    later = [_not_started(body, "PodInitializing") for body in pod["spec"]["initContainers"][blocked + 1 :]]
    phase = "Failed" if initial[blocked].exit_code else "Pending"
    conditions = _conditions(waiting, initialized=False, phase=phase)
    return _step(phase, conditions, [*initial[: blocked + 1], *later], waiting)


def _step(
    phase: str, conditions: list[dict[str, Any]], initial: Sequence[_Container], main: Sequence[_Container]
) -> Step:
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": [made.status for made in main],
    }
    if initial:
        status["initContainerStatuses"] = [made.status for made in initial]
    made = [*initial, *main]
    return Step(
        status=status,
        next_s=min((one.next_s for one in made if one.next_s is not None), default=None),
        events=tuple(one.event for one in made if one.event is not None),
    )


def _phase(containers: Sequence[_Container]) -> str:
    codes = [container.exit_code for container in containers]
    if all(code is not None for code in codes):
        return "Failed" if any(codes) else "Succeeded"
    never_started = any(one.state == "waiting" and "lastState" not in one.status for one in containers)
    return "Pending" if never_started else "Running"


def _conditions(containers: Sequence[_Container], *, initialized: bool, phase: str) -> list[dict[str, Any]]:
    unready = [one.status["name"] for one in containers if not one.status["ready"]]
    because: dict[str, str] = {}
    if phase in ("Succeeded", "Failed"):
        because = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    elif unready:
        because = {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: [{' '.join(unready)}]",
        }
    ready = "False" if because else "True"
    return [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True" if initialized else "False"},
        {"type": "ContainersReady", "status": ready, **because},
        {"type": "Ready", "status": ready, **because},
        {"type": "PodScheduled", "status": "True"},
    ]


def _status(container: Body, state: dict[str, Any], *, ready: bool, restarts: int = 0) -> dict[str, Any]:
    started = "running" in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": container["image"] if started or restarts else "",
        "ready": ready,
        "started": started,
        "restartCount": restarts,
        "state": state,
    }


def _running(container: Body, now: str, *, ready: bool, next_s: float | None = None) -> _Container:
    event = None
    if not ready and next_s is None:
        event = ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    status = _status(container, {"running": {"startedAt": now}}, ready=ready)
    return _Container(status=status, next_s=next_s, event=event)


def _terminated(container: Body, now: str, exit_code: int) -> _Container:
    return _Container(status=_status(container, {"terminated": _end(now, exit_code)}, ready=False))


def _end(now: str, exit_code: int) -> dict[str, Any]:
    reason = "Error" if exit_code else "Completed"
    return {"exitCode": exit_code, "reason": reason, "startedAt": now, "finishedAt": now}


def _ended(container: _Container, now: str) -> _Container:
    """Stop a sidecar together with its pod."""
    if container.state != "running":
        return container
    return _terminated(container.status, now, 0)


def _not_started(container: Body, reason: str) -> _Container:
    return _Container(status=_status(container, {"waiting": {"reason": reason}}, ready=False))


def _waiting_for_image(container: Body) -> _Container:
    image = container["image"]
    message = f'Back-off pulling image "{image}": not found'
    state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    event = ("Failed", f'Failed to pull image "{image}": {image}: not found')
    return _Container(status=_status(container, state, ready=False), event=event)


def _crashing(container: Body, step: int, now: str) -> _Container:
    backoff_s = min(0.5 * 2**step, MAX_BACKOFF_S)
    message = f"back-off {backoff_s:g}s restarting failed container={container['name']}"
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    status = _status(container, state, ready=False, restarts=step + 1)
    status["lastState"] = {"terminated": _end(now, 1)}
    event = ("BackOff", f"Back-off restarting failed container {container['name']}") if step == 0 else None
    return _Container(status=status, next_s=backoff_s, event=event)
