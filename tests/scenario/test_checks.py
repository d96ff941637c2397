"""The checks of a bundle: run by `test`, and by changes that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from bundler.actions.inspect.status import release_state
from bundler.actions.release.checks import CheckRequest, check_release
from bundler.actions.release.lifecycle import RunOptions
from bundler.errors.change import RolledBackError, UndeclaredReachError
from bundler.model.events import Notice
from bundler.wire.checked import junit_xml
from tests.lib.bundles import make_bundle
from tests.lib.templates import WEB
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_hooks import VALUES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

CHECK = """
apiVersion: batch/v1
kind: Job
metadata: {name: %s}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: ask, image: "{{ values.%s }}"}]
"""


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {
        "values.yaml": VALUES,
        "templates/web.yaml": WEB,
        "checks/front.yaml": CHECK % ("front", "image"),
        "checks/orders.yaml": CHECK % ("orders", "smoke"),
    }
    return make_bundle(tmp_path / "checked", files, name="checked")


def failing(world: World, menu: Path) -> dict[str, str]:
    """Return the values that make the check of orders fail."""
    sets = {"smoke": "docker.io/library/failjob:1"}
    if world.is_sandbox:
        draft = world.operator.diff(menu, **sets).drafted.revision
        (name,) = [ref.name for ref in draft.dormant if ref.name.startswith("orders-")]
        world.cluster.fail("Job", name, "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    return sets


def check(world: World):
    request = CheckRequest(release="shop", namespace=world.operator.namespace)
    return check_release(request, world.operator.ports())


def test_checks_run_when_they_are_asked_for_and_each_time(world: World, menu: Path) -> None:
    installed = world.operator.install(menu)
    assert [change.ref.kind for change in installed.proposal.plan.changes] == ["Deployment"]
    assert world.bodies("Job", "batch") == {}, "nobody asked for a check"

    report = check(world)
    assert [str(run.outcome) for run in report.runs] == ["passed", "passed"]
    first = {job["metadata"]["uid"] for job in world.bodies("Job", "batch").values()}
    assert not check(world).has_failed
    second = {job["metadata"]["uid"] for job in world.bodies("Job", "batch").values()}
    assert len(first | second) == 4, "each ran again"
    assert world.operator.upgrade(menu).revision is None

    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert [one.entry.ref.kind for one in state.objects] == ["Deployment"]
    world.operator.uninstall()
    assert world.bodies("Job", "batch") == {}


@IN_MEMORY  # a check is a Job as hooks are: one of those fails on the real API, and undoes its upgrade
def test_a_failed_check_fails_the_change_and_all_checks_are_in_the_report(world: World, menu: Path) -> None:
    tested = RunOptions(runs_checks=True)
    world.operator.install(menu, options=tested)
    sets = failing(world, menu)
    with pytest.raises(RolledBackError) as raised:
        world.operator.upgrade(menu, options=tested, request={"rollback_s": 60.0}, **sets)
    assert raised.value.context[0].startswith("check Job/orders-")
    assert "(checks/orders.yaml:1) failed: container ask exit code 1" in raised.value.context[0]
    assert world.operator.statuses() == ["superseded", "failed", "deployed"]

    world.operator.upgrade(menu, **sets)
    report = check(world)
    assert [str(run.outcome) for run in report.runs] == ["passed", "failed"]
    suite = ET.fromstring(junit_xml(report)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (case,) = suite.findall("testcase/failure/..")
    assert case.get("classname") == "checked"
    assert case.get("name") == "orders", "it is the same in every version of the bundle"
    assert "exit code 1" in (case.find("failure").text or "")  # type: ignore[union-attr]


@IN_MEMORY
def test_a_record_gives_checks_no_power(world: World, menu: Path) -> None:
    privileged = (CHECK % ("front", "image")).replace('image: "', 'securityContext: {privileged: true}, image: "')
    (menu / "checks/front.yaml").write_text(privileged)
    world.operator.install(menu)
    with pytest.raises(UndeclaredReachError):
        check(world)
    assert world.bodies("Job", "batch") == {}
    with pytest.raises(UndeclaredReachError):
        world.operator.upgrade(menu, options=RunOptions(runs_checks=True), web="docker.io/library/web:2")
    assert world.bodies("Job", "batch") == {}


SETTINGS = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: "1"}\n'


def tenant(tmp_path: Path, templates: str) -> Path:
    """Make a bundle with a component in a namespace of its own, which has a check."""
    there = {"name": "shop", "bundle": "./shop", "namespace": "{{ release.namespace }}-north"}
    reach = {"namespaces": ["*"]}
    root = make_bundle(tmp_path / "tenants", {}, name="tenants", components=[there], reach=reach)
    files = {"values.yaml": VALUES, "templates/all.yaml": templates, "checks/front.yaml": CHECK % ("front", "image")}
    make_bundle(root, files, name="shop")
    return root


@IN_MEMORY
def test_checks_of_a_component_run_in_the_namespace_where_its_pods_are(world: World, tmp_path: Path) -> None:
    world.operator.install(tenant(tmp_path, WEB))
    report = check(world)
    assert [(run.ref.namespace, str(run.outcome)) for run in report.runs] == [
        (f"{world.operator.namespace}-north", "passed")
    ]
    said = [event.text for event in world.operator.events if isinstance(event, Notice) and " passed " in event.text]
    assert f" in {world.operator.namespace}-north passed after" in said[0]


@IN_MEMORY
def test_a_record_starts_no_pods_in_a_namespace_that_holds_nothing_but_settings(world: World, tmp_path: Path) -> None:
    world.operator.install(tenant(tmp_path, SETTINGS))
    with pytest.raises(UndeclaredReachError):
        check(world)
