"""A run loses its lock: nothing is written after that, least of all a rollback, and it says who holds the release now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import LockLostError
from bundler.model.events import PhaseStarted
from bundler.model.refs import ObjectRef
from bundler.storage.lease import lease_ref
from bundler.storage.lock import LeaseLock, break_lock, read_lock
from tests.lib.clocks import FakeClock
from tests.scenario.conftest import IN_MEMORY
from tests.unit.storage.cases import Watched, holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.events import Event
    from tests.scenario.conftest import World

BACK = {"rollback_s": 10.0}


class When(list["Event"]):
    """Takes events; does something once, as soon as a phase begins."""

    def __init__(self, phase: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._phase, self._todo = phase, [act]

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, PhaseStarted) and event.name == self._phase and self._todo:
            self._todo.pop()()


def unlock(world: World) -> None:
    state = read_lock(world.cluster, world.operator.namespace, "shop")
    assert state is not None
    break_lock(world.cluster, state)


def lost(world: World, **sets: str) -> LockLostError:
    with pytest.raises(LockLostError) as caught:
        world.operator.upgrade(world.menu, **sets)
    assert "run the same command again" not in caught.value.hint
    assert "bundler history" in caught.value.hint or "is deleted" in caught.value.hint
    return caught.value


def test_a_change_that_fails_after_the_lock_was_lost_is_not_rolled_back(world: World) -> None:
    world.operator.install(world.menu)
    other = world.another_operator()

    def take_over() -> None:
        unlock(world)
        world.mend_web()
        other.upgrade(world.menu, text="theirs")

    world.operator.events = When("waiting", take_over)
    image = world.break_web()
    with pytest.raises(LockLostError):
        world.operator.upgrade(world.menu, text="ours", image=image, request=BACK)
    assert world.operator.statuses() == ["superseded", "interrupted", "deployed"]
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "theirs"}  # type: ignore[index]


@IN_MEMORY
def test_the_last_step_says_that_everything_is_done_and_who_has_the_lock(world: World) -> None:
    world.operator.install(world.menu)
    world.operator.events = When("waiting", lambda: unlock(world))
    error = lost(world, text="ours")
    assert "its Lease is gone" in error.context[0]
    assert "everything in the plan was carried out, but is not recorded" in " ".join(error.context)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "ours"}  # type: ignore[index]


@IN_MEMORY
def test_a_run_that_was_overtaken_names_the_one_who_holds_the_lock_now(world: World) -> None:
    world.operator.install(world.menu)
    lock = LeaseLock(world.cluster, world.operator.clock, holder(2, pid=77), duration_s=30)
    taken = lock.hold(world.operator.namespace, "shop", doing="upgrade", timeout_s=0)

    def take_over() -> None:
        unlock(world)
        taken.__enter__()

    world.operator.events = When("waiting", take_over)
    error = lost(world, text="ours")
    taken.__exit__(None, None, None)
    assert "pid 77 holds it now, doing upgrade" in error.context[0]


@IN_MEMORY  # how a namespace ends, and what is refused in it by then, is held to the server by the contract
def test_a_lock_that_went_with_its_namespace_says_so(world: World) -> None:
    world.operator.install(world.menu)
    namespace = world.operator.namespace

    def delete() -> None:
        world.cluster.delete(ObjectRef("", "Namespace", "", namespace))
        world.cluster.delete(lease_ref(namespace, "shop"))

    world.operator.events = When("waiting", delete)
    error = lost(world, text="ours")
    assert f"namespace {namespace} is being deleted" in error.context[0]
    assert error.hint == "wait until the namespace is deleted, then install the release again"


@IN_MEMORY
def test_a_run_that_was_overtaken_by_one_that_has_ended_does_not_say_that_what_it_wrote_is_there(world: World) -> None:
    world.operator.install(world.menu)
    other = world.another_operator()

    def overtake() -> None:
        unlock(world)
        other.upgrade(world.menu, text="theirs")

    world.operator.events = When("waiting", overtake)
    error = lost(world, text="ours")
    assert "another run took it over and has ended since" in error.context[0]
    assert "another run may have written something else since" in " ".join(error.context)


@IN_MEMORY
def test_an_uninstall_that_lost_its_lock_keeps_the_records_and_says_how_far_it_came(world: World) -> None:
    world.operator.install(world.menu)
    world.operator.events = When("pruning", lambda: unlock(world))
    with pytest.raises(LockLostError):
        world.operator.uninstall()
    assert world.operator.statuses() == ["uninstalling"]


def test_after_a_long_gap_a_heartbeat_comes_before_the_next_write(sandbox_world: World) -> None:
    world, clock = sandbox_world, FakeClock()
    world.operator.install(world.menu)
    watched = Watched(world.cluster)
    lock = LeaseLock(watched, clock, holder(1), duration_s=30)
    namespace = world.operator.namespace
    with lock.hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
        watched.calls.clear()
        clock.advance(3600)
        assert held.rest_s() == 0
        world.cluster.guarded(held).delete(ObjectRef("", "ConfigMap", namespace, "shop-config"))
        assert watched.calls == ["replace bundler.shop"]
        assert held.rest_s() > 20
        clock.advance(3600)
        unlock(world)
        with pytest.raises(LockLostError):
            world.cluster.guarded(held).delete(ObjectRef("", "Deployment", namespace, "shop-web"))
    assert world.get("Deployment", "shop-web", "apps") is not None
