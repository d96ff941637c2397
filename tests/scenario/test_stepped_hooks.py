"""Hooks and Jobs of an upgrade in steps: those before it run once, before the first step; those after it at the finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.model.change import Action
from bundler.model.events import ChangeStarted
from bundler.model.rollout import RolloutRequest, Share
from tests.lib.bundles import make_bundle
from tests.lib.stepped_worlds import SHOP, images
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_hooks import hook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

pytestmark = pytest.mark.slow

VALUES = "{replicas: 4, image: 'docker.io/library/web:1', minReady: 0, step: one, job: 'docker.io/library/job:1'}"
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: shop-load}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: job, image: "{{ values.job }}", args: ["{{ values.step }}"]}]
"""


@pytest.fixture
def paused(world: World, tmp_path: Path) -> World:
    """A release that is at its first step, with hooks and a Job."""
    return at_its_first_step(world, tmp_path)


def at_its_first_step(world: World, tmp_path: Path, **request: bool) -> World:
    web = SHOP.replace("{{ kind }}", "Deployment").replace("{{ name }}", "web")
    web = web.replace('{% if kind == "StatefulSet" %}', "# ").replace("{% endif %}", "")
    hooks = "---".join(
        [hook("first", "before-upgrade", image="job"), hook("last", "after-upgrade", delete="success", image="job")]
    )
    files = {"templates/web.yaml": web, "templates/job.yaml": JOB, "hooks/jobs.yaml": hooks, "values.yaml": VALUES}
    steps = {"default": ["1", "100%"], "jobs": "compatible"}
    bundle = make_bundle(tmp_path, files, name="shop", upgrade={"steps": steps})
    world.operator.install(bundle)
    world.operator.events.clear()
    asked = RolloutRequest(steps=(Share(1),), pause_after="canary")
    changed = {"image": "docker.io/library/web:2", "step": "two"}
    assert world.operator.upgrade(bundle, request={"steps": asked, **request}, **changed).is_paused
    return world


def begun(world: World) -> list[str]:
    """Return the Jobs that were started since this was asked last, in their order."""
    events = [event for event in world.operator.events if isinstance(event, ChangeStarted)]
    world.operator.events.clear()
    started = [one.ref.name for one in events if one.ref.kind == "Job" and one.action is not Action.DELETE]
    return [name.rpartition("-")[0] for name in started]


def test_what_runs_before_the_steps_has_run_and_runs_no_more_and_what_comes_after_runs_at_the_finish(
    paused: World,
) -> None:
    operator = paused.operator
    assert begun(paused) == ["first", "shop-load"]
    assert images(paused.cluster, operator.namespace) == {"web:1": 4, "web:2": 1}
    request = ContinueRequest(release="shop", namespace=operator.namespace)
    continue_rollout(request, operator.ports(), RunOptions(fail_fast=operator.fail_fast), lambda _proposal: True)
    assert begun(paused) == ["last"]
    assert operator.statuses() == ["superseded", "deployed"]


def test_an_upgrade_in_steps_that_began_without_hooks_ends_without_them(sandbox_world: World, tmp_path: Path) -> None:
    world = at_its_first_step(sandbox_world, tmp_path, skips_hooks=True)
    assert begun(world) == ["shop-load"]
    operator = world.operator
    request = ContinueRequest(release="shop", namespace=operator.namespace)
    continue_rollout(request, operator.ports(), RunOptions(fail_fast=operator.fail_fast), lambda _proposal: True)
    assert begun(world) == []
    assert operator.statuses() == ["superseded", "deployed"]


@IN_MEMORY
def test_an_abort_runs_no_jobs(paused: World) -> None:
    begun(paused)
    operator = paused.operator
    request = AbortRequest(release="shop", namespace=operator.namespace)
    abort_rollout(request, operator.ports(), RunOptions(fail_fast=operator.fail_fast), lambda _proposal: True)
    assert begun(paused) == []
    assert images(paused.cluster, operator.namespace) == {"web:1": 4}
    assert operator.statuses() == ["deployed", "failed"]
