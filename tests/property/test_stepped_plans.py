"""Laws of a plan with steps: it does what the plan without them does, and nothing too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings, strategies as st

from bundler.model.change import Action, Change
from bundler.model.hooks import POINTS
from bundler.model.rollout import Rollout, RolloutState, Share
from bundler.model.steps import Advance, Await, Delete, Pause, RunJob, Until, Write
from bundler.planning.order import effective_needs
from bundler.planning.schedule import change_order, removal_order, schedule
from bundler.planning.stepping import stepped_workloads
from tests.lib.laws import examples
from tests.lib.manifests import deployment, live_of, manifest
from tests.unit.planning.test_schedule import DIGESTS, before, step_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.steps import Step

COMPONENTS = ("", "a", "a/x", "b", "c", "d")
KINDS = {
    "ConfigMap": "v1",
    "Service": "v1",
    "Namespace": "v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "Thing": "t.example/v1",
}
FOR_THE_FINISH = {"HorizontalPodAutoscaler", "Ingress", "ValidatingWebhookConfiguration", "DaemonSet", "Thing"}
SHARES = st.builds(Share, st.integers(1, 99), st.booleans())
ACTIONS = st.sampled_from([Action.CREATE, Action.UPDATE, Action.NONE, Action.DELETE])


@st.composite
def changes(draw: st.DrawFn) -> tuple[Change, ...]:
    """Changes of any objects in any components, hooks among them."""
    count = draw(st.integers(1, 12))
    return tuple(_change(draw, f"one-{number}") for number in range(count))


def _change(draw: st.DrawFn, name: str) -> Change:
    component, kind = draw(st.sampled_from(COMPONENTS)), draw(st.sampled_from(sorted(KINDS)))
    point = draw(st.sampled_from([*["before-upgrade", "after-upgrade"], *[""] * 6]))
    notes = {"metadata": {"annotations": {"bundler.dev/hook": point}}} if point else {}
    spec = deployment(image=draw(st.sampled_from(["web:1", "web:2"]))).body["spec"]
    one = manifest(kind, name, KINDS[kind], component=component, spec=spec, **notes)
    action = draw(ACTIONS.filter(lambda action: not point or action is not Action.DELETE))
    old = manifest(kind, name, KINDS[kind], component=component, spec=deployment().body["spec"], **notes)
    return Change(
        ref=one.ref,
        action=action,
        component=component,
        desired=None if action is Action.DELETE else one,
        before=None if action is Action.CREATE else live_of(old),
        hook=POINTS[point] if point else None,
        is_verified=draw(st.booleans()),
    )


@st.composite
def needs(draw: st.DrawFn) -> Mapping[str, tuple[str, ...]]:
    """Needs without circles: of a later component on earlier ones."""
    named = COMPONENTS[1:]
    found = {
        name: tuple(draw(st.lists(st.sampled_from(named[:at]), max_size=2, unique=True))) if at else ()
        for at, name in enumerate(named)
    }
    return {name: tuple(one for one in others if not name.startswith(one)) for name, others in found.items()}


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    length = draw(st.integers(1, 4))
    stepped = draw(st.lists(st.sampled_from(COMPONENTS), min_size=1, max_size=3, unique=True))
    return Rollout(
        shares={name: tuple(draw(SHARES) for _ in range(length)) for name in stepped},
        step=draw(st.integers(1, length + 1)),
        is_done=draw(st.booleans()),
        pause_after=draw(st.sampled_from(["canary", "each", "none", "2"])),
    )


def plan(all_changes: Sequence[Change], declared: Mapping[str, tuple[str, ...]], rollout: Rollout | None) -> list[Step]:
    all_needs = effective_needs(frozenset(one.component for one in all_changes), declared)
    deletes = [one for one in all_changes if one.action is Action.DELETE]
    others = [one for one in all_changes if one.action is not Action.DELETE]
    ordered = (*change_order(others, all_needs), *removal_order(deletes, all_needs))
    return list(schedule(ordered, all_needs, DIGESTS, rollout=rollout))


def targets(steps: Sequence[Step]) -> list[object]:
    found = [target for step in steps if isinstance(step, Write | Delete) for target in step.targets]
    found += [step.target for step in steps if isinstance(step, RunJob)]
    return sorted(found, key=lambda target: target.ref)


def of_finish(all_changes: Sequence[Change], declared: Mapping[str, tuple[str, ...]], rollout: Rollout) -> list[Change]:
    """Return what may not be touched before the last step, said in another way than the planner does."""
    there = frozenset(one.component for one in all_changes if one.action is not Action.DELETE)
    all_needs = effective_needs(there, declared)
    stepped = {one.component for one in all_changes if one.hook is None and one.desired}.intersection(rollout.shares)
    needing = set(stepped)
    for _ in COMPONENTS:
        needing |= {name for name, others in all_needs.items() if needing.intersection(others)}
    needing -= stepped
    workloads = stepped_workloads(all_changes, rollout)
    return [
        one
        for one in all_changes
        if one.action is Action.DELETE
        or one in workloads
        or (one.component in needing and one.ref.kind != "Namespace")
        or (one.component in stepped and one.hook is None and one.ref.kind in FOR_THE_FINISH)
        or (one.component in stepped and one.hook is POINTS["after-upgrade"])
    ]


@settings(max_examples=examples(150), deadline=None)
@given(changes(), needs(), rollouts())
def test_steps_add_nothing_to_what_is_written_and_take_nothing_away(all_changes, declared, rollout):
    assert targets(plan(all_changes, declared, rollout)) == targets(plan(all_changes, declared, None))


@settings(max_examples=examples(150), deadline=None)
@given(changes(), needs(), rollouts())
def test_every_step_needs_only_earlier_ones_and_has_a_name_of_its_own(all_changes, declared, rollout):
    seen: set[str] = set()
    for step in plan(all_changes, declared, rollout):
        assert seen.issuperset(step.needs)
        assert step.id not in seen
        seen.add(step.id)


@settings(max_examples=examples(150), deadline=None)
@given(changes(), needs(), rollouts())
def test_nothing_that_waits_for_the_finish_comes_before_the_last_step(all_changes, declared, rollout):
    steps = plan(all_changes, declared, rollout)
    last = [step.id for step in steps if isinstance(step, Advance | Pause)][-1:]
    for one in of_finish(all_changes, declared, rollout):
        if one.action is not Action.NONE:
            assert before(steps, step_for(steps, one)).issuperset(last)


@settings(max_examples=examples(150), deadline=None)
@given(changes(), needs(), rollouts())
def test_steps_go_up_from_the_one_that_is_next_and_the_finish_has_none(all_changes, declared, rollout):
    steps = plan(all_changes, declared, rollout)
    numbers = [step.number for step in steps if isinstance(step, Advance)]
    left = list(range(rollout.next_step, rollout.steps))
    assert numbers == (left if stepped_workloads(all_changes, rollout) else [])


@settings(max_examples=examples(100), deadline=None)
@given(changes(), needs(), rollouts())
def test_everything_that_pods_read_is_written_and_jobs_are_complete_before_the_first_step(
    all_changes, declared, rollout
):
    steps = plan(all_changes, declared, rollout)
    first = next((step for step in steps if isinstance(step, Advance)), None)
    if first is None:
        return
    earlier = before(steps, first)
    complete = {ref for step in steps if isinstance(step, Await) and step.until is Until.COMPLETE for ref in step.refs}
    for one in all_changes:
        if one.component in rollout.shares and one.hook is None and one.action in {Action.CREATE, Action.UPDATE}:
            if one.ref.kind in {"ConfigMap", "Service", "Job", "RoleBinding"}:
                assert step_for(steps, one).id in earlier
            if one.ref.kind == "Job":
                assert one.ref in complete


@settings(max_examples=examples(100), deadline=None)
@given(changes(), needs(), rollouts())
def test_an_abort_writes_what_a_plan_without_steps_does_and_no_component_waits_for_another(
    all_changes, declared, rollout
):
    aborting = Rollout(shares=rollout.shares, state=RolloutState.ABORTING)
    steps = plan(all_changes, declared, aborting)
    assert targets(steps) == targets(plan(all_changes, declared, None))
    if all(one.hook is None for one in all_changes):
        waits = {step.id: step.component for step in steps if isinstance(step, Await) and step.until is Until.READY}
        for step in steps:
            if isinstance(step, Write) and step.component:
                assert {waits[name] for name in before(steps, step) if name in waits} <= {step.component}
