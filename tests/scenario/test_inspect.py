"""What is read of a revision later agrees with the plan that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.release_queries import load_revision
from bundler.actions.inspect.status import wait_for_release
from bundler.actions.release.lifecycle import RunOptions
from bundler.cluster.errors import api_unavailable
from bundler.errors.change import WaitTimeoutError
from bundler.model.events import HealthChanged
from bundler.model.health import Status
from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lib.faulty import Call
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


def test_a_recorded_plan_counts_and_orders_as_the_plan_did(world: World) -> None:
    result = world.operator.install("shop", qps="1000")
    recorded = load_revision(world.operator.ports(), world.operator.namespace, "shop")
    planned = [change.ref for change in result.proposal.plan.changes]
    assert [entry.ref for entry in recorded.inventory] == planned
    assert recorded.summary.objects == len(planned)


def with_silence(world: World, is_silent: Callable[[Call], bool], **fields: object) -> Operator:
    """Return an operator for whom Services are of an API that does not answer while ``is_silent``."""
    faulty = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb == "list")
    error = api_unavailable("services.example/v1", doing="listing Service")
    faulty.fail_when(lambda call: call.subject.kind == "Service" and is_silent(call), before=error, is_lasting=True)
    operator = world.another_operator(**fields)
    operator.cluster = faulty
    return operator


def test_waiting_goes_on_while_an_api_is_silent_and_ends_once_it_answers(world: World) -> None:
    world.operator.install(world.menu, options=RunOptions(waits=False))
    asked: list[int] = []
    operator = with_silence(world, lambda call: len(asked) < 8 and not asked.append(call.number))
    state = wait_for_release(operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    told = {event.health.message for event in operator.events if isinstance(event, HealthChanged)}
    assert any(message.startswith("APIService/v1.services.example does not answer") for message in told)


def test_waiting_for_a_silent_api_alone_ends_with_the_time_and_names_it(world: World) -> None:
    world.operator.install(world.menu, options=RunOptions(waits=False))
    operator = with_silence(world, lambda _call: True, timeout_s=15)
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(operator.ports(), world.operator.namespace, "shop")
    text = "\n".join(raised.value.context)
    assert "Service/shop-web" in text
    assert "APIService/v1.services.example does not answer" in text
    assert "Deployment" not in text
    ready = {
        event.ref.kind
        for event in operator.events
        if isinstance(event, HealthChanged) and event.health.status is Status.CURRENT
    }
    assert {"Deployment", "ConfigMap"} <= ready
