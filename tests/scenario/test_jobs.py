"""Jobs run once for each change of their spec, whatever becomes of them and of the revision that ran them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.errors.change import ObjectFailedError, WaitTimeoutError
from bundler.model.change import Action
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.templates import WEB
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

VALUES = """
ttl: 0
step: migrate
image: docker.io/library/job:1
web: docker.io/library/web:1
"""

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: {{ values.ttl }}
  template:
    spec:
      restartPolicy: Never
      containers: [{name: job, image: "{{ values.image }}", args: ["{{ values.step }}"]}]
"""


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {"values.yaml": VALUES, "templates/job.yaml": JOB, "templates/web.yaml": WEB}
    return make_bundle(tmp_path / "jobs", files, name="jobs")


def planned_job(result) -> tuple[Action, str]:
    (found,) = [c for c in result.proposal.plan.changes if c.ref.kind == "Job" and c.action is not Action.DELETE]
    return found.action, found.reason


def test_a_job_that_is_deleted_as_soon_as_it_has_finished_has_run(world: World, menu: Path) -> None:
    world.operator.install(menu)
    assert world.operator.statuses() == ["deployed"]
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    again = world.operator.upgrade(menu, web="docker.io/library/web:2")
    assert planned_job(again) == (Action.NONE, "it has run")


def test_a_job_that_fails_and_is_deleted_at_once_has_failed(world: World, menu: Path) -> None:
    failing = "docker.io/library/failjob:1"
    if world.is_sandbox:
        (name,) = [c.ref.name for c in world.operator.diff(menu, image=failing).plan.changes if c.ref.kind == "Job"]
        world.cluster.fail("Job", name, "CrashLoopBackOff", "prod")  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError) as raised:
        world.operator.install(menu, image=failing)
    assert "Job/migrate" in "\n".join(raised.value.context)


@IN_MEMORY
def test_what_a_failed_revision_has_done_is_not_done_twice(world: World, menu: Path) -> None:
    world.operator.install(menu)
    broken = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(menu, step="second", web=broken)
    world.mend_web()
    result = world.operator.upgrade(menu, step="second", web="docker.io/library/web:3")
    assert planned_job(result) == (Action.NONE, "it has run")


@IN_MEMORY
def test_a_migration_is_remembered_through_the_rollback_of_its_failed_revision(world: World, menu: Path) -> None:
    world.operator.install(menu, ttl="600")
    broken = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(menu, ttl="600", step="second", web=broken)
    world.mend_web()
    for _ in range(1000):
        if all(job["status"].get("succeeded") for job in world.bodies("Job", "batch").values()):
            break
        world.operator.clock.sleep(0.2)  # the run may have failed before its Job was done
    back = world.operator.rollback()
    assert planned_job(back)[0] is Action.NONE, "the first migration is what the data had before"
    result = world.operator.upgrade(menu, ttl="600", step="second", web="docker.io/library/web:3")
    assert planned_job(result) == (Action.NONE, "it has run")


@IN_MEMORY
def test_a_rollback_that_runs_an_old_migration_again_says_so(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, step="second")
    back = world.operator.rollback()
    assert planned_job(back) == (Action.CREATE, "runs again: it ran for revision 1")
    forth = world.operator.upgrade(menu, step="second")
    assert planned_job(forth) == (Action.CREATE, "runs again: it ran for revision 2")


@IN_MEMORY
def test_waiting_for_a_release_whose_objects_are_missing_ends_in_an_error(world: World) -> None:
    world.operator.install(world.menu)
    world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
    world.operator.timeout_s = 3
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    assert "Service/shop-web" in "\n".join(raised.value.context)
    assert "NotFound: it does not exist" in "\n".join(raised.value.context)
