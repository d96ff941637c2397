"""What is said of a revision whose run died, and how long it is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.errors.change import ReleaseNotFoundError, UnfinishedChangeError, WaitTimeoutError
from bundler.errors.cluster import ForbiddenError
from bundler.model.events import Notice, Warned
from bundler.model.lean import replace
from bundler.model.release import ReleaseStatus
from bundler.storage.holder import boot_id
from tests.lib.dying import DeathError, DyingCluster
from tests.lib.faulty import FaultyCluster
from tests.lib.operator import Operator
from tests.scenario.conftest import IN_MEMORY, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.ports import Clock

NOBODY = 4_194_305
"""One more than any process id can be."""

pytestmark = IN_MEMORY


class Meanwhile:
    """A clock in whose pauses another one works."""

    def __init__(self, clock: Clock, work: Callable[[], None]) -> None:
        self._clock, self._work = clock, work
        self.now, self.monotonic = clock.now, clock.monotonic

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._work()


def killed(world: World, act: Callable[[Operator], object], *, boot: str = "another boot") -> None:
    """Let someone die right after they recorded what they meant to do."""
    first = world.operator
    for number in range(1, 20):
        cluster = DyingCluster(first.cluster, number=number, is_after=True)
        dying = Operator(cluster, first.namespace, clock=first.clock, timeout_s=600, pid=NOBODY, boot_id=boot)  # type: ignore[arg-type]
        with pytest.raises(DeathError):
            act(dying)
        if first.history() and first.history()[-1].status.is_pending:
            return


def upgrade(world: World) -> Callable[[Operator], object]:
    return lambda operator: operator.upgrade(world.menu, text="other")


def warnings(operator: Operator) -> list[str]:
    return [event.text for event in operator.events if isinstance(event, Warned)]


def test_waiting_for_an_upgrade_that_died_ends_with_what_to_do_and_not_as_ready(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world), boot=boot_id())
    assert world.operator.statuses()[-1] == "pending-upgrade"
    with pytest.raises(UnfinishedChangeError) as raised:
        wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    (line,) = raised.value.context
    assert line.startswith("revision 2 is pending-upgrade, and the run that did it (ada@desk pid 4194305) has ended")
    assert "`bundler rollback shop -n prod`" in raised.value.hint


def test_a_lock_that_does_not_move_for_its_time_is_of_a_run_that_died_elsewhere(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world))
    began_s = world.operator.clock.monotonic()
    with pytest.raises(UnfinishedChangeError) as raised:
        wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    assert raised.value.context[0].endswith("(ada@desk pid 4194305) did not renew its lock for 30 s")
    assert 30 < world.operator.clock.monotonic() - began_s < 60
    notices = [event.text for event in world.operator.events if isinstance(event, Notice)]
    assert [line for line in notices if "works on it; waiting for that run" in line]


def test_a_run_that_works_is_waited_for_and_then_what_it_wrote(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world))
    other = world.another_operator()
    ports = world.operator.ports()

    def finish() -> None:
        if world.operator.statuses()[-1] == "pending-upgrade":
            other.upgrade(world.menu, text="other")

    clock = Meanwhile(world.operator.clock, finish)
    state = wait_for_release(replace(ports, clock=clock), world.operator.namespace, "shop")
    assert state.revision.summary.status is ReleaseStatus.DEPLOYED
    assert state.revision.user_values["text"] == "other"


def test_a_run_that_works_longer_than_there_is_time_ends_the_wait(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world))
    hurried = world.another_operator(timeout_s=5.0)
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(hurried.ports(), world.operator.namespace, "shop")
    assert "ada@desk pid 4194305 works on it" in raised.value.context[0]


def test_who_may_not_read_locks_waits_for_the_record_and_is_told_why_no_more_is_known(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world), boot=boot_id())
    faulty = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb == "get")
    refused = ForbiddenError("reading", context=["cannot get leases in namespace prod as ada"], hint="ask")
    faulty.fail_when(lambda call: call.subject.kind == "Lease", before=refused, is_lasting=True)
    reader = world.another_operator(timeout_s=5.0)
    reader.cluster = faulty  # type: ignore[assignment]
    release_state(reader.ports(), "prod", "shop")
    assert warnings(reader) == []
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(reader.ports(), "prod", "shop")
    assert raised.value.context[0].endswith("is not known: cannot get leases in namespace prod as ada")


def test_status_says_that_the_run_has_ended_and_what_finishes_it(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world), boot=boot_id())
    release_state(world.operator.ports(), world.operator.namespace, "shop")
    (line,) = warnings(world.operator)
    assert "(ada@desk pid 4194305) has ended: run the same command again to finish it, or `bundler rollback" in line


def test_status_says_nothing_of_a_run_that_may_be_alive(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, upgrade(world))
    release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert warnings(world.operator) == []


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_each_verb_that_died_has_its_own_way_out(world: World, verb: str) -> None:
    if verb == "uninstall":
        world.operator.install(world.menu)
        killed(world, lambda operator: operator.uninstall(), boot=boot_id())
    else:
        killed(world, lambda operator: operator.install(world.menu), boot=boot_id())
    with pytest.raises(UnfinishedChangeError) as raised:
        wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    assert "`bundler uninstall shop -n prod`" in raised.value.hint


def test_a_rollback_after_an_uninstall_that_did_not_end_names_the_revision_to_restore(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, lambda operator: operator.uninstall(), boot=boot_id())
    with pytest.raises(ReleaseNotFoundError) as raised:
        world.operator.rollback()
    assert raised.value.context == ("no older revision counts as deployed",)
    assert raised.value.hint.endswith("name the revision: `bundler rollback shop 1 -n prod`")
    world.operator.clock.sleep(60)  # its lock expires
    world.operator.rollback(revision=1)
    assert world.operator.statuses() == ["interrupted", "deployed"]


def test_an_uninstall_that_ends_while_it_is_waited_for_leaves_nothing_to_wait_for(world: World) -> None:
    world.operator.install(world.menu)
    killed(world, lambda operator: operator.uninstall())
    other = world.another_operator()

    def finish() -> None:
        if world.operator.history():
            other.uninstall()

    ports = replace(world.operator.ports(), clock=Meanwhile(world.operator.clock, finish))
    with pytest.raises(ReleaseNotFoundError):
        wait_for_release(ports, world.operator.namespace, "shop")
