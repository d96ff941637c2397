"""The gates of a step: asked in order, again and again; a check runs once for each step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bundler.actions.change.run_control import Guard
from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.rollout.step_gates import StepGates
from bundler.model.events import GateJudged
from bundler.model.hooks import hook_run
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.model.rollout import ALL_PODS, GateOutcome, PodCount, Rollout, SeenWorkload, Share, Template
from tests.lib.bundles import make_bundle
from tests.lib.templates import WEB
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_checks import CHECK, check
from tests.scenario.test_hooks import VALUES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.actions.rollout.step_gates import GatesAnswer
    from tests.scenario.conftest import World

GATES = [
    {"name": "quiet", "expr": "pods.new.ready == pods.new.wanted and pods.new.restarts == 0"},
    {"name": "web", "expr": 'objects["Deployment/*-web"].status.readyReplicas == 1'},
    {"name": "smoke", "job": "checks/front.yaml"},
]
ROLLOUT = Rollout(shares={"": (Share(1), Share(2), ALL_PODS)}, gates=("quiet", "web", "smoke"))
READY, YOUNG = PodCount(wanted=1, there=1, ready=1), PodCount(wanted=1, there=1)


def seen(world: World, new: PodCount = READY) -> list[SeenWorkload]:
    ref = ObjectRef("apps", "Deployment", world.operator.namespace, "shop-web")
    return [SeenWorkload(ref=ref, component="", replicas=1, template=Template.NEW, pacing=None, new=new)]


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: questions}\ndata: {a: b}\n"
    files = {
        "values.yaml": VALUES,
        "templates/web.yaml": WEB,
        "checks/questions.yaml": config,
        "checks/front.yaml": CHECK % ("front", "smoke"),
        "checks/other.yaml": CHECK % ("other", "image"),
    }
    return make_bundle(tmp_path / "gated", files, name="gated", upgrade={"gates": GATES})


@contextmanager
def gates(world: World) -> Iterator[StepGates]:
    """What a run of bundler asks; another one is made for each."""
    ports, namespace = world.operator.ports(), world.operator.namespace
    with ports.lock.hold(namespace, "shop", doing="upgrade", timeout_s=0.0) as held:
        ports = ports.under(held)
        revision = ports.store.load(world.operator.history()[-1], with_sensitive=True)
        yield StepGates(revision, ports, Guard(ports, held))


def answer_of(world: World, asked: StepGates, rollout: Rollout = ROLLOUT, rounds: int = 200) -> GatesAnswer:
    """Ask until there is an answer."""
    (workload,) = seen(world)
    pods = {workload.ref: [{"status": {"podIP": address}} for address in ("10.0.0.9", "10.0.0.7")] + [{}]}
    for _ in range(rounds):
        answer = asked.ask(rollout, [workload], pods)
        if answer.outcome is not GateOutcome.WAITING:
            return answer
        world.operator.clock.sleep(0.1)
    raise AssertionError(answer.lines)


def jobs(world: World) -> dict[str, str]:
    """Return the uid of each Job, and its run."""
    return {job["metadata"]["uid"]: hook_run(job) for job in world.bodies("Job", "batch").values()}


def told(world: World) -> list[str]:
    return [f"{one.gate} {one.outcome}" for one in world.operator.events if isinstance(one, GateJudged)]


def test_gates_are_asked_in_order_and_a_check_runs_once_for_each_step(world: World, menu: Path) -> None:
    world.operator.install(menu)
    with gates(world) as asked:
        young = asked.ask(ROLLOUT, seen(world, YOUNG))
        assert (young.outcome, young.passed) == (GateOutcome.WAITING, ())
        assert young.lines[0].startswith("gate quiet (bundle.yaml:9): not yet: pods.new.ready == pods.new.wanted")
        assert young.lines[1] == "Deployment/shop-web: 0 of 1 new pods ready, 0 of 0 old pods ready"
        assert jobs(world) == {}, "the check comes last"

        assert answer_of(world, asked).passed == ("quiet", "web", "smoke")
        first = jobs(world)
        assert list(first.values()) == ["rollout-1-step-1"]
        assert world.bodies("ConfigMap")["questions"]["data"] == {"a": "b"}, "checks need what is beside them"
        assert answer_of(world, asked).outcome is GateOutcome.PASSED
        assert jobs(world) == first

        assert answer_of(world, asked, replace(ROLLOUT, step=2)).outcome is GateOutcome.PASSED
        assert list(jobs(world).values()) == ["rollout-1-step-2"]
        assert not first.keys() & jobs(world).keys()
        (job,) = world.bodies("Job", "batch").values()
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert {one["name"]: one["value"] for one in container["env"]} == {
            "BUNDLER_STEP": "2",
            "BUNDLER_STEPS": "4",
            "BUNDLER_NEW_PODS": "10.0.0.7 10.0.0.9",
        }
    events = told(world)
    assert events[:3] == ["quiet waiting", "quiet passed", "web passed"]
    assert events.count("smoke passed") == 2
    assert events[-1] == "smoke passed"


@IN_MEMORY
def test_a_check_that_another_run_of_bundler_has_started_is_found_again(world: World, menu: Path) -> None:
    world.operator.install(menu)
    with gates(world) as asked:
        for _ in range(1000):
            asked.ask(ROLLOUT, seen(world))
            if jobs(world):
                break
    started = jobs(world)
    with gates(world) as asked:
        assert answer_of(world, asked).outcome is GateOutcome.PASSED
    assert jobs(world) == started
    with gates(world) as asked:
        done = replace(ROLLOUT, passed=("smoke",), step=2)
        assert answer_of(world, asked, done).passed == ("quiet", "web", "smoke")
    assert jobs(world) == started, "the record says that it has passed in this step"


@IN_MEMORY
def test_a_check_that_fails_says_why_and_runs_again_when_someone_continues(world: World, menu: Path) -> None:
    sets = {"smoke": "docker.io/library/failjob:1"}
    if world.is_sandbox:
        draft = world.operator.diff(menu, **sets).drafted.revision
        (name,) = [ref.name for ref in draft.dormant if ref.name.startswith("front-")]
        world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    world.operator.install(menu, **sets)
    with gates(world) as asked:
        failed = answer_of(world, asked)
        assert failed.outcome is GateOutcome.FAILED
        assert failed.passed == ("quiet", "web")
        assert failed.lines[0].startswith("gate smoke (bundle.yaml:13): check Job/front-")
        assert "(checks/front.yaml:1) failed: container ask exit code 1" in failed.lines[0]
        first = jobs(world)
        assert asked.ask(ROLLOUT, seen(world)).outcome is GateOutcome.FAILED, "it is not tried again by itself"
        assert jobs(world) == first
    with gates(world) as asked:
        assert answer_of(world, asked).outcome is GateOutcome.FAILED
    assert not first.keys() & jobs(world).keys(), "it ran again"


@IN_MEMORY
def test_an_object_that_is_not_there_cannot_be_computed_with_yet(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.cluster.delete(ObjectRef("apps", "Deployment", world.operator.namespace, "shop-web"))
    with gates(world) as asked:
        answer = asked.ask(ROLLOUT, seen(world))
    assert (answer.outcome, answer.passed) == (GateOutcome.WAITING, ("quiet",))
    assert answer.lines[0].startswith("gate web (bundle.yaml:11): its rule cannot be computed yet (")


@IN_MEMORY
def test_gates_that_were_not_asked_for_are_passed_over(world: World, menu: Path) -> None:
    world.operator.install(menu)
    with gates(world) as asked:
        assert asked.ask(replace(ROLLOUT, gates=()), []).outcome is GateOutcome.PASSED
        assert asked.ask(replace(ROLLOUT, gates=("quiet",)), seen(world)).passed == ("quiet",)
    assert jobs(world) == {}


@IN_MEMORY
def test_a_check_that_has_run_is_no_drift_changes_nothing_and_goes_with_its_release(world: World, menu: Path) -> None:
    world.operator.install(menu)
    with gates(world) as asked:
        assert answer_of(world, asked).outcome is GateOutcome.PASSED
    request = DriftRequest(release="shop", namespace=world.operator.namespace)
    assert find_drift(request, world.operator.ports()).objects == ()
    assert world.operator.upgrade(menu).revision is None
    assert [str(run.outcome) for run in check(world).runs] == ["passed", "passed"], "it runs outside of a step, too"
    world.operator.uninstall()
    assert jobs(world) == {}
    assert "questions" not in world.bodies("ConfigMap")
