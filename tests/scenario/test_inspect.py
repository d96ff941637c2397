"""What is read of a revision later agrees with the plan that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.inspect.release_queries import load_revision

if TYPE_CHECKING:
    from tests.scenario.conftest import World


def test_a_recorded_plan_counts_and_orders_as_the_plan_did(world: World) -> None:
    result = world.operator.install("shop", qps="1000")
    recorded = load_revision(world.operator.ports(), world.operator.namespace, "shop")
    planned = [change.ref for change in result.proposal.plan.changes]
    assert [entry.ref for entry in recorded.inventory] == planned
    assert recorded.summary.objects == len(planned)
