"""Upgrades in steps with gates: what is asked after each step decides whether the next one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors.change import RolledBackError, StepFailedError
from bundler.model.events import GateJudged
from bundler.model.hooks import hook_run
from bundler.model.release import Authorship
from bundler.model.rollout import OnFailure, RolloutRequest, RolloutState, Share
from tests.lib.bundles import bundle_yaml, make_bundle
from tests.lib.dying import DeathError, DyingCluster, deaths
from tests.lib.stepped_worlds import SCHEMA, SHOP, VALUES, Hearing, images, shop
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_checks import CHECK
from tests.scenario.test_kill_shop import NOBODY, Stage
from tests.scenario.test_windows import closed

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from bundler.model.rollout import Rollout
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World

QUIET = {"name": "quiet", "expr": "pods.new.ready == pods.new.wanted and pods.new.restarts == 0"}
SMOKE = {"name": "smoke", "job": "checks/smoke.yaml"}
NEVER = {"name": "never", "expr": 'objects["Deployment/*-web"].status.missing.field > 1'}
FAILING = "docker.io/library/failjob:1"


def gated(tmp_path: Path, *gates: dict[str, str]) -> Path:
    """Write the bundle of a shop whose upgrades have gates."""
    bundle = shop(tmp_path)
    (bundle / "bundle.yaml").write_text(bundle_yaml("shop", "1.0.0", upgrade={"gates": list(gates)}))
    (bundle / "checks").mkdir()
    (bundle / "checks/smoke.yaml").write_text(CHECK % ("smoke", "smoke"))
    (bundle / "values.yaml").write_text(
        "{replicas: 4, image: 'docker.io/library/web:1', minReady: 0, smoke: 'docker.io/library/job:1'}"
    )
    return bundle


def upgrade(world: World, bundle: Path, *shares: str, smoke: str = "docker.io/library/job:1", **more) -> ChangeResult:
    asked = RolloutRequest(steps=tuple(map(Share.parse, shares)), **more)
    sets = {"image": "docker.io/library/web:2", "smoke": smoke}
    if smoke == FAILING and world.is_sandbox:
        draft = world.operator.diff(bundle, **sets).drafted.revision
        (name,) = [ref.name for ref in draft.dormant if ref.name.startswith("smoke-")]
        world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    return world.operator.upgrade(bundle, request={"steps": asked}, **sets)


def resume(operator: Operator) -> ChangeResult:
    who = Authorship(user=operator.name)
    request = ContinueRequest(release="shop", namespace=operator.namespace, authorship=who)
    return continue_rollout(request, operator.ports(), RunOptions(), lambda _proposal: True)


def abort(operator: Operator) -> ChangeResult:
    request = AbortRequest(release="shop", namespace=operator.namespace, authorship=Authorship(user=operator.name))
    return abort_rollout(request, operator.ports(), RunOptions(), lambda _proposal: True)


def pods(world: World) -> dict[str, int]:
    return images(world.cluster, world.operator.namespace)


def runs(world: World) -> list[str]:
    return [hook_run(job) for job in world.bodies("Job", "batch").values()]


def open_rollout(world: World) -> Rollout:
    rollout = world.operator.history()[-1].rollout
    assert rollout is not None
    return rollout


def judged(world: World) -> list[tuple[int, str, str]]:
    found = [event for event in world.operator.events if isinstance(event, GateJudged)]
    return [(event.step, event.gate, str(event.outcome)) for event in found if event.outcome != "waiting"]


def test_every_gate_is_asked_after_every_step_before_the_finish(world: World, tmp_path: Path) -> None:
    bundle = gated(tmp_path, QUIET, SMOKE)
    world.operator.install(bundle)
    upgrade(world, bundle, "25%", "50%")
    assert judged(world) == [
        (1, "quiet", "passed"),
        (1, "smoke", "passed"),
        (2, "quiet", "passed"),
        (2, "smoke", "passed"),
    ]
    assert (pods(world), runs(world)) == ({"web:2": 4}, ["rollout-2-step-2"])
    assert world.operator.statuses() == ["superseded", "deployed"]


@IN_MEMORY
def test_a_pause_records_which_gates_have_passed_and_continue_asks_those_of_the_next_step(
    world: World, tmp_path: Path
) -> None:
    bundle = gated(tmp_path, QUIET, SMOKE)
    world.operator.install(bundle)
    assert upgrade(world, bundle, "25%", "50%", pause_after="canary").is_paused
    assert open_rollout(world).passed == ("quiet", "smoke")
    world.operator.events.clear()
    resume(world.operator)
    assert judged(world) == [(2, "quiet", "passed"), (2, "smoke", "passed")]
    assert world.operator.statuses() == ["superseded", "deployed"]


def test_a_check_that_fails_brings_the_old_pods_back_with_its_evidence(world: World, tmp_path: Path) -> None:
    bundle = gated(tmp_path, SMOKE)
    world.operator.install(bundle)
    with pytest.raises(RolledBackError) as raised:
        upgrade(world, bundle, "25%", smoke=FAILING, on_failure=OnFailure.ABORT)
    assert any(line.startswith("gate smoke (bundle.yaml:9): check Job/smoke-") for line in raised.value.context)
    assert any("container ask exit code 1" in line for line in raised.value.context)
    assert pods(world) == {"web:1": 4}
    assert world.operator.statuses() == ["deployed", "failed"]
    world.operator.uninstall()
    assert runs(world) == [], "the evidence goes with the release"


@IN_MEMORY
def test_a_step_that_fails_after_its_window_has_closed_still_brings_the_old_pods_back(
    world: World, tmp_path: Path
) -> None:
    bundle, operator = gated(tmp_path, SMOKE), world.operator
    operator.install(bundle)
    operator.site = closed(since_s=60, until_s=9999, now=operator.clock.now())
    operator.events = Hearing(
        lambda event: isinstance(event, GateJudged),
        lambda: operator.clock.advance(90),  # type: ignore[attr-defined]
    )
    with pytest.raises(RolledBackError):
        upgrade(world, bundle, "25%", smoke=FAILING, on_failure=OnFailure.ABORT)
    assert operator.clock.now() > operator.site.deployment.freezes[0].since  # type: ignore[union-attr]
    assert (pods(world), operator.statuses()) == ({"web:1": 4}, ["deployed", "failed"])


@IN_MEMORY
def test_a_check_that_fails_pauses_where_that_was_asked_for_and_runs_again_with_continue(
    world: World, tmp_path: Path
) -> None:
    bundle = gated(tmp_path, SMOKE)
    world.operator.install(bundle)
    with pytest.raises(StepFailedError):
        upgrade(world, bundle, "25%", smoke=FAILING, on_failure=OnFailure.PAUSE)
    rollout = open_rollout(world)
    assert (rollout.state, rollout.step, rollout.is_done, rollout.passed) == (RolloutState.PAUSED, 1, False, ())
    assert pods(world) == {"web:1": 4, "web:2": 1}
    (first,) = world.bodies("Job", "batch").values()
    with pytest.raises(StepFailedError):
        resume(world.operator)
    (second,) = world.bodies("Job", "batch").values()
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    abort(world.operator)
    assert pods(world) == {"web:1": 4}


@IN_MEMORY
def test_an_expression_that_never_computes_ends_with_the_time_of_the_step_and_says_why(
    world: World, tmp_path: Path
) -> None:
    bundle = gated(tmp_path, NEVER)
    world.operator.install(bundle)
    with pytest.raises(StepFailedError) as raised:
        upgrade(world, bundle, "25%", step_timeout_s=2, on_failure=OnFailure.PAUSE)
    said = "\n".join(raised.value.context)
    assert "; still so after 2 s (--step-timeout)" in said
    assert open_rollout(world).reason.startswith("step-failed: gate never (bundle.yaml:9): ")
    assert "gate never (bundle.yaml:9): its rule cannot be computed yet (" in said
    assert pods(world) == {"web:1": 4, "web:2": 1}


@pytest.mark.slow
def test_after_a_death_at_any_write_continue_finds_the_check_that_was_started(tmp_path: Path) -> None:
    """What was started runs on, what has passed is not run again, and every step ends with its check passed."""
    bundle = gated(tmp_path, QUIET, SMOKE)
    asked = {"steps": RolloutRequest(steps=(Share.parse("25%"),))}
    stage = Stage.open(tmp_path / "before.db")
    stage.operator().install(bundle)
    stage.client.close()
    start = (tmp_path / "before.db").read_bytes()

    def fresh() -> Stage:
        (tmp_path / "now.db").write_bytes(start)
        return Stage.open(tmp_path / "now.db")

    def change(operator: Operator) -> None:
        operator.upgrade(bundle, request=asked, image="docker.io/library/web:2")

    stage = fresh()
    cluster = DyingCluster(stage.client)
    change(stage.operator(cluster))
    stage.client.close()
    assert cluster.writes.count(("apply", "Job")) == 1
    for number, is_after in deaths(cluster.writes):
        stage = fresh()
        with pytest.raises(DeathError):
            change(stage.operator(DyingCluster(stage.client, number=number, is_after=is_after), pid=NOBODY))
        begun = stage.items("batch", "Job")
        operator = stage.operator()
        if operator.history()[-1].rollout is not None:
            resume(operator)
        elif operator.statuses()[1:] != ["deployed"]:
            change(operator)
        assert operator.statuses()[1:] == ["deployed"], (number, is_after)
        ended = stage.items("batch", "Job")
        assert [hook_run(job) for job in ended.values()] == ["rollout-2-step-1"], (number, is_after)
        for name, job in begun.items():
            assert ended[name]["metadata"]["uid"] == job["metadata"]["uid"], (number, is_after)
        assert [event.outcome for event in operator.events if isinstance(event, GateJudged)][-1:] in ([], ["passed"])
        stage.client.close()


@IN_MEMORY
def test_a_gate_of_one_component_brings_all_of_them_back(world: World, tmp_path: Path) -> None:
    template = SHOP.replace("{{ kind }}", "Deployment").replace("{{ name }}", "{{ component.name }}")
    template = "".join(line for line in template.splitlines(keepends=True) if "serviceName" not in line)
    files = {"values.yaml": VALUES, "values.schema.json": SCHEMA, "templates/app.yaml": template}
    lag = [{"name": "lag", "expr": "pods.new.ready == step.number and step.number < 2"}]
    for name in ("web", "api", "db"):
        make_bundle(tmp_path, files, name=name, upgrade={"gates": lag if name == "db" else []})
    values = {"image": "{{ values.image }}", "replicas": 4}
    components = [{"name": name, "bundle": f"../{name}", "values": values} for name in ("web", "api", "db")]
    top = {"values.yaml": "{image: 'docker.io/library/web:1', smoke: ''}"}
    bundle = make_bundle(tmp_path, top, name="shop", components=components, upgrade={"gates": [QUIET]})
    world.operator.install(bundle)
    with pytest.raises(RolledBackError) as raised:
        upgrade(world, bundle, "25%", "50%", smoke="x", step_timeout_s=3, on_failure=OnFailure.ABORT)
    said = "\n".join(raised.value.context)
    assert "gate db/lag (db/bundle.yaml:9): not yet: pods.new.ready == step.number and step.number < 2" in said
    passed = [one for one in judged(world) if one[1] == "db/lag"]
    assert passed == [(1, "db/lag", "passed")], "it is about the pods of its component alone"
    for name in ("web", "api", "db"):
        assert images(world.cluster, world.operator.namespace, f"shop-{name}") == {"web:1": 4}
    assert world.operator.statuses() == ["deployed", "failed"]
