"""Upgrades in steps: what the pods do, what the record says, and what ends a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.pause import PauseRequest, pause
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors import InterruptedRunError
from bundler.errors.change import RolledBackError, RolloutContestedError, StepFailedError
from bundler.errors.cluster import ConflictError, UnavailableError
from bundler.model.conflicts import OnConflict
from bundler.model.events import ChangeFinished, Notice, PodsReplaced
from bundler.model.rollout import OnFailure, RolloutRequest, RolloutState, Share
from bundler.planning.pacing import pacing_of
from bundler.syntax.writer import dump_yaml
from tests.lib.bundles import bundle_yaml
from tests.lib.faulty import FaultyCluster
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import AlarmClock, Hearing, images, shop
from tests.scenario.conftest import IN_MEMORY, _sandbox_world

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from bundler.model.events import Event
    from bundler.model.rollout import Rollout
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


JOB = {"name": "migrate", "image": "{{ values.image }}"}


def steps(*shares: str, **more: object) -> RolloutRequest:
    return RolloutRequest(steps=tuple(map(Share.parse, shares)), **more)  # type: ignore[arg-type]


def upgrade(operator: Operator, bundle: Path, asked: RolloutRequest, **sets: str) -> ChangeResult:
    return operator.upgrade(bundle, request={"steps": asked}, **{"image": "docker.io/library/web:2", **sets})


def pods(world: World, app: str = "shop-web") -> dict[str, int]:
    return images(world.cluster, world.operator.namespace, app)


@IN_MEMORY
def test_a_canary_brings_its_pods_and_pauses(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    result = upgrade(world.operator, bundle, steps("25%", pause_after="canary"))
    assert result.is_paused
    assert pods(world) == {"web:1": 4, "web:2": 1}
    assert world.operator.statuses() == ["deployed", "pending-upgrade"]
    rollout = world.operator.history()[-1].rollout
    assert rollout is not None
    assert (rollout.state, rollout.step, rollout.steps, rollout.is_done) == (RolloutState.PAUSED, 1, 2, True)


def test_steps_without_a_pause_end_with_the_rendered_workload(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path, "Deployment", "StatefulSet")
    world.operator.install(bundle)
    result = upgrade(world.operator, bundle, steps("25%", "50%", "100%"))
    assert not result.is_paused
    assert (pods(world), pods(world, "shop-db")) == ({"web:2": 4}, {"web:2": 4})
    assert world.operator.statuses() == ["superseded", "deployed"]
    assert world.operator.history()[-1].rollout is None
    web, db = world.get("Deployment", "shop-web", "apps"), world.get("StatefulSet", "shop-db", "apps")
    assert web is not None
    assert db is not None
    assert web["spec"].get("minReadySeconds", 0) == 0
    assert web["spec"]["progressDeadlineSeconds"] == 600
    assert db["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0


# --- what ends a step ------------------------------------------------------------------------------------------------


@pytest.fixture
def timed(tmp_path: Path) -> World:
    """A sandbox in which images fail by their names, and whose clock has alarms."""
    clock = AlarmClock()
    return _sandbox_world(shop(tmp_path), clock, open_sandbox(clock))


def rollout_of(world: World) -> Rollout:
    rollout = world.operator.history()[-1].rollout
    assert rollout is not None
    return rollout


def uids(world: World) -> dict[str, str]:
    return {name: body["metadata"]["uid"] for name, body in world.bodies("Pod").items()}


def is_first_new_pod(event: Event) -> bool:
    return isinstance(event, PodsReplaced) and event.new == 1


def on_first_new_pod(world: World, then: object) -> None:
    world.operator.events = Hearing(is_first_new_pod, then)  # type: ignore[arg-type]


def soon(world: World, *wanted: dict[str, int]) -> dict[str, int]:
    """Return the pods as soon as they are as wanted: controllers bring them after what a run waits for."""
    for _ in range(200):
        if pods(world) in wanted:
            break
        world.operator.clock.sleep(0.1)
    return pods(world)


def told(world: World) -> list[str]:
    return [event.text for event in world.operator.events if isinstance(event, Notice)]


def with_job(parent: Path) -> Path:
    """Write a bundle whose Job runs before the first step, with the same image as its pods."""
    bundle = shop(parent)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "shop-migrate"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [JOB]}}},
    }
    (bundle / "templates" / "job.yaml").write_text(dump_yaml(job))
    (bundle / "bundle.yaml").write_text(bundle_yaml("shop", upgrade={"steps": {"jobs": "compatible"}}))
    return bundle


def go_on(world: World, on_conflict: OnConflict = OnConflict.FAIL) -> ChangeResult:
    request = ContinueRequest(release="shop", namespace=world.operator.namespace, on_conflict=on_conflict)
    options = RunOptions(fail_fast=world.operator.fail_fast)
    return continue_rollout(request, world.operator.ports(), options, lambda _proposal: True)


@pytest.mark.parametrize(("image", "reason"), [("broken:1", "ImagePullBackOff"), ("crash:1", "CrashLoopBackOff")])
def test_new_pods_that_fail_for_good_bring_the_old_ones_back_untouched(
    failing_world: World, tmp_path: Path, image: str, reason: str
) -> None:
    world, bundle = failing_world, shop(tmp_path)
    world.operator.install(bundle)
    before = uids(world)
    with pytest.raises(RolledBackError) as raised:
        upgrade(world.operator, bundle, steps("1", "100%"), image=f"docker.io/library/{image}")
    assert reason in "\n".join(raised.value.context)
    assert world.operator.statuses() == ["deployed", "failed"]
    failed = world.operator.history()[-1]
    assert failed.description.startswith("aborted: step-failed: Deployment/shop-web: pod shop-web-")
    assert reason in world.operator.ports().store.load(failed).evidence
    assert pods(world) == {"web:1": 4}
    assert before.items() <= uids(world).items()


def test_a_step_that_fails_pauses_where_that_was_asked_for_and_a_continue_looks_again(timed: World) -> None:
    timed.operator.install(timed.menu)
    asked = steps("1", "100%", on_failure=OnFailure.PAUSE)
    with pytest.raises(StepFailedError) as raised:
        upgrade(timed.operator, timed.menu, asked, image="docker.io/library/broken:1")
    assert "`bundler continue shop -n prod`" in raised.value.hint
    assert pods(timed) == {"web:1": 4, "broken:1": 1}
    rollout = rollout_of(timed)
    assert (rollout.state, rollout.step, rollout.is_done) == (RolloutState.PAUSED, 1, False)
    assert "ImagePullBackOff" in rollout.reason
    assert timed.operator.statuses() == ["deployed", "pending-upgrade"]
    with pytest.raises(StepFailedError):
        go_on(timed)
    assert rollout_of(timed).state is RolloutState.PAUSED
    request = AbortRequest(release="shop", namespace="prod")
    abort_rollout(request, timed.operator.ports(), RunOptions(), lambda _proposal: True)
    description = timed.operator.history()[-1].description
    assert description.startswith("aborted: ")
    assert "ImagePullBackOff" in description, "who aborts it without a word does so for what it failed with"


def test_pods_that_never_become_ready_end_the_step_when_its_time_is_over(timed: World) -> None:
    timed.operator.install(timed.menu)
    asked = steps("2", "100%", step_timeout_s=40, on_failure=OnFailure.PAUSE)
    began_s = timed.operator.clock.monotonic()
    with pytest.raises(StepFailedError) as raised:
        upgrade(timed.operator, timed.menu, asked, image="docker.io/library/unready:1")
    assert 40 <= timed.operator.clock.monotonic() - began_s < 60
    first, *evidence = raised.value.context
    assert first == "Deployment/shop-web: 0 of 2 new pods are ready; still so after 40 s (--step-timeout)"
    assert any("Deployment/shop-web" in line for line in evidence)
    assert rollout_of(timed).state is RolloutState.PAUSED


def test_the_authors_min_ready_seconds_are_waited_for_before_a_step_is_done(timed: World) -> None:
    timed.operator.install(timed.menu, minReady="20")
    timed.operator.timeout_s = 10  # each step has a time of its own
    began_s = timed.operator.clock.monotonic()
    assert upgrade(timed.operator, timed.menu, steps("1", pause_after="canary"), minReady="20").is_paused
    assert timed.operator.clock.monotonic() - began_s >= 20


def test_readiness_that_is_lost_while_pods_soak_begins_the_soak_again(timed: World) -> None:
    timed.operator.install(timed.menu)
    clock, cluster = timed.operator.clock, timed.cluster
    assert isinstance(clock, AlarmClock)

    def fail() -> None:
        cluster.fail("Deployment", "shop-web", "NotReady", "prod")  # type: ignore[attr-defined]
        clock.ring_in(5, lambda: cluster.heal("Deployment", "shop-web", "prod"))  # type: ignore[attr-defined]

    timed.operator.events = Hearing(
        lambda event: isinstance(event, Notice) and "have to stay so" in event.text, lambda: clock.ring_in(30, fail)
    )
    began_s = clock.monotonic()
    assert upgrade(timed.operator, timed.menu, steps("1", pause_after="canary", soak_s=60)).is_paused
    assert clock.monotonic() - began_s >= 95
    assert any("the soak begins again" in text for text in told(timed))


@IN_MEMORY
def test_a_pause_in_another_session_ends_the_run_before_it_writes_anything_more(world: World, tmp_path: Path) -> None:
    bundle, bob, namespace = shop(tmp_path), world.another_operator(), world.operator.namespace
    world.operator.install(bundle)
    on_first_new_pod(world, lambda: pause(PauseRequest(release="shop", namespace=namespace, user="bob"), bob.ports()))
    result = upgrade(world.operator, bundle, steps("1", "50%", "100%"))
    assert result.is_paused
    rollout = rollout_of(world)
    assert (rollout.state, rollout.by, rollout.is_done) == (RolloutState.PAUSED, "bob", False)
    assert pods(world) == {"web:1": 4, "web:2": 1}
    assert not go_on(world).is_paused
    assert pods(world) == {"web:2": 4}


def test_a_job_that_finishes_while_someone_pauses_is_noted_all_the_same(timed: World, tmp_path: Path) -> None:
    bundle = with_job(tmp_path / "jobs")
    timed.operator.install(bundle)
    bob = timed.another_operator()
    timed.operator.events = Hearing(
        lambda event: isinstance(event, ChangeFinished) and event.ref.kind == "Job",
        lambda: pause(PauseRequest(release="shop", namespace="prod", user="bob"), bob.ports()),
    )
    assert upgrade(timed.operator, bundle, steps("1", "100%")).is_paused
    assert not any("could not be noted" in text for text in told(timed))
    assert timed.operator.history()[-1].finished_jobs
    assert not go_on(timed).is_paused


def test_a_workload_that_is_scaled_meanwhile_gets_its_share_of_new_pods(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    on_first_new_pod(world, lambda: world.scale_web(8))
    assert upgrade(world.operator, bundle, steps("25%", pause_after="canary")).is_paused
    # Kubernetes shares a new size out between both templates and rounds: of the old pods one may be missing.
    wanted = [{"web:1": old, "web:2": 2} for old in ([8] if world.is_sandbox else [7, 8])]
    assert soon(world, *wanted) in wanted


def test_another_image_in_the_middle_ends_the_run_and_names_who_set_it(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    containers = [{"name": "main", "image": "docker.io/library/web:9"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    on_first_new_pod(world, lambda: world.edit("Deployment", "shop-web", patch, "apps"))
    with pytest.raises(RolloutContestedError) as raised:
        upgrade(world.operator, bundle, steps("1", "50%", "100%"))
    lines = "\n".join(raised.value.context)
    assert "kubectl-edit wrote its pod template" in lines
    assert '"docker.io/library/web:9" instead of "docker.io/library/web:2", set by kubectl-edit' in lines
    assert rollout_of(world).state is RolloutState.MOVING
    live = world.get("Deployment", "shop-web", "apps")
    assert live is not None
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "docker.io/library/web:9"


def test_what_someone_applies_in_the_middle_stops_it_and_an_abort_may_take_it_back(
    world: World, tmp_path: Path
) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    before = uids(world)
    applied = {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {
            "minReadySeconds": 600,  # what it brings does not go on until someone has looked
            "template": {"spec": {"containers": [{"name": "main", "image": "docker.io/library/web:7"}]}},
        },
    }
    on_first_new_pod(world, lambda: world.edit("Deployment", "shop-web", applied, "apps"))
    with pytest.raises(RolloutContestedError):
        upgrade(world.operator, bundle, steps("1", "50%", "100%"))
    request = AbortRequest(release="shop", namespace=world.operator.namespace, on_conflict=OnConflict.TAKE)
    abort_rollout(
        request, world.operator.ports(), RunOptions(fail_fast=world.operator.fail_fast), lambda _proposal: True
    )
    assert pods(world) == {"web:1": 4}
    assert len(before.items() & uids(world).items()) >= 3, "those that were not replaced yet are the same"
    live = world.get("Deployment", "shop-web", "apps")
    assert live is not None
    assert pacing_of(live) is None
    assert world.operator.statuses() == ["deployed", "failed"]


def test_pods_that_someone_restarts_in_the_middle_are_of_another_template(timed: World) -> None:
    timed.operator.install(timed.menu)
    restarted = {"kubectl.kubernetes.io/restartedAt": "2026-11-01T12:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": restarted}}}}
    on_first_new_pod(timed, lambda: timed.edit("Deployment", "shop-web", patch, "apps"))
    with pytest.raises(RolloutContestedError) as raised:
        upgrade(timed.operator, timed.menu, steps("1", "50%", "100%"))
    lines = "\n".join(raised.value.context)
    assert "kubectl-edit wrote its pod template" in lines
    assert "restartedAt" in lines
    assert not go_on(timed).is_paused, "who continues it has seen that"
    assert pods(timed) == {"web:2": 4}


def test_replicas_that_someone_sets_meanwhile_are_no_failure_of_the_new_pods(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    on_first_new_pod(world, lambda: world.edit("Deployment", "shop-web", {"spec": {"replicas": 6}}, "apps"))
    with pytest.raises(ConflictError) as raised:
        upgrade(world.operator, bundle, steps("1", "50%", "100%"))
    assert ".spec.replicas" in "\n".join(raised.value.context)
    assert "`bundler abort shop" in raised.value.hint
    rollout = rollout_of(world)
    assert (rollout.state, rollout.step) == (RolloutState.MOVING, 3)
    wanted = [{"web:1": old, "web:2": 3} for old in ([5] if world.is_sandbox else [4, 5])]
    assert soon(world, *wanted) in wanted
    assert not go_on(world, on_conflict=OnConflict.TAKE).is_paused
    assert pods(world) == {"web:2": 4}


def test_a_cluster_that_cannot_be_asked_is_no_failure_of_the_new_pods(timed: World) -> None:
    timed.operator.install(timed.menu)
    cluster = FaultyCluster(timed.cluster, counts=lambda verb, _dry: verb == "list")
    timed.operator.cluster = cluster
    gone = UnavailableError("listing Pods", context=["connection refused"], hint="check the network")
    on_first_new_pod(timed, lambda: cluster.fail_when(lambda _call: True, before=gone, is_lasting=True))
    with pytest.raises(UnavailableError) as raised:
        upgrade(timed.operator, timed.menu, steps("1", "50%", "100%"))
    timed.operator.cluster = timed.cluster
    assert raised.value.hint.startswith("check the network; then run `bundler continue shop -n prod`")
    assert (rollout_of(timed).state, rollout_of(timed).step) == (RolloutState.MOVING, 1)
    assert not go_on(timed).is_paused


def test_pacing_that_someone_changes_is_put_back_once(timed: World) -> None:
    timed.operator.install(timed.menu)
    patch = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}}
    on_first_new_pod(timed, lambda: timed.edit("Deployment", "shop-web", patch, "apps"))
    assert upgrade(timed.operator, timed.menu, steps("1", pause_after="canary")).is_paused
    assert any("kubectl-edit changed how far its new pods may go" in text for text in told(timed))


def test_a_run_that_is_asked_to_stop_leaves_the_rollout_where_it_is(timed: World) -> None:
    timed.operator.install(timed.menu)
    stops = list[bool]()
    on_first_new_pod(timed, lambda: stops.append(True))
    timed.operator.is_stopped = lambda: bool(stops)
    with pytest.raises(InterruptedRunError) as raised:
        upgrade(timed.operator, timed.menu, steps("1", "50%", "100%"))
    assert "`bundler continue shop -n prod`" in raised.value.hint
    assert (rollout_of(timed).state, rollout_of(timed).step) == (RolloutState.MOVING, 1)
    stops.clear()
    assert not go_on(timed).is_paused
    assert pods(timed) == {"web:2": 4}
