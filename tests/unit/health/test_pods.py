"""Tables of pods and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from bundler.health.pods import FailFast, PodHistory, has_started, is_final, observe_pod, pod_problem

if TYPE_CHECKING:
    from bundler.model.json import Body


def pod(*containers: str, phase: str = "Running", restart: str = "Always", more: str = "") -> Body:
    text = f"{{spec: {{restartPolicy: {restart}}}, status: {{phase: {phase}, containerStatuses: [{', '.join(containers)}]{more}}}}}"
    body: Body = yaml.safe_load(text)
    return body


def waiting(reason: str, restarts: int = 0, last: str = "") -> str:
    tail = f", lastState: {{terminated: {{{last}}}}}" if last else ""
    return f"{{name: main, ready: false, restartCount: {restarts}, state: {{waiting: {{reason: {reason}, message: about it}}}}{tail}}}"


READY = "{name: side, ready: true, restartCount: 4, state: {running: {}}}"

PROBLEMS = [
    ("ready", pod(READY), None),
    ("just starting", pod(waiting("ContainerCreating"), phase="Pending"), None),
    ("initialising", pod(waiting("PodInitializing"), phase="Pending"), None),
    ("done", pod("{name: a, state: {terminated: {exitCode: 0}}}", phase="Succeeded"), None),
    ("no status at all", {}, None),
    ("never pulls", pod(waiting("ErrImageNeverPull")), ("ErrImageNeverPull", True, False)),
    ("bad name", pod(waiting("InvalidImageName")), ("InvalidImageName", True, False)),
    ("no config", pod(waiting("CreateContainerConfigError")), ("CreateContainerConfigError", True, False)),
    ("pull", pod(waiting("ErrImagePull")), ("ErrImagePull", False, True)),
    ("pull back-off", pod(waiting("ImagePullBackOff")), ("ImagePullBackOff", False, True)),
    ("crash", pod(waiting("CrashLoopBackOff", 3, "exitCode: 1")), ("CrashLoopBackOff", False, True)),
    ("one of two", pod(READY, waiting("CrashLoopBackOff")), ("CrashLoopBackOff", False, True)),
    ("worst first", pod(waiting("CrashLoopBackOff"), waiting("InvalidImageName")), ("InvalidImageName", True, False)),
    ("probe", pod("{name: a, ready: false, state: {running: {}}}"), ("NotReady", False, False)),
    (
        "started again after a crash",
        pod(
            "{name: a, ready: false, restartCount: 1, state: {running: {}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}"
        ),
        ("OOMKilled", False, True),
    ),
    ("ended, to be restarted", pod("{name: a, state: {terminated: {exitCode: 2}}}"), ("Error", False, True)),
    ("ended for good", pod("{name: a, state: {terminated: {exitCode: 2}}}", restart="Never"), ("Error", False, False)),
    (
        "unschedulable",
        pod(phase="Pending", more=", conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]"),
        ("Unschedulable", False, False),
    ),
    ("evicted", pod(phase="Failed", more=", reason: Evicted"), ("Evicted", False, False)),
    (
        "an initialising container that crashes",
        pod(
            waiting("PodInitializing"),
            phase="Pending",
            more=", initContainerStatuses: [{name: init, ready: false, state: {waiting: {reason: CrashLoopBackOff}}}]",
        ),
        ("CrashLoopBackOff", False, True),
    ),
    (
        "an initialising container that runs",
        pod(
            waiting("PodInitializing"),
            phase="Pending",
            more=", initContainerStatuses: [{name: init, ready: false, state: {running: {}}}]",
        ),
        None,
    ),
]


@pytest.mark.parametrize(("body", "wanted"), [pytest.param(body, wanted, id=title) for title, body, wanted in PROBLEMS])
def test_a_pod_says_what_is_wrong(body: Body, wanted: tuple[str, bool, bool] | None) -> None:
    found = pod_problem(body)
    assert (found and (found.reason, found.is_terminal_now, found.is_repeating)) == wanted


def test_a_problem_names_exit_code_restarts_and_last_words() -> None:
    found = pod_problem(pod(waiting("CrashLoopBackOff", 4, "exitCode: 1, reason: Error, message: no database")))
    assert str(found) == "CrashLoopBackOff (exit 1, 4 restarts): no database"


def test_an_out_of_memory_kill_is_named_under_the_crash_loop() -> None:
    found = pod_problem(pod(waiting("CrashLoopBackOff", 2, "exitCode: 137, reason: OOMKilled")))
    assert str(found) == "CrashLoopBackOff (exit 137, 2 restarts): OOMKilled"


def looks(*seen: tuple[float, Body], rules: FailFast | None = None) -> list[bool]:
    """Whether each look at a pod ends the wait."""
    history, results = PodHistory(), []
    for now_s, body in seen:
        history = observe_pod(history, body, now_s=now_s)
        problem = pod_problem(body)
        results.append(bool(problem) and is_final(problem, history, now_s=now_s, rules=rules or FailFast()))
    return results


def crash(restarts: int) -> Body:
    return pod(waiting("CrashLoopBackOff", restarts, "exitCode: 1"))


def test_a_crash_is_final_after_three_failures_and_a_minute() -> None:
    assert looks((0, crash(0)), (30, crash(2)), (59, crash(5)), (60, crash(5))) == [False, False, False, True]


def test_two_crashes_in_a_long_time_are_not_final() -> None:
    assert looks((0, crash(0)), (600, crash(1))) == [False, False]


def test_a_pod_that_recovers_starts_anew() -> None:
    healthy = pod("{name: main, ready: true, restartCount: 2, state: {running: {}}}")
    assert looks((0, crash(1)), (50, healthy), (61, crash(3)), (120, crash(4)), (122, crash(5))) == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_restarts_of_another_time_do_not_count() -> None:
    old = pod("{name: main, ready: true, restartCount: 50, state: {running: {}}}")
    assert looks((0, old), (1, crash(50)), (70, crash(51)), (80, crash(52))) == [False, False, False, True]


def test_being_up_between_two_crashes_does_not_start_anew() -> None:
    up = pod(
        "{name: main, ready: false, restartCount: 2, state: {running: {}}, lastState: {terminated: {exitCode: 1}}}"
    )
    assert looks((0, crash(1)), (40, up), (61, crash(3)))[-1]


def test_pulls_are_counted_by_the_back_off_of_the_kubelet() -> None:
    pull = pod(waiting("ImagePullBackOff"))
    assert looks((0, pull), (59, pull), (60, pull)) == [False, False, True]
    quick = FailFast(min_s=5)
    assert looks((0, pull), (29, pull), (30, pull), rules=quick) == [False, False, True]


def test_a_terminal_reason_is_final_at_once_and_nothing_is_when_it_is_off() -> None:
    bad = pod(waiting("InvalidImageName"))
    assert looks((0, bad)) == [True]
    assert looks((0, bad), (900, crash(9)), rules=FailFast(is_on=False)) == [False, False]


def test_an_unschedulable_pod_is_never_final() -> None:
    body = pod(phase="Pending", more=", conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]")
    assert looks((0, body), (9000, body)) == [False, False]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (pod(waiting("ImagePullBackOff"), phase="Pending"), False),
        (pod(waiting("ContainerCreating"), phase="Pending"), False),
        (pod(waiting("CrashLoopBackOff", 3, "exitCode: 1")), True),
        (pod("{name: main, state: {running: {}}}"), True),
        (pod("{name: main, state: {terminated: {exitCode: 1}}}"), True),
        (pod(READY), False),
        ({}, False),
    ],
)
def test_a_container_that_never_ran_has_no_log(body: Body, expected: bool) -> None:
    assert has_started(body, "main") is expected
