"""How often a change reads the records of its release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from tests.scenario.conftest import World


def test_the_plan_of_a_rollback_reads_each_part_of_a_record_once(sandbox_world: World):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu, token="the-secret-of-the-test")
    operator.upgrade(menu, text="ho", token="another-secret-of-it")
    operator.cluster = reading = FaultyCluster(operator.cluster, counts=lambda verb, _: verb == "get")
    operator.before_apply = lambda _: False
    operator.rollback()
    read = [call.subject.name for call in reading.calls if call.subject.name.startswith("bundler.")]
    assert sorted(set(read)) == sorted(read)
    assert [name for name in read if name.startswith("bundler.release.")] == []  # they were listed
