"""How long pods have been ready, by our own clock."""

from __future__ import annotations

from typing import Any

from bundler.health.pod_ages import PodAges, is_active
from bundler.health.pods import FailFast


def pod(
    name: str, *, is_ready: bool = True, restarts: int = 0, waiting: str = "", phase: str = "Running"
) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting, "message": "why"}} if waiting else {"running": {}}
    container = {"name": "main", "ready": is_ready, "restartCount": restarts, "state": state}
    ready = {"type": "Ready", "status": "True" if is_ready else "False"}
    status = {"phase": phase, "conditions": [ready], "containerStatuses": [container]}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": {}, "status": status}


def ages() -> PodAges:
    return PodAges(FailFast(min_failures=1, min_s=5))


def test_a_new_pod_counts_once_it_has_been_ready_for_the_authors_seconds_since_it_was_first_seen_ready() -> None:
    seen, pods = ages(), [pod("a"), pod("b", is_ready=False)]
    for now_s, ready in ((100, 0), (109, 0), (110, 1)):
        seen.look(now_s, pods)
        count = seen.count(pods, wanted=3, min_ready_s=10, is_new=True)
        assert (count.there, count.ready, count.wanted, count.oldest_ready_s) == (2, ready, 3, now_s - 100)


def test_an_old_pod_that_was_ready_at_first_sight_counts_at_once_and_one_that_comes_later_does_not() -> None:
    seen, before, later = ages(), pod("a"), pod("b")
    seen.look(0, [before])
    seen.look(5, [before, later])
    assert seen.count([before, later], wanted=2, min_ready_s=10, is_new=False).ready == 1
    assert seen.count([before, later], wanted=2, min_ready_s=10, is_new=True).ready == 0


def test_lost_readiness_and_a_restart_between_two_looks_begin_the_time_again() -> None:
    seen = ages()
    for now_s, one in ((0, pod("a")), (5, pod("a", is_ready=False)), (8, pod("a")), (20, pod("a", restarts=1))):
        seen.look(now_s, [one])
        found = seen.count([one], wanted=1, min_ready_s=0, is_new=True)
        assert found.oldest_ready_s == 0
    assert found.restarts == 1


def test_a_pod_that_fails_for_good_is_named_and_why() -> None:
    seen, broken = ages(), pod("a", is_ready=False, waiting="ErrImageNeverPull")
    seen.look(0, [broken])
    assert seen.count([broken], wanted=1, min_ready_s=0, is_new=True).failed == ("pod a: ErrImageNeverPull: why",)
    crashing = pod("b", is_ready=False, waiting="CrashLoopBackOff")
    for now_s, failures in ((0, 0), (4, 0), (6, 1)):
        seen.look(now_s, [crashing])
        assert len(seen.count([crashing], wanted=1, min_ready_s=0, is_new=True).failed) == failures


def test_a_pod_that_was_evicted_or_ended_does_not_count() -> None:
    assert [is_active(pod("a", phase=phase)) for phase in ("Running", "Pending", "Failed", "Succeeded")] == [
        True,
        True,
        False,
        False,
    ]
