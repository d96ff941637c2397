"""What a run makes of the steps of its plan, whoever made them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.change.make_plan import in_steps, make_plan
from bundler.actions.release.lifecycle import RunOptions, carry_out
from bundler.errors import InterruptedRunError
from bundler.model.change import Action, Change, Plan
from bundler.model.events import ChangeFinished, PhaseStarted
from bundler.model.rollout import Rollout, Share
from bundler.model.steps import Advance, Delete, Pause, Write
from bundler.planning.observation import Observation
from bundler.planning.payloads import Digester, Mask, payload_of
from bundler.planning.schedule import schedule
from bundler.planning.stuck_pods import stuck_pod_changes
from bundler.wire.plan import parse_plan, plan_document
from tests.lib.manifests import manifest

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Proposal
    from tests.scenario.conftest import World


def with_plan(proposal: Proposal, plan: Plan) -> Proposal:
    return replace(proposal, planned=replace(proposal.planned, plan=plan))


def do(world: World, proposal: Proposal) -> None:
    """Carry a proposal out, as the verbs do once they hold the lock."""
    ports = world.operator.ports()
    with ports.lock.hold(world.operator.namespace, "shop", doing="tests", timeout_s=0.0) as held:
        carry_out(proposal, ports.under(held), RunOptions(fail_fast=world.operator.fail_fast), held)


def test_a_plan_that_was_stored_and_read_again_is_carried_out_like_any_other(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    proposal = world.operator.diff(world.menu, text="stored")
    stored = parse_plan(json.loads(json.dumps(plan_document(proposal.plan))))
    do(world, with_plan(proposal, replace(stored, changes=proposal.plan.changes)))
    assert world.operator.statuses() == ["superseded", "deployed"]
    assert world.operator.diff(world.menu, text="stored").plan.is_empty


def test_a_pause_ends_the_run_before_what_needs_it_and_the_same_command_goes_on(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    proposal = world.operator.diff(world.menu, text="paused")
    steps = proposal.plan.steps
    first = next(step for step in steps if isinstance(step, Write))
    pause = Pause(id="pause:canary", needs=(first.id,), reason="after the canary")
    held_back = [
        replace(step, needs=(*step.needs, pause.id)) if first.id in step.needs else step
        for step in steps[steps.index(first) + 1 :]
    ]
    paused = (*steps[: steps.index(first) + 1], pause, *held_back)
    with pytest.raises(InterruptedRunError) as raised:
        do(world, with_plan(proposal, replace(proposal.plan, steps=paused)))
    assert raised.value.context[0] == "the plan pauses here: after the canary"
    assert world.operator.statuses() == ["deployed", "interrupted"]
    waited = [event.name for event in world.operator.events if isinstance(event, PhaseStarted)]
    assert waited[-1] == "applying"
    world.operator.upgrade(world.menu, text="paused")
    assert world.operator.statuses()[-1] == "deployed"


def test_a_plan_names_the_live_object_that_each_write_and_delete_is_meant_for(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    plan = world.operator.diff(world.menu, text="other").plan
    targets = [target for step in plan.steps if isinstance(step, Write | Delete) for target in step.targets]
    assert targets
    for target in targets:
        live = world.cluster.get(target.ref)
        assert target.live_uid == (live["metadata"]["uid"] if live else "")  # type: ignore[index, call-overload]


def test_a_plan_is_put_into_steps_without_asking_the_cluster_again(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    proposal = world.operator.diff(world.menu, text="stepped", image="docker.io/library/web:2")
    rollout = Rollout(shares={"": (Share(50, is_percent=True),)})
    planned = in_steps(proposal.planned, rollout)
    assert planned.plan.changes == proposal.plan.changes
    assert planned.wanted.rollout == rollout
    assert [step.number for step in planned.plan.steps if isinstance(step, Advance)] == [1]
    targets = {target for step in planned.plan.steps if isinstance(step, Write) for target in step.targets}
    assert targets == {target for step in proposal.plan.steps if isinstance(step, Write) for target in step.targets}
    again = make_plan(planned.wanted, world.cluster)
    assert again.plan.steps == planned.plan.steps


def test_a_stuck_pod_is_deleted_before_its_set_is_waited_for_and_counts_as_no_pruning(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "1", "controller": True}
    pod = manifest("Pod", "db-3", namespace=world.operator.namespace, metadata={"ownerReferences": [owner]})
    body = {**pod.body, "spec": {"containers": [{"name": "db", "image": "db:2"}]}}
    live = world.cluster.create(payload_of(replace(pod, body=body), None)).body
    proposal = world.operator.diff(world.menu, text="back")
    stateful = Change(ref=replace(pod.ref, group="apps", kind="StatefulSet", name="db"), action=Action.NONE)
    seen = Observation(live={}, stuck_pods={pod.ref: live})
    changes = (*proposal.plan.changes, stateful, *stuck_pod_changes([stateful], seen))
    digests = Digester(Mask(proposal.planned.wanted), proposal.planned.payloads)
    steps = schedule(changes, {one.component: () for one in changes}, digests)
    assert any(isinstance(step, Delete) for step in steps)
    do(world, with_plan(proposal, Plan(changes=changes, steps=steps)))
    assert ChangeFinished(pod.ref, Action.DELETE) in world.operator.events
    assert world.cluster.get(pod.ref) is None
    assert "pruning" not in [event.name for event in world.operator.events if isinstance(event, PhaseStarted)]
    assert world.operator.statuses() == ["superseded", "deployed"]
