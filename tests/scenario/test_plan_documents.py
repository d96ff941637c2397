"""The plans of every verb are data: each fits the schema, holds no secret, and reads back equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.uninstall import UninstallRequest, propose_uninstall
from tests.lib.plan_documents import checked_document
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World


@IN_MEMORY
def test_the_plans_of_all_verbs_fit_the_schema_and_read_back(world: World):
    operator = world.operator
    operator.install(world.menu)
    operator.upgrade(world.menu, text="hello")
    operator.rollback()
    plans = [proposal.plan for proposal in operator.shown]
    plans.append(
        propose_uninstall(UninstallRequest(release="shop", namespace=operator.namespace), operator.ports()).plan
    )
    assert len(plans) == 4
    for plan in plans:
        assert plan.steps
        checked_document(plan)


def test_planning_twice_what_does_not_move_gives_the_same_plan(sandbox_world: World):
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    first, second = (operator.diff(sandbox_world.menu, text="other").plan for _ in range(2))
    assert first == second
    assert first != operator.diff(sandbox_world.menu, text="third").plan
