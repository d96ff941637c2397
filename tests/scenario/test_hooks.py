"""Hooks run at their point of a change, once, and what they are is part of the release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler import ReleaseRequest, RollbackRequest, UninstallRequest, Values
from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.inspect.status import release_state
from bundler.actions.release import rollback
from bundler.actions.release.lifecycle import RunOptions
from bundler.errors.change import HookFailedError, ObjectFailedError, PlanError, RolledBackError, UndeclaredReachError
from bundler.model.change import Action
from bundler.model.events import ChangeStarted, Notice, PhaseStarted
from bundler.wire.plan_file import decode_plan, encode_plan
from tests.lib.bundles import make_bundle
from tests.lib.sessions import session_on
from tests.lib.templates import WEB
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

VALUES = """
step: one
web: docker.io/library/web:1
image: docker.io/library/job:1
smoke: docker.io/library/job:1
"""

HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  annotations: {{bundler.dev/hook: "{points}", bundler.dev/hook-delete-after: {delete}, bundler.dev/hook-order: "{order}"}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: job, image: "{{{{ values.{image} }}}}", args: ["{{{{ values.step }}}}"]}}]
"""


def hook(name: str, points: str, *, delete: str = "uninstall", order: int = 0, image: str = "image") -> str:
    return HOOK.format(name=name, points=points, delete=delete, order=order, image=image)


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {
        "values.yaml": VALUES,
        "templates/web.yaml": WEB,
        "hooks/jobs.yaml": "---".join(
            [
                hook("migrate", "before-install, before-upgrade"),
                hook("smoke", "after-install,after-upgrade", delete="success", image="smoke"),
                hook("back", "before-rollback"),
                hook("bye", "before-uninstall"),
                hook("gone", "after-uninstall"),
            ]
        ),
    }
    return make_bundle(tmp_path / "hooked", files, name="hooked")


def stems(names) -> set[str]:
    return {name.rpartition("-")[0] for name in names}


def notices(world: World) -> list[Notice]:
    return [event for event in world.operator.events if isinstance(event, Notice) and " | " in event.text]


def planned(result) -> dict[str, tuple[str, str]]:
    changes = result.proposal.plan.changes
    return {c.ref.name.rpartition("-")[0]: (str(c.hook), str(c.action)) for c in changes if c.hook}


def test_hooks_run_at_their_points_from_install_to_uninstall(world: World, menu: Path) -> None:
    installed = world.operator.install(menu)
    assert planned(installed) == {"migrate": ("before-install", "create"), "smoke": ("after-install", "create")}
    assert stems(world.bodies("Job", "batch")) == {"migrate"}, "the other was to go at once"
    assert world.operator.history()[-1].objects == 1
    assert PhaseStarted("applying", 3, hooks=2) in world.operator.events

    again = world.operator.upgrade(menu)
    assert again.revision is None, "hooks alone are no reason for a change"
    assert {one: again.proposal.plan.count(one) for one in Action if again.proposal.plan.count(one)} == {Action.NONE: 1}

    upgraded = world.operator.upgrade(menu, web="docker.io/library/web:2", options=RunOptions(tells_hook_logs=True))
    if world.is_sandbox:  # the nodes of the control plane in the tests run nothing
        told = {str(event.text).partition(" | ")[0].rpartition("-")[0] for event in notices(world)}
        assert told >= {"migrate", "smoke"}
    assert planned(upgraded) == {"migrate": ("before-upgrade", "recreate"), "smoke": ("after-upgrade", "create")}
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    assert {one.entry.ref.kind for one in state.objects} == {"Deployment", "Job"}
    drift = find_drift(DriftRequest(release="shop", namespace=world.operator.namespace), world.operator.ports())
    assert drift.objects == ()

    back = world.operator.rollback()
    assert planned(back) == {"back": ("before-rollback", "create")}

    world.operator.uninstall()
    assert world.bodies("Job", "batch") == {}
    assert world.operator.history() == ()


