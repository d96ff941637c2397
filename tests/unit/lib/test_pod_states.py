"""What the fake nodes report, without a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lib.objects import pod
from tests.lib.pod_states import Behaviour, Step, behaviour_of, step_of

NOW = "2026-01-01T00:00:00Z"


def reported(image: str, step: int = 0, **more: Any) -> Step:
    """Return the step of a pod with one container."""
    return step_of(pod("web", image, **more), step, NOW)


def state_of(step: Step) -> dict[str, Any]:
    """Return the state of the first container."""
    state: dict[str, Any] = step.status["containerStatuses"][0]["state"]
    return state


@pytest.mark.parametrize(
    ("image", "behaviour"),
    [
        ("docker.io/library/nginx:1.27", Behaviour.READY),
        ("registry.test/broken/web@sha256:00", Behaviour.BROKEN),
        ("web:crash", Behaviour.CRASH),
        ("failjob:1", Behaviour.CRASH),
        ("exit1", Behaviour.CRASH),
        ("unready:2", Behaviour.UNREADY),
        ("slow", Behaviour.SLOW),
    ],
)
def test_a_word_in_the_image_name_decides(image: str, behaviour: Behaviour) -> None:
    assert behaviour_of(image) is behaviour


@pytest.mark.parametrize(
    ("image", "policy", "phases"),
    [
        ("nginx", "Always", ["Running"]),
        ("nginx", "Never", ["Running", "Succeeded"]),
        ("nginx", "OnFailure", ["Running", "Succeeded"]),
        ("slow", "Always", ["Running", "Running"]),
        ("slow", "Never", ["Running", "Succeeded"]),
        ("exit1", "Never", ["Running", "Failed"]),
        ("broken", "Always", ["Pending"]),
        ("broken", "Never", ["Pending"]),
        ("unready", "Never", ["Running"]),
    ],
)
def test_a_pod_goes_through_its_phases_and_stops(image: str, policy: str, phases: list[str]) -> None:
    steps = [reported(image, number, restartPolicy=policy) for number in range(len(phases))]
    assert [step.status["phase"] for step in steps] == phases
    assert [step.next_s is None for step in steps] == [False] * (len(phases) - 1) + [True]


@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_a_crashing_container_waits_longer_each_time_and_never_stops(policy: str) -> None:
    steps = [reported("crash", number, restartPolicy=policy) for number in range(8)]
    waits = [step.next_s or 0 for step in steps]
    assert waits == sorted(waits)
    assert 0 < waits[0] < waits[-1] <= 10
    assert [step.status["containerStatuses"][0]["restartCount"] for step in steps] == list(range(1, 9))
    assert {state_of(step)["waiting"]["reason"] for step in steps} == {"CrashLoopBackOff"}


@pytest.mark.parametrize("image", ["crash", "broken", "unready"])
def test_a_failing_init_container_keeps_the_pod_pending(image: str) -> None:
    step = reported(
        "nginx",
        initContainers=[{"name": "ok", "image": "a"}, {"name": "bad", "image": image}, {"name": "later", "image": "a"}],
    )
    assert step.status["phase"] == "Pending"
    states = {one["name"]: one["state"] for one in step.status["initContainerStatuses"]}
    assert states["ok"]["terminated"]["exitCode"] == 0
    assert states["later"] == state_of(step) == {"waiting": {"reason": "PodInitializing"}}


def test_a_sidecar_ends_with_the_containers_of_a_job() -> None:
    sidecar = {"name": "side", "image": "proxy", "restartPolicy": "Always"}
    first, last = (reported("nginx", number, restartPolicy="Never", initContainers=[sidecar]) for number in (0, 1))
    assert "running" in first.status["initContainerStatuses"][0]["state"]
    assert last.status["phase"] == "Succeeded"
    assert "terminated" in last.status["initContainerStatuses"][0]["state"]


@pytest.mark.parametrize(
    ("image", "ready"), [("nginx", "True"), ("unready", "False"), ("broken", "False"), ("crash", "False")]
)
def test_ready_tells_whether_every_container_is(image: str, ready: str) -> None:
    body = pod("web", "nginx")
    body["spec"]["containers"].append({"name": "second", "image": image})
    conditions = {one["type"]: one["status"] for one in step_of(body, 0, NOW).status["conditions"]}
    assert (conditions["Ready"], conditions["ContainersReady"]) == (ready, ready)
