"""A rollout is paused in its record, whoever holds the lock and moves it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.rollout.pause import PauseRequest, pause
from bundler.errors.cluster import ConflictError
from bundler.model.rollout import RolloutState
from tests.lib.faulty import FaultyCluster
from tests.lib.rollouts import paused_rollout, record_rollout

if TYPE_CHECKING:
    from bundler.model.release import RevisionSummary
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


def begin(world: World, **more: object) -> RevisionSummary:
    operator = world.operator
    operator.install(world.menu, token="s3cret-of-the-menu")
    moving = paused_rollout(state=RolloutState.MOVING, by="grace", **more)
    return record_rollout(operator.ports().store, operator.clock, operator.namespace, rollout=moving)


def ask(operator: Operator, reason: str = "") -> RevisionSummary:
    request = PauseRequest(release="shop", namespace=operator.namespace, user="bob", reason=reason)
    return pause(request, operator.ports())


def test_a_rollout_is_paused_while_another_run_holds_the_lock(world: World) -> None:
    rolling, operator = begin(world), world.operator
    ports = operator.ports()
    with ports.lock.hold(operator.namespace, "shop", doing="upgrade", timeout_s=0):
        paused = ask(world.another_operator(), "lunch")
        seen = ports.store.read_rollout(rolling)
        with pytest.raises(ConflictError):
            ports.store.move(rolling, replace(paused_rollout(), step=2))
    assert seen == paused
    assert seen.rollout is not None
    assert (seen.rollout.state, seen.rollout.by, seen.rollout.reason) == (RolloutState.PAUSED, "bob", "lunch")
    assert seen.rollout.shares == paused_rollout().shares


def test_a_run_that_moves_on_at_the_same_moment_is_paused_where_it_is_then(sandbox_world: World) -> None:
    rolling = begin(sandbox_world, shares={"": paused_rollout().shares[""] * 3})
    operator, other = sandbox_world.operator, sandbox_world.another_operator()
    store = operator.ports().store
    faulty = FaultyCluster(operator.cluster)
    moved = False

    def move_on(_: object) -> bool:
        nonlocal moved, rolling
        if not moved:
            moved = True
            assert rolling.rollout is not None
            rolling = store.move(rolling, replace(rolling.rollout, step=2))
        return False

    faulty.fail_when(move_on)
    other.cluster = faulty
    paused = ask(other).rollout
    assert moved
    assert paused is not None
    assert (paused.step, paused.state) == (2, RolloutState.PAUSED)


def test_a_record_that_never_stands_still_is_named(sandbox_world: World) -> None:
    begin(sandbox_world)
    other = sandbox_world.another_operator()
    faulty = FaultyCluster(other.cluster)
    error = ConflictError("replacing Secret", context=["it moved"], hint="run it again")
    faulty.fail_when(lambda call: call.verb == "replace", before=error, is_lasting=True)
    other.cluster = faulty
    with pytest.raises(ConflictError):
        ask(other)
    assert sum(call.verb == "replace" for call in faulty.calls) == 10


def test_a_reason_that_holds_a_secret_is_masked(sandbox_world: World) -> None:
    begin(sandbox_world)
    paused = ask(sandbox_world.another_operator(), "token s3cret-of-the-menu\nleaked").rollout
    assert paused is not None
    assert paused.reason == "token *** leaked"
