"""What of an upgrade in steps comes before its steps, what they are, and what waits for the finish."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action
from bundler.model.hooks import POINTS
from bundler.model.rollout import Pacing, Rollout, RolloutState, Share
from bundler.model.steps import Advance, Await, Delete, Paced, Pause, Until, Write
from bundler.planning.observation import Observation
from bundler.planning.order import effective_needs
from bundler.planning.pacing import paced
from bundler.planning.schedule import change_order, removal_order, schedule
from bundler.planning.stepping import is_held, stepped_workloads
from bundler.planning.stuck_pods import is_stuck_pod, stuck_pod_changes
from tests.lib.manifests import deployment, live_of, manifest
from tests.unit.planning.test_schedule import DIGESTS, before, change, step_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.change import Change
    from bundler.model.manifest import Manifest
    from bundler.model.steps import Step


def shares(text: str) -> tuple[Share, ...]:
    return tuple(map(Share.parse, text.split(",")))


WEB = Rollout(shares={"web": shares("1,50%")}, gates=("quiet",))


def workload(name: str, component: str, *, replicas: int = 4, kind: str = "Deployment") -> Change:
    """Return a change of the pods of a live workload."""
    new, old = (deployment(name, replicas=replicas, component=component, image=f"web:{n}") for n in (2, 1))
    live = live_of(manifest(kind, name, "apps/v1", spec=old.body["spec"]))
    one = manifest(kind, name, "apps/v1", component=component, spec=new.body["spec"])
    return change(one, Action.UPDATE, component, before=live)


def other(kind: str, name: str, component: str, version: str = "v1", **fields: object) -> Change:
    return change(manifest(kind, name, version, component=component), Action.UPDATE, component, **fields)


def hook(name: str, point: str, component: str) -> Change:
    one = manifest("Job", name, "batch/v1", component=component, metadata={"annotations": {"bundler.dev/hook": point}})
    return change(one, component=component, hook=POINTS[point])


def planned(
    *changes: Change, rollout: Rollout | None = WEB, needs: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Step, ...]:
    all_needs = effective_needs(frozenset(one.component for one in changes), needs or {})
    deletes = [one for one in changes if one.action is Action.DELETE and not is_stuck_pod(one)]
    others = [one for one in changes if one not in deletes]
    ordered = (*change_order(others, all_needs), *removal_order(deletes, all_needs))
    return schedule(ordered, all_needs, DIGESTS, rollout=rollout)


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps if isinstance(step, Advance | Pause)]


def comes_before(steps: tuple[Step, ...], one: Change, name: str) -> bool:
    """Return whether an object is written before the named step; otherwise it is after it."""
    (step,) = [step for step in steps if step.id == name]
    write = step_for(steps, one)
    is_before, is_after = write.id in before(steps, step), name in before(steps, write)
    assert is_before is not is_after
    return is_before


def test_a_plan_has_a_step_for_each_share_and_then_the_finish():
    steps = planned(workload("web", "web", replicas=5))
    assert names(steps) == ["step:1", "step:2"]
    first, second = (step for step in steps if isinstance(step, Advance))
    assert first.workloads == (Paced(ref=deployment().ref, share="1", pods=1, of=5),)
    assert second.workloads == (Paced(ref=deployment().ref, share="50%", pods=3, of=5),)
    assert (first.number, second.number, first.gates) == (1, 2, ("quiet",))
    assert not comes_before(steps, workload("web", "web"), "step:2")


@pytest.mark.parametrize(
    ("pause_after", "expected"),
    [
        ("none", ["step:1", "step:2"]),
        ("canary", ["step:1", "pause:1", "step:2"]),
        ("2", ["step:1", "step:2", "pause:2"]),
        ("each", ["step:1", "pause:1", "step:2", "pause:2"]),
    ],
)
def test_it_pauses_where_that_was_asked_for_and_what_follows_needs_the_pause(pause_after, expected):
    steps = planned(workload("web", "web"), rollout=replace(WEB, pause_after=pause_after))
    assert names(steps) == expected
    finish = before(steps, step_for(steps, workload("web", "web")))
    assert finish.issuperset(expected)


@pytest.mark.parametrize(
    ("step", "is_done", "expected"),
    [
        (1, True, ["step:2"]),
        (2, False, ["step:2"]),
        (2, True, []),
        (3, False, []),
    ],
)
def test_a_plan_that_continues_leaves_out_the_steps_that_are_done(step, is_done, expected):
    assert names(planned(workload("web", "web"), rollout=replace(WEB, step=step, is_done=is_done))) == expected


def test_one_step_moves_the_workloads_of_all_stepped_components():
    rollout = Rollout(shares={"web": shares("1"), "db": shares("50%")})
    stateful = workload("db", "db", kind="StatefulSet")
    steps = planned(workload("web", "web"), stateful, rollout=rollout, needs={"web": ("db",)})
    (advance,) = [step for step in steps if isinstance(step, Advance)]
    assert [(one.ref.name, one.pods) for one in advance.workloads] == [("db", 2), ("web", 1)]
    assert step_for(steps, stateful).id in before(steps, step_for(steps, workload("web", "web")))


@pytest.mark.parametrize(
    "one",
    [
        other("ConfigMap", "settings", "web"),
        other("Service", "web", "web"),
        other("ServiceAccount", "web", "web"),
        other("Job", "migrate-12345678", "web", "batch/v1"),
        hook("first", "before-upgrade", "web"),
        hook("first", "before-upgrade", ""),
        workload("log", "log"),
        workload("db", "db"),
    ],
    ids=lambda one: f"{one.ref.short} of {one.component or 'the bundle'}",
)
def test_before_the_steps_comes_what_does_not_depend_on_how_many_pods_are_new(one):
    steps = planned(workload("web", "web"), one, needs={"web": ("db",)})
    assert comes_before(steps, one, "step:1")


@pytest.mark.parametrize(
    "one",
    [
        other("HorizontalPodAutoscaler", "web", "web", "autoscaling/v2"),
        other("PodDisruptionBudget", "web", "web", "policy/v1"),
        other("Ingress", "web", "web", "networking.k8s.io/v1"),
        other("ValidatingWebhookConfiguration", "web", "web", "admissionregistration.k8s.io/v1"),
        other("Thing", "web", "web", "t.example/v1"),
        other("Thing", "web", "web", "t.example/v1", is_judged=True),
        workload("logs", "web", kind="DaemonSet"),
        change(deployment("added", component="web"), component="web"),
        hook("last", "after-upgrade", "web"),
        hook("last", "after-upgrade", ""),
        hook("first", "before-upgrade", "ui"),
        other("ConfigMap", "ui", "ui"),
        workload("ui", "ui"),
        workload("portal", "portal"),
        change(manifest("ConfigMap", "old", component="log"), Action.DELETE, "log"),
        change(manifest("ConfigMap", "old", component="web"), Action.DELETE, "web"),
    ],
    ids=lambda one: f"{one.action} {one.ref.short} of {one.component or 'the bundle'}",
)
def test_what_depends_on_the_new_pods_waits_for_the_finish(one):
    between = other("ConfigMap", "between", "ui")
    steps = planned(workload("web", "web"), between, one, needs={"ui": ("web",), "portal": ("ui",)})
    assert not comes_before(steps, one, "step:2")


def test_jobs_of_a_stepped_component_are_complete_before_its_first_step():
    job = other("Job", "migrate-12345678", "web", "batch/v1")
    steps = planned(workload("web", "web"), job)
    (wait,) = [step for step in steps if isinstance(step, Await) and step.until is Until.COMPLETE]
    assert wait.refs == (job.ref,)
    assert wait.id in before(steps, next(step for step in steps if step.id == "step:1"))


def test_a_component_that_goes_whole_is_ready_before_the_first_step():
    steps = planned(workload("web", "web"), workload("log", "log"))
    assert "ready:log" in before(steps, next(step for step in steps if step.id == "step:1"))


def test_all_of_a_stepped_component_is_ready_after_the_finish():
    service = other("Service", "web", "web")
    steps = planned(workload("web", "web"), service)
    (ready,) = [step for step in steps if isinstance(step, Await)]
    assert set(ready.refs) == {service.ref, deployment().ref}
    assert step_for(steps, workload("web", "web")).id in before(steps, ready)


@pytest.mark.parametrize(
    ("kind", "pacing"), [("Deployment", Pacing(surge=1, unavailable=0)), ("StatefulSet", Pacing(partition=3))]
)
def test_a_workload_that_is_held_already_is_stepped_although_its_template_is_the_new_one(kind, pacing):
    one = workload("web", "web", kind=kind)
    one = replace(one, before=live_of(paced(_desired(one), pacing)))
    assert stepped_workloads([one], WEB) == (one,)
    settled = replace(one, before=live_of(_desired(one)))
    assert stepped_workloads([settled], WEB) == ()
    assert names(planned(settled)) == []


def test_a_partition_of_the_author_holds_nothing_back():
    one = workload("web", "web", kind="StatefulSet")
    own = paced(_desired(one), Pacing(partition=3))
    assert not is_held(replace(one, desired=own, before=live_of(own)))


def _desired(one: Change) -> Manifest:
    assert one.desired is not None
    return one.desired


def stuck_pod(owner: str) -> tuple[object, dict[str, object]]:
    owners = [{"kind": "StatefulSet", "name": owner, "controller": True}]
    pod = manifest("Pod", f"{owner}-3", metadata={"ownerReferences": owners})
    return pod.ref, live_of(pod)


def test_an_abort_has_no_steps_and_deletes_stuck_pods_after_their_set_and_before_it_is_waited_for():
    stateful, service = workload("db", "db", kind="StatefulSet"), other("Service", "db", "db")
    seen = Observation(live={}, stuck_pods=dict([stuck_pod("db"), stuck_pod("unknown")]))
    (pod,) = stuck_pod_changes([stateful, service], seen)
    assert (pod.action, pod.component, pod.live_uid) == (Action.DELETE, "db", "live-1")
    assert pod.reason == "new and not ready: StatefulSet/db would wait for it"
    aborting = Rollout(shares={"db": shares("1")}, state=RolloutState.ABORTING)
    steps = planned(stateful, service, pod, workload("web", "web"), rollout=aborting, needs={"web": ("db",)})
    assert names(steps) == []
    (delete,) = [step for step in steps if isinstance(step, Delete)]
    assert [target.ref for target in delete.targets] == [pod.ref]
    assert step_for(steps, stateful).id in before(steps, delete)
    ready = next(step for step in steps if step.id == "ready:db")
    assert delete.id in before(steps, ready)
    assert sum(isinstance(step, Write) for step in steps) == 3
