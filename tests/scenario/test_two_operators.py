"""Someone else changes the release between our look and our lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.change import LockLostError
from bundler.model.events import PhaseStarted
from bundler.storage.lock import break_lock, read_lock
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.events import Event
    from tests.scenario.conftest import World


def meanwhile(world: World, act: Callable[[], Any]) -> None:
    """Let ``act`` happen once, after the first plan was shown."""
    todo = [act]

    def once(_proposal: object) -> None:
        if todo:
            todo.pop()()

    world.operator.before_apply = once


def test_the_same_upgrade_by_two_is_recorded_once(world: World) -> None:
    world.operator.install(world.menu)
    other = world.another_operator()
    meanwhile(world, lambda: other.upgrade(world.menu, text="other"))
    result = world.operator.upgrade(world.menu, text="other")
    assert result.revision is None
    assert world.operator.statuses() == ["superseded", "deployed"]


@IN_MEMORY
def test_the_same_first_install_by_two_is_recorded_once(world: World) -> None:
    other = world.another_operator()
    meanwhile(world, lambda: other.install(world.menu, token="a token of twenty-four ch"))
    result = world.operator.install(world.menu, token="a token of twenty-four ch")
    assert result.revision is None
    assert world.operator.statuses() == ["deployed"]


@IN_MEMORY
def test_values_that_somebody_else_set_meanwhile_are_the_start_of_ours(world: World) -> None:
    world.operator.install(world.menu)
    other = world.another_operator()
    meanwhile(world, lambda: other.upgrade(world.menu, replicas="3"))
    world.operator.upgrade(world.menu, text="ours")
    web = world.get("Deployment", "shop-web", "apps")
    assert web is not None
    assert web["spec"]["replicas"] == 3
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "ours"}  # type: ignore[index]
    assert world.operator.statuses() == ["superseded", "superseded", "deployed"]
    assert world.operator.shown[-1].is_second_look, "what differs is shown again"


class Unlocking(list["Event"]):
    """Takes events; breaks the lock of the release as soon as the wait begins."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, PhaseStarted) and event.name == "waiting":
            state = read_lock(self._world.cluster, self._world.operator.namespace, "shop")
            assert state is not None
            break_lock(self._world.cluster, state)


@IN_MEMORY
def test_a_run_whose_lock_was_broken_while_it_waited_deletes_nothing(world: World) -> None:
    world.operator.install(world.menu, extra="true")
    world.operator.events = Unlocking(world)
    with pytest.raises(LockLostError):
        world.operator.upgrade(world.menu, extra="false", text="other")
    assert world.get("ConfigMap", "shop-extra") is not None
    world.operator.events = []
    world.operator.upgrade(world.menu, extra="false", text="other")
    assert world.get("ConfigMap", "shop-extra") is None