def test_a_failed_hook_after_an_upgrade_undoes_it_and_leaves_its_evidence(world: World, menu: Path) -> None:
    world.operator.install(menu)
    failing = {"web": "docker.io/library/web:2", "smoke": "docker.io/library/failjob:1"}
    if world.is_sandbox:
        (name,) = [c.ref.name for c in world.operator.diff(menu, **failing).plan.changes if "smoke" in c.ref.name]
        world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(RolledBackError) as raised:
        world.operator.upgrade(menu, **failing, request={"rollback_s": 60.0})
    said = raised.value.context[0]
    assert said.startswith("hook after-upgrade Job/smoke-"), said
    assert "(hooks/jobs.yaml:13) failed: container job exit code 1" in said
    assert world.operator.statuses() == ["superseded", "failed", "deployed"]
    failed = world.operator.ports().store.load(world.operator.history()[1])
    assert said in failed.evidence
    (web,) = world.get("Deployment", "shop-web", "apps")["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    assert web["image"].endswith("web:1")
    assert release_state(world.operator.ports(), world.operator.namespace, "shop").is_ready
    begun = {event.ref.name.rpartition("-")[0] for event in world.operator.events if isinstance(event, ChangeStarted)}
    assert "back" in begun, "the revision that was left has this hook"


@IN_MEMORY
def test_what_was_finished_before_a_failure_is_not_run_again(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(menu, web="docker.io/library/broken:1")
    world.mend_web()
    repeated = world.operator.upgrade(menu, web="docker.io/library/web:3")
    assert planned(repeated)["migrate"] == ("before-upgrade", "none")
    other = world.operator.upgrade(menu, web="docker.io/library/web:4")
    assert planned(other)["migrate"] == ("before-upgrade", "recreate")


def test_a_hook_that_could_never_start_is_refused_before_anything_is_written(world: World, menu: Path) -> None:
    job = hook("migrate", "before-install, before-upgrade")
    needing = job.replace("restartPolicy: Never", "restartPolicy: Never\n      serviceAccountName: runner")
    (menu / "hooks/jobs.yaml").write_text(needing)
    account = menu / "templates/account.yaml"
    account.write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n")
    with pytest.raises(PlanError) as raised:
        world.operator.install(menu)
    (line,) = raised.value.context
    assert line.startswith("hooks/jobs.yaml:2: hook before-install Job/migrate-")
    assert line.endswith("needs ServiceAccount/runner, which is created after it")
    assert world.operator.history() == ()


def test_a_hook_of_a_rollback_that_fails_names_the_flag_that_does_without_it(sandbox_world: World, menu: Path) -> None:
    world = sandbox_world
    world.operator.install(menu)
    world.operator.upgrade(menu, web="docker.io/library/web:2")
    back = rollback.RollbackRequest(release="shop", namespace=world.operator.namespace)
    proposal = rollback.propose_rollback(back, world.operator.ports())
    (name,) = [change.ref.name for change in proposal.plan.changes if change.hook]
    world.cluster.fail("Job", name, "JobFailed", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(HookFailedError) as raised:
        world.operator.rollback()
    assert "`--no-hooks` does without it" in raised.value.hint


@IN_MEMORY
def test_what_a_hook_of_a_rollback_left_is_no_drift(world: World, menu: Path) -> None:
    (menu / "hooks/jobs.yaml").write_text(hook("back", "before-rollback", image="smoke"))
    world.operator.install(menu)
    world.operator.upgrade(menu, smoke="docker.io/library/job:2", web="docker.io/library/web:2")
    world.operator.rollback()
    assert stems(world.bodies("Job", "batch")) == {"back"}, "of the revision that was left"
    drift = find_drift(DriftRequest(release="shop", namespace=world.operator.namespace), world.operator.ports())
    assert drift.objects == ()


@IN_MEMORY
def test_hooks_that_cannot_succeed_any_more_are_left_out_where_someone_says_so(world: World, menu: Path) -> None:
    world.operator.install(menu)
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n"
    (menu / "templates/account.yaml").write_text(account)
    text = (hook("back", "before-rollback") + "---" + hook("gone", "after-uninstall")).replace(
        "restartPolicy: Never", "restartPolicy: Never\n      serviceAccountName: runner"
    )
    (menu / "hooks/jobs.yaml").write_text(text)
    world.operator.upgrade(menu)
    with pytest.raises(PlanError):
        world.operator.uninstall()
    back = world.operator.rollback(skips_hooks=True)
    assert planned(back) == {}
    world.operator.uninstall(skips_hooks=True)
    assert world.bodies("Job", "batch") == {}


@IN_MEMORY
def test_an_upgrade_without_its_hooks_says_which_and_records_them(world: World, menu: Path) -> None:
    world.operator.install(menu)
    before = world.bodies("Job", "batch")
    request = {"skips_hooks": True}
    done = world.operator.upgrade(menu, request=request, web="docker.io/library/web:2")
    assert planned(done) == {}
    skipped = [(one.ref.name.rpartition("-")[0], one.reason) for one in done.proposal.plan.skipped_hooks]
    assert skipped == [("migrate", "before-upgrade, hooks/jobs.yaml:1"), ("smoke", "after-upgrade, hooks/jobs.yaml:13")]
    assert world.bodies("Job", "batch").keys() == before.keys(), "none was run, and what earlier ones left stays"
    ports = world.operator.ports()
    assert done.revision is not None
    record = ports.store.load(done.revision.summary)
    assert [line.partition("-")[0] for line in record.skipped_hooks] == ["Job/migrate", "Job/smoke"]
    assert planned(world.operator.upgrade(menu, web="docker.io/library/web:3")) != {}
    world.operator.rollback()
    assert not ports.store.load(world.operator.history()[-1]).skipped_hooks


@IN_MEMORY
def test_a_saved_plan_without_hooks_is_carried_out_without_them(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, web="docker.io/library/web:2")
    session = session_on(world.cluster, world.operator.clock, world.operator.namespace)
    for request, point in (
        (
            ReleaseRequest(bundle=str(menu), release="shop", values=Values(data={"web": "docker.io/library/web:3"})),
            "before-upgrade",
        ),
        (RollbackRequest(release="shop"), "before-rollback"),
        (UninstallRequest(release="shop"), "before-uninstall"),
    ):
        with_hooks, without = (session.save_plan(replace(request, skips_hooks=skips)) for skips in (False, True))
        assert f"hook {point}" in {change.reason.partition(";")[0] for change in with_hooks.changes}
        assert not any(change.reason.startswith("hook ") for change in without.changes)
        applied = session.apply_plan(decode_plan(encode_plan(without), name="a.plan"))
        assert planned(applied) == {}
    assert world.bodies("Job", "batch") == {}


BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "{{ release.namespace }}-admin", annotations: {bundler.dev/hook: after-uninstall}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: "{{ release.namespace }}"}]
"""


@IN_MEMORY
def test_a_record_gives_the_hooks_of_an_uninstall_no_power(world: World, menu: Path) -> None:
    (menu / "hooks/jobs.yaml").write_text(BINDING + "---" + hook("gone", "after-uninstall"))
    world.operator.install(menu)
    with pytest.raises(UndeclaredReachError) as raised:
        world.operator.uninstall()
    assert "ClusterRoleBinding/" in raised.value.context[0]
    world.operator.uninstall(skips_hooks=True)
    assert world.operator.history() == ()


@IN_MEMORY
def test_a_plan_shows_and_counts_hooks_exactly_where_they_would_run(world: World, menu: Path) -> None:
    world.operator.install(menu, options=RunOptions(waits=False))
    for options in (RunOptions(waits=False), RunOptions(), RunOptions(forces_revision=True)):
        same = world.operator.upgrade(menu, options=options)
        assert same.proposal.plan.is_idle, "a change to no one, though it is waited for or recorded"

    definition = menu / "bundle.yaml"
    definition.write_text(definition.read_text().replace("1.0.0", "1.0.1"))
    newer = world.operator.diff(menu)
    assert newer.plan.is_empty
    assert not newer.plan.is_idle
    assert newer.plan.count(Action.CREATE) + newer.plan.count(Action.RECREATE) == newer.plan.hooks_written == 2


@IN_MEMORY
def test_hooks_that_are_all_that_is_left_of_an_upgrade_are_counted(world: World, menu: Path) -> None:
    world.operator.install(menu)
    wanted = {"web": "docker.io/library/web:2", "smoke": "docker.io/library/failjob:1"}
    (name,) = [c.ref.name for c in world.operator.diff(menu, **wanted).plan.changes if "smoke" in c.ref.name]
    world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(HookFailedError):
        world.operator.upgrade(menu, **wanted)
    left = world.operator.diff(menu, **wanted).plan
    assert left.is_empty
    assert not left.is_idle
    assert left.count(Action.RECREATE) == left.hooks_written == 1


@IN_MEMORY
@pytest.mark.parametrize("rollback_s", [0.0, 60.0])
def test_who_applies_a_plan_that_fails_half_way_is_told_to_make_a_new_one(
    world: World, menu: Path, rollback_s: float
) -> None:
    world.operator.install(menu)
    wanted = {"web": "docker.io/library/web:2", "smoke": "docker.io/library/failjob:1"}
    (name,) = [c.ref.name for c in world.operator.diff(menu, **wanted).plan.changes if "smoke" in c.ref.name]
    world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    session = session_on(world.cluster, world.operator.clock, world.operator.namespace)
    request = ReleaseRequest(bundle=str(menu), release="shop", values=Values(data=wanted), rollback_s=rollback_s)
    plan = session.save_plan(request)
    with pytest.raises((HookFailedError, RolledBackError)) as raised:
        session.apply_plan(plan)
    assert "make a new plan with `bundler plan`" in raised.value.hint
    assert "again" not in raised.value.hint
