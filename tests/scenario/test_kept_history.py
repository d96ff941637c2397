"""What ``uninstall --keep-history`` leaves, and how a release comes back from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.errors.change import ForeignObjectError, ObjectFailedError, ReleaseNotFoundError, RolledBackError
from bundler.errors.cluster import UnavailableError
from bundler.model.change import Action
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-config"}
data: {text: "{{ values.text }}"}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ release.name }}-migrate"}
spec:
  backoffLimit: 0
  template:
    spec: {restartPolicy: Never, containers: [{name: job, image: "docker.io/library/job:1"}]}
"""
FILES = {"values.yaml": "text: one\n", "templates/config.yaml": CONFIG, "templates/job.yaml": JOB}


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    return make_bundle(tmp_path, FILES, name="shop")


def text_of(world: World) -> str | None:
    found = world.get("ConfigMap", "shop-config")
    return found["data"]["text"] if found else None  # type: ignore[index, call-overload]


def planned(result) -> dict[str, Action]:
    return {change.ref.kind: change.action for change in result.proposal.plan.changes}


@IN_MEMORY
def test_the_history_of_an_uninstalled_release_can_be_read(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, text="two")
    world.operator.uninstall(keeps_history=True)
    assert text_of(world) is None
    assert world.operator.statuses() == ["superseded", "uninstalled"]
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert (state.objects, state.is_ready, state.deployed) == ((), False, None)
    with pytest.raises(ReleaseNotFoundError) as raised:
        wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    assert "it was uninstalled, and its history kept" in raised.value.context[0]


def test_a_reinstall_goes_on_counting_starts_from_the_defaults_and_runs_its_jobs_again(
    world: World, menu: Path
) -> None:
    world.operator.install(menu, text="two")
    world.operator.uninstall(keeps_history=True)
    result = world.operator.install(menu)
    assert planned(result) == {"ConfigMap": Action.CREATE, "Job": Action.CREATE}
    assert result.revision is not None
    assert (result.revision.summary.revision, text_of(world)) == (2, "one")
    assert world.operator.statuses() == ["uninstalled", "deployed"]
    again = world.operator.install(menu)
    assert again.revision is None


@IN_MEMORY
def test_a_reinstall_can_start_from_the_values_of_before(world: World, menu: Path) -> None:
    world.operator.install(menu, text="two")
    world.operator.uninstall(keeps_history=True)
    world.operator.install(menu, request={"reuses_values": True})
    assert text_of(world) == "two"


@IN_MEMORY
def test_a_second_uninstall_keeps_or_drops_what_the_first_one_kept(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.uninstall(keeps_history=True)
    world.operator.uninstall(keeps_history=True)
    assert world.operator.statuses() == ["uninstalled"]
    world.operator.uninstall()
    assert world.operator.statuses() == []


@IN_MEMORY
def test_a_rollback_restores_a_revision_that_was_uninstalled(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, text="two")
    world.operator.uninstall(keeps_history=True)
    result = world.operator.rollback(revision=2)
    assert planned(result) == {"ConfigMap": Action.CREATE, "Job": Action.CREATE}
    assert text_of(world) == "two"
    assert world.operator.statuses() == ["superseded", "uninstalled", "deployed"]
    world.operator.upgrade(menu)
    assert text_of(world) == "two", "recorded values are the start again"


@IN_MEMORY
def test_a_rollback_without_a_number_does_not_go_back_past_an_uninstall(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, text="two")
    world.operator.uninstall(keeps_history=True)
    for act in (world.operator.rollback, lambda: world.operator.install(menu) and world.operator.rollback()):
        with pytest.raises(ReleaseNotFoundError) as raised:
            act()
        assert raised.value.context == ("no older revision counts as deployed since the release was uninstalled",)
        assert "`bundler rollback shop REVISION -n " in raised.value.hint


@IN_MEMORY
def test_an_upgrade_of_an_uninstalled_release_is_refused(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.uninstall(keeps_history=True)
    with pytest.raises(ReleaseNotFoundError) as raised:
        world.operator.upgrade(menu, request={"must_exist": True})
    assert "`bundler install shop BUNDLE -n " in raised.value.hint


@IN_MEMORY
def test_what_others_made_since_the_uninstall_is_not_taken_for_ours(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.uninstall(keeps_history=True)
    ref = ObjectRef("", "ConfigMap", world.operator.namespace, "shop-config")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name, "namespace": ref.namespace}}
    world.cluster.create(Payload(ref=ref, api_version="v1", content=canonical_json(body)))
    with pytest.raises(ForeignObjectError):
        world.operator.install(menu)
    world.operator.uninstall()
    assert world.get("ConfigMap", "shop-config") is not None
    assert world.operator.statuses() == []


@IN_MEMORY
def test_a_failed_revision_is_closed_with_the_deployed_one_before_it(world: World, menu: Path) -> None:
    world.operator.install(world.menu)
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(world.menu, image=world.break_web())
    world.mend_web()
    world.operator.uninstall(keeps_history=True)
    assert world.operator.statuses() == ["superseded", "uninstalled"]


@IN_MEMORY
def test_a_failed_reinstall_goes_back_to_nothing_and_keeps_the_history(world: World) -> None:
    world.operator.install(world.menu)
    world.operator.uninstall(keeps_history=True)
    with pytest.raises(RolledBackError):
        world.operator.install(world.menu, image=world.break_web(), request={"rollback_s": 60.0})
    assert world.operator.statuses() == ["uninstalled", "uninstalled"]
    assert world.get("Deployment", "shop-web", "apps") is None


@IN_MEMORY
def test_an_uninstall_that_died_before_its_last_mark_is_simply_repeated(world: World, menu: Path) -> None:
    world.operator.install(menu)
    dying = world.another_operator()
    dying.cluster = FaultyCluster(world.cluster)
    lost = UnavailableError("marking", context=["gone"], hint="-")
    marks: list[int] = []
    dying.cluster.fail_when(
        lambda call: call.verb == "replace" and "release" in call.ref.name and bool(marks or marks.append(1)),
        before=lost,
    )
    with pytest.raises(UnavailableError):
        dying.uninstall(keeps_history=True)
    assert world.operator.statuses() == ["uninstalling"]
    world.operator.uninstall(keeps_history=True)
    assert world.operator.statuses()[-1] == "uninstalled"


@IN_MEMORY
def test_what_an_uninstalled_release_left_is_free_for_another_one(world: World, tmp_path: Path) -> None:
    secret = {"name": "pw", "secret": "shared-pw", "key": "password", "kind": "password"}
    made = make_bundle(tmp_path, {"templates/config.yaml": CONFIG, "values.yaml": "text: a\n"}, generate=[secret])
    world.operator.install(made, "first")
    world.operator.uninstall("first", keeps_history=True)
    world.operator.install(made, "second")
    labels = world.get("Secret", "shared-pw")["metadata"]["labels"]  # type: ignore[index, call-overload]
    assert labels["bundler.dev/release-uid"] == release_uid(world.operator.namespace, "second")
    world.operator.uninstall("first")
    assert world.get("Secret", "shared-pw") is not None
