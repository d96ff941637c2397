"""A rollout is paused at every kind of moment of the run that moves it: the run ends in good order, wherever it was."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.pause import PauseRequest, pause
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors import UsageError
from bundler.model.rollout import RolloutRequest, RolloutState, Share
from tests.lib.clocks import FakeClock
from tests.lib.faulty import Call, FaultyCluster, that_differ
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import images, shop
from tests.scenario.conftest import _sandbox_world

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from tests.scenario.conftest import World

STEPS = RolloutRequest(steps=(Share.parse("1"), Share.parse("50%")), pause_after="none")


class Pausing:
    """Pauses the rollout just before the call of this number, as someone else would."""

    def __init__(self, world: World, number: int) -> None:
        self.number, self.calls, self.has_paused = number, list[Call](), False
        self._bob = world.another_operator()

    def __call__(self, call: Call) -> bool:
        self.calls.append(call)
        if len(self.calls) == self.number:
            with contextlib.suppress(UsageError):  # it has ended, or is at its last step
                pause(PauseRequest(release="shop", namespace="prod", user="bob"), self._bob.ports())
                self.has_paused = True
        return False


def new_world(folder: Path) -> World:
    clock = FakeClock()
    return _sandbox_world(shop(folder), clock, open_sandbox(clock))


def run(world: World, number: int) -> tuple[Pausing, ChangeResult]:
    operator = world.operator
    operator.install(world.menu)
    cluster = operator.cluster
    faulty, pausing = FaultyCluster(cluster, counts=lambda _verb, dry: not dry), Pausing(world, number)
    faulty.fail_when(pausing)
    operator.cluster = faulty
    result = operator.upgrade(world.menu, request={"steps": STEPS}, image="docker.io/library/web:2")
    operator.cluster = cluster
    return pausing, result


def recorded_at(calls: list[Call]) -> int:
    """Return the number of the call that records the revision: nothing can be paused before."""
    is_head = (call.verb == "create" and call.ref is not None and ".release." in call.ref.name for call in calls)
    return list(is_head).index(True) + 1


@pytest.mark.slow
def test_whenever_it_is_paused_the_run_ends_in_good_order_and_can_be_continued(tmp_path: Path) -> None:
    calls = run(new_world(tmp_path / "0"), 0)[0].calls
    seen = set()
    for number in (number for number in that_differ(calls) if number > recorded_at(calls)):
        world = new_world(tmp_path / str(number))
        pausing, result = run(world, number)
        newest = world.operator.history()[-1]
        assert pausing.has_paused is result.is_paused is (newest.rollout is not None), calls[number - 1]
        seen.add(result.is_paused)
        if newest.rollout is not None:
            assert (newest.rollout.state, newest.rollout.by) == (RolloutState.PAUSED, "bob"), calls[number - 1]
            request = ContinueRequest(release="shop", namespace="prod")
            options = RunOptions(fail_fast=world.operator.fail_fast)
            continue_rollout(request, world.operator.ports(), options, lambda _proposal: True)
        assert world.operator.statuses() == ["superseded", "deployed"], calls[number - 1]
        assert images(world.cluster, "prod") == {"web:2": 4}, calls[number - 1]
    assert seen == {False, True}
