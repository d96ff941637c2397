"""A new pod of a StatefulSet that never becomes ready: an abort deletes it, or the old template would wait behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout, propose_abort
from bundler.errors.change import RolledBackError, StepFailedError
from bundler.model.change import Action
from bundler.model.rollout import OnFailure, RolloutRequest, Share
from tests.lib.stepped_worlds import images, shop
from tests.scenario.conftest import FAILING_IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.proposal import Proposal
    from tests.scenario.conftest import World

ONE = RolloutRequest(steps=(Share(1), Share(100, is_percent=True)))
BROKEN = "docker.io/library/broken:1"


def uids(world: World) -> dict[str, str]:
    return {name: body["metadata"]["uid"] for name, body in world.bodies("Pod").items()}


def check_back(world: World, before: dict[str, str]) -> None:
    assert images(world.cluster, world.operator.namespace, "shop-db") == {"web:1": 4}
    after = uids(world)
    assert {name for name in before if before[name] != after[name]} == {"shop-db-3"}
    assert world.operator.statuses() == ["deployed", "failed"]


def test_a_step_that_fails_takes_its_stuck_pod_away(failing_world: World, tmp_path: Path) -> None:
    world, bundle = failing_world, shop(tmp_path, "StatefulSet")
    world.operator.install(bundle)
    before = uids(world)
    with pytest.raises(RolledBackError):
        world.operator.upgrade(bundle, request={"steps": ONE}, image=BROKEN)
    check_back(world, before)


@FAILING_IN_MEMORY
def test_the_plan_of_an_abort_names_the_pod_that_it_deletes(failing_world: World, tmp_path: Path) -> None:
    world, bundle = failing_world, shop(tmp_path, "StatefulSet")
    world.operator.install(bundle)
    before, shown = uids(world), list["Proposal"]()
    paused = RolloutRequest(steps=ONE.steps, on_failure=OnFailure.PAUSE)
    with pytest.raises(StepFailedError):
        world.operator.upgrade(bundle, request={"steps": paused}, image=BROKEN)
    request = AbortRequest(release="shop", namespace=world.operator.namespace)

    def see(proposal: Proposal) -> bool:
        shown.append(proposal)
        return True

    abort_rollout(request, world.operator.ports(), RunOptions(fail_fast=world.operator.fail_fast), see)
    (proposal,) = shown
    deleted = [change for change in proposal.plan.changes if change.action is Action.DELETE]
    assert [(change.ref.short, change.reason) for change in deleted] == [
        ("Pod/shop-db-3", "new and not ready: StatefulSet/shop-db would wait for it")
    ]
    assert deleted[0].causes == (), "its reason says it"
    (stateful,) = [change for change in proposal.plan.changes if change.action is Action.UPDATE]
    notes = {one.field: cause.note for cause in stateful.causes for one in cause.fields}
    assert notes[".spec.updateStrategy.rollingUpdate.partition"] == "held back for the upgrade in steps"
    check_back(world, before)


def test_an_abort_deletes_no_pods_of_deployments_and_none_that_are_ready(sandbox_world: World, tmp_path: Path) -> None:
    world, bundle = sandbox_world, shop(tmp_path, "Deployment", "StatefulSet")
    world.operator.install(bundle)
    asked = RolloutRequest(steps=ONE.steps, pause_after="canary")
    assert world.operator.upgrade(bundle, request={"steps": asked}, image="docker.io/library/web:2").is_paused
    plan = propose_abort(AbortRequest(release="shop", namespace=world.operator.namespace), world.operator.ports()).plan
    changed = [change.ref.kind for change in plan.changes if change.action is not Action.NONE]
    assert changed == ["Deployment", "StatefulSet"]
