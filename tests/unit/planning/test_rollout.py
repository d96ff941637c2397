"""What is done next in a rollout, whatever is found: the states that a run may leave behind, and what others do."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.model.rollout import (
    AskGates,
    AuthorPace,
    Fail,
    Finished,
    Hold,
    Look,
    Pacing,
    PodCount,
    Restore,
    Rollout,
    RolloutState,
    SeenWorkload,
    Share,
    Stop,
    Template,
)
from bundler.planning.rollout import next_action, once_held

WEB = ObjectRef("apps", "Deployment", "shop", "web")
API = ObjectRef("apps", "Deployment", "shop", "api")
DB = ObjectRef("apps", "StatefulSet", "shop", "db")
SHARES = {"web": (Share.parse("10%"), Share.parse("50%")), "api": (Share.parse("10%"), Share.parse("50%"))}
CANARY = Pacing(surge="10%", unavailable=0)
HALF = Pacing(surge="25%", unavailable="25%")


def rollout(**about: Any) -> Rollout:
    return Rollout(shares=SHARES, **about)


def pods(wanted: int, **about: Any) -> PodCount:
    found: dict[str, Any] = {"wanted": wanted, "there": wanted, "ready": wanted} | about
    return PodCount(**found)


def before(ref: ObjectRef = WEB, **about: Any) -> SeenWorkload:
    """A workload of ten pods as it is before the first step."""
    found: dict[str, Any] = {"component": ref.name, "replicas": 10, "template": Template.OLD, "pacing": None}
    return SeenWorkload(ref=ref, **found | {"old": pods(10), "new": pods(0)} | about)


def canary(ref: ObjectRef = WEB, **about: Any) -> SeenWorkload:
    """One new pod beside ten old ones."""
    return before(ref, **{"template": Template.NEW, "pacing": CANARY, "new": pods(1)} | about)


def half(ref: ObjectRef = WEB, **about: Any) -> SeenWorkload:
    return canary(ref, **{"pacing": HALF, "old": pods(8), "new": pods(5)} | about)


def db(**about: Any) -> SeenWorkload:
    """A StatefulSet of four, of which the last is new."""
    author = AuthorPace(surge=0, unavailable=1, partition=0)
    found: dict[str, Any] = {
        "author": author,
        "replicas": 4,
        "pacing": Pacing(partition=3),
        "old": pods(3),
        "component": "web",
    }
    return canary(DB, **found | about)


@pytest.mark.parametrize(
    ("step", "seen", "action"),
    [
        pytest.param(1, [before()], Hold(ref=WEB, pacing=CANARY), id="nothing is written yet"),
        pytest.param(2, [before()], Hold(ref=WEB, pacing=HALF), id="the template was taken back: from the beginning"),
        pytest.param(1, [canary()], AskGates(step=1), id="its share is there"),
        pytest.param(2, [canary()], Hold(ref=WEB, pacing=HALF), id="held below its share: a step further"),
        pytest.param(2, [half()], AskGates(step=2), id="the second share is there"),
        pytest.param(1, [half()], AskGates(step=1), id="further than its share: it stays"),
        pytest.param(1, [canary(), before(API)], Hold(ref=API, pacing=CANARY), id="one of two is written"),
        pytest.param(1, [canary(), canary(API)], AskGates(step=1), id="both are there"),
        pytest.param(1, [db()], AskGates(step=1), id="the last pod of a stateful set is there"),
        pytest.param(2, [db()], Hold(ref=DB, pacing=Pacing(partition=2)), id="a stateful set goes down to the half"),
        pytest.param(
            1,
            [before(replicas=0, old=pods(0))],
            Hold(ref=WEB, pacing=Pacing(surge=1, unavailable=0)),
            id="scaled to nothing: the new template is written all the same",
        ),
        pytest.param(1, [canary(replicas=0, old=pods(0), new=pods(0))], AskGates(step=1), id="nothing to be ready"),
        pytest.param(3, [half()], Finished(state=RolloutState.MOVING), id="the finish is written like any change"),
    ],
)
def test_a_step_goes_on_from_wherever_it_is(step: int, seen: list[SeenWorkload], action: object) -> None:
    assert next_action(rollout(step=step), seen) == action
    assert next_action(rollout(step=step, state=RolloutState.SOAKING), seen) in (
        action,
        Finished(state=RolloutState.SOAKING),
    )


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        pytest.param(canary(new=pods(1, ready=0)), "0 of 1 new pods are ready", id="not ready, or not for long enough"),
        pytest.param(
            canary(is_settled=False), "1 of 1 new pods are ready", id="its controller has not seen the change"
        ),
        pytest.param(canary(new=pods(0)), "0 of 0 new pods are ready", id="its controller has not begun"),
        pytest.param(half(old=pods(10)), "5 of 5 new pods are ready", id="old pods are still to go"),
        pytest.param(canary(old=pods(10, ready=9)), "9 of 10 old pods are ready", id="an old pod is no longer ready"),
        pytest.param(before(old=pods(10, ready=9)), "9 of 10 old pods are ready", id="not even before it begins"),
    ],
)
def test_what_is_not_ready_is_waited_for_and_named(seen: SeenWorkload, words: str) -> None:
    assert next_action(rollout(step=2), [seen]) == Look(waiting=(f"Deployment/web: {words}",))


def test_old_pods_may_be_as_broken_as_they_were_when_it_began() -> None:
    seen = [canary(old=pods(10, ready=8)), canary(API, old=pods(10, ready=9))]
    assert next_action(rollout(start_broken=3), seen) == AskGates(step=1)
    waiting = ("Deployment/web: 8 of 10 old pods are ready", "Deployment/api: 9 of 10 old pods are ready")
    assert next_action(rollout(start_broken=2), seen) == Look(waiting=waiting)


def test_each_workload_goes_as_fast_as_it_can() -> None:
    seen = [canary(new=pods(1, ready=0)), canary(API)]
    assert next_action(rollout(step=2), seen) == Hold(ref=API, pacing=HALF)


def test_workloads_are_written_one_after_the_other_without_a_look_in_between() -> None:
    first = (before(), half(API, is_contested=True))
    second = once_held(first, Hold(ref=API, pacing=HALF))
    assert next_action(rollout(), second) == Hold(ref=WEB, pacing=CANARY)
    third = once_held(second, Hold(ref=WEB, pacing=CANARY))
    waiting = ("Deployment/web: 0 of 0 new pods are ready", "Deployment/api: 5 of 5 new pods are ready")
    assert next_action(rollout(), third) == Look(waiting=waiting)


def test_a_pod_that_has_failed_for_good_fails_the_step_at_once_with_all_that_failed() -> None:
    failed = pods(1, ready=0, failed=("pod web-x: ErrImagePull",))
    seen = [canary(new=failed), before(API), canary(API, new=replace(failed, failed=("pod api-x: Error",)))]
    lines = ("Deployment/web: pod web-x: ErrImagePull", "Deployment/api: pod api-x: Error")
    assert next_action(rollout(), seen) == Fail(lines=lines)


@pytest.mark.parametrize("others", [(), ("kubectl-set",), ("kubectl-set", "argocd")])
def test_a_template_that_others_wrote_stops_it_and_they_are_named(others: tuple[str, ...]) -> None:
    who = " and ".join(others) or "someone else"
    lines = (f"Deployment/web: {who} wrote its pod template, which is neither the old nor the new one",)
    assert next_action(rollout(), [canary(template=Template.OTHER, others=others)]) == Stop(lines=lines)


@pytest.mark.parametrize(
    ("seen", "pacing"),
    [
        (canary(is_contested=True), Pacing(surge=1, unavailable=0)),
        (canary(is_contested=True, is_settled=False, old=pods(6), new=pods(7, ready=1)), (3, "40%")),
        (canary(pacing=None, old=pods(4), new=pods(6)), (0, "60%")),
        (db(is_contested=True, pacing=Pacing(partition=1), old=pods(1), new=pods(3, there=2)), 2),
        (db(pacing=None, old=pods(0), new=pods(4, there=1)), 3),
    ],
)
def test_pacing_that_others_changed_is_put_back_where_it_stands_once(
    seen: SeenWorkload, pacing: Pacing | tuple[int, str] | int
) -> None:
    wanted = Pacing(partition=pacing) if isinstance(pacing, int) else pacing
    held = wanted if isinstance(wanted, Pacing) else Pacing(surge=wanted[0], unavailable=wanted[1])
    reason = "kubectl-edit changed how far its new pods may go: it is put back once"
    found = replace(seen, others=("kubectl-edit",))
    assert next_action(rollout(), [found]) == Hold(ref=seen.ref, pacing=held, reason=reason)
    again = f"{seen.ref.short}: kubectl-edit changed how far its new pods may go, again after it was put back"
    assert next_action(rollout(), [replace(found, was_put_back=True)]) == Stop(lines=(again,))


def test_a_paused_rollout_does_nothing_whatever_is_found() -> None:
    paused = rollout(state=RolloutState.PAUSED)
    for seen in (before(), canary(template=Template.OTHER), canary(is_contested=True)):
        assert next_action(paused, [seen]) == Finished(state=RolloutState.PAUSED)


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        pytest.param([canary(), before(API)], Restore(refs=(WEB,)), id="one of two has the new template"),
        pytest.param([canary(template=Template.OTHER)], Restore(refs=(WEB,)), id="others wrote it"),
        pytest.param([before(pacing=CANARY)], Restore(refs=(WEB,)), id="it is still held"),
        pytest.param(
            [before(new=pods(1))], Look(waiting=("Deployment/web: new pods still there: 1",)), id="new pods go"
        ),
        pytest.param([before(), before(API)], Finished(state=RolloutState.ABORTING), id="all is as before"),
        pytest.param([db()], Restore(refs=(DB,)), id="a stateful set with a new pod"),
        pytest.param(
            [db(template=Template.OLD, new=pods(1, ready=0))],
            Restore(refs=(DB,)),
            id="a new pod that blocks the old ones",
        ),
        pytest.param(
            [db(template=Template.OLD)],
            Look(waiting=("StatefulSet/db: new pods still there: 1",)),
            id="it goes itself",
        ),
        pytest.param(
            [db(template=Template.OLD, old=pods(4), new=pods(0))],
            Finished(state=RolloutState.ABORTING),
            id="a stateful set as before",
        ),
    ],
)
def test_an_abort_brings_back_what_is_not_as_before_and_waits_for_new_pods_to_go(
    seen: list[SeenWorkload], action: object
) -> None:
    assert next_action(rollout(state=RolloutState.ABORTING, step=2), seen) == action
