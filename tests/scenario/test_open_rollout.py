"""While a release is upgraded in steps, nothing else changes it; to uninstall it ends the rollout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.history import read_history
from bundler.actions.release.install import prepare, terms_of
from bundler.actions.release.proposal import pass_gates, propose
from bundler.actions.release.protect import ProtectRequest, protect
from bundler.errors.change import RolloutOpenError
from bundler.errors.cluster import UnavailableError
from bundler.model.events import Notice
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import RolloutState
from tests.lib.faulty import FaultyCluster
from tests.lib.rollouts import paused_rollout, record_rollout
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.model.release import RevisionSummary
    from bundler.model.rollout import Rollout
    from tests.lib.faulty import Call
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


def open_rollout(operator: Operator, rollout: Rollout | None = None) -> RevisionSummary:
    return record_rollout(operator.ports().store, operator.clock, operator.namespace, rollout=rollout)


def history_of(world: World) -> History:
    operator = world.operator
    return read_history(operator.ports().store, operator.namespace, "shop")


@IN_MEMORY
def test_every_other_change_is_refused_and_says_how_to_go_on(world: World) -> None:
    operator = world.operator
    operator.install(world.menu)
    rolling = open_rollout(operator, paused_rollout(reason="Friday"))
    for change in (
        lambda: operator.upgrade(world.menu, replicas="3"),
        lambda: operator.diff(world.menu, replicas="3"),
        lambda: operator.rollback(revision=1),
    ):
        with pytest.raises(RolloutOpenError) as raised:
            change()
        assert str(raised.value) == "planning a change of release shop"
        (line,) = raised.value.context
        assert rolling.rollout is not None
        assert rolling.rollout.since is not None
        since = f"{rolling.rollout.since:%Y-%m-%d %H:%M:%S}Z"
        assert line.startswith("revision 2 (")
        assert line.endswith(f" is rolled out in steps: step 1 of 2, paused since {since} by ada: Friday")
        place = f"shop -n {operator.namespace}"
        assert f"`bundler continue {place}`, or go back with `bundler abort {place}`" in raised.value.hint
        assert raised.value.hint.endswith("nothing was written")
    assert history_of(world).open_rollout == rolling
    assert operator.statuses() == ["deployed", "pending-upgrade"]


@IN_MEMORY
def test_protection_is_recorded_while_a_rollout_is_open(world: World) -> None:
    operator = world.operator
    operator.install(world.menu)
    open_rollout(operator)
    protect(ProtectRequest(release="shop", namespace=operator.namespace, user="ada"), operator.ports())
    rolling = history_of(world).open_rollout
    assert rolling is not None
    assert rolling.protection is not None
    assert rolling.protection.is_on


def test_the_record_of_a_rollout_whose_run_died_is_not_marked_interrupted(sandbox_world: World) -> None:
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    rolling = open_rollout(operator, paused_rollout(state=RolloutState.MOVING))
    with pytest.raises(RolloutOpenError, match="shop"):
        operator.upgrade(sandbox_world.menu, replicas="2")
    assert history_of(sandbox_world).newest == rolling


def test_a_rollout_that_opens_between_plan_and_lock_stops_the_change(sandbox_world: World) -> None:
    operator, other = sandbox_world.operator, sandbox_world.another_operator()
    operator.install(sandbox_world.menu)

    def open_it(_: object) -> None:
        open_rollout(other)

    operator.before_apply = open_it
    with pytest.raises(RolloutOpenError):
        operator.upgrade(sandbox_world.menu, replicas="2")
    assert operator.statuses() == ["deployed", "pending-upgrade"]


@pytest.mark.parametrize("keeps_history", [False, True])
def test_an_uninstall_ends_the_rollout_first(world: World, keeps_history: bool) -> None:
    operator = world.operator
    operator.install(world.menu)
    open_rollout(operator)
    operator.uninstall(keeps_history=keeps_history)
    said = [str(event.text) for event in operator.events if isinstance(event, Notice)]
    assert any(line.startswith("revision 2 was rolled out in steps (step 1 of 2, paused since ") for line in said)
    newest = history_of(world).newest
    if keeps_history:
        assert newest is not None
        assert (newest.status, newest.rollout) == (ReleaseStatus.UNINSTALLED, None)
    else:
        assert newest is None
    assert operator.live("Deployment", "shop-web", "apps") is None


def test_an_uninstall_that_dies_has_ended_the_rollout_before_anything_is_deleted(sandbox_world: World) -> None:
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    open_rollout(operator)
    heads = []

    def second_mark(call: Call) -> bool:
        heads.extend([call] if call.verb == "replace" and call.ref and call.ref.kind == "Secret" else [])
        return len(heads) == 2

    faulty = FaultyCluster(operator.cluster)
    faulty.fail_when(second_mark, before=UnavailableError("writing", context=[], hint="wait"))
    dying = sandbox_world.another_operator()
    dying.cluster = faulty
    with pytest.raises(UnavailableError):
        dying.uninstall()
    newest = history_of(sandbox_world).newest
    assert newest is not None
    assert (newest.status, newest.rollout, newest.description) == (ReleaseStatus.FAILED, None, "aborted: uninstalled")
    assert operator.live("Deployment", "shop-web", "apps") is not None
    operator.uninstall()
    assert history_of(sandbox_world).newest is None


def test_what_belongs_to_the_rollout_is_not_refused(sandbox_world: World) -> None:
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    open_rollout(operator)
    with pytest.raises(RolloutOpenError):
        operator.diff(sandbox_world.menu, replicas="2")
    asked = operator.request(sandbox_world.menu, "shop", {"replicas": "2"})
    terms = replace(terms_of(asked), continues_rollout=True)
    assert pass_gates(propose(prepare(asked, operator.ports()), terms, operator.ports())) == []
