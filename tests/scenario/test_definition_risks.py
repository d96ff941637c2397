"""A definition that takes less than the live one: what it would break is named before anything is written."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.release.migrate_storage import StorageRequest, migrate_storage
from bundler.actions.release.terms import Accepted
from bundler.errors.change import ClosedWindowError, DefinitionRiskError, PlanError, WrongClusterError
from bundler.model.cluster import FIELD_MANAGER, Payload
from bundler.model.conflicts import OnConflict
from bundler.model.json import strings_at
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from tests.lib.editing import edit_until_accepted
from tests.lib.widgets import DEFINITIONS, WIDGET, widgets
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_windows import closed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenario.conftest import World


def menu(folder: Path, group: str, change: Callable[[dict[str, Any]], object], *, version: str = "v1") -> Path:
    """Write a bundle whose definition is changed by a function, and that writes its widget in a version."""
    made = widgets(folder, group)
    file = made / "crds/widget.yaml"
    body = json.loads(file.read_text())
    change(body)
    file.write_text(json.dumps(body))
    (made / "templates/widget.yaml").write_text(WIDGET.format(group=group).replace("/v1\n", f"/{version}\n"))
    return made


def spec_of(crd: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def own_widget(world: World, group: str, name: str = "own", version: str = "v1", **spec: object) -> None:
    namespace = world.operator.namespace
    body = {
        "apiVersion": f"{group}/{version}",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    ref = ObjectRef(group, "Widget", namespace, name)
    world.cluster.create(Payload(ref=ref, api_version=f"{group}/{version}", content=json.dumps(body).encode()))


def live_crd(world: World, group: str) -> dict[str, Any]:
    found = world.cluster.get(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}"))
    assert found is not None
    return found  # type: ignore[return-value]


def test_live_objects_that_would_break_are_named_and_nothing_is_written_until_that_is_accepted(
    world: World, group: str, tmp_path: Path
) -> None:
    world.operator.install(widgets(tmp_path / "1", group), "w")
    own_widget(world, group, size=12, color="blue")
    own_widget(world, group, "fits", size=3)
    before = live_crd(world, group)["metadata"]["resourceVersion"]

    def tighten(crd: dict[str, Any]) -> None:
        spec_of(crd)["properties"]["size"]["maximum"] = 10

    tight = menu(tmp_path / "2", group, tighten)
    with pytest.raises(DefinitionRiskError) as raised:
        world.operator.upgrade(tight, "w", size="2")
    name = f"CustomResourceDefinition/widgets.{group}"
    assert raised.value.context == (
        f"{name}: v1 .spec.size maximum 10 is new",
        f"{name}: Widget/own in {world.operator.namespace}: .spec.size is above the maximum 10",
    )
    assert "--accept-crd-risk" in raised.value.hint
    assert live_crd(world, group)["metadata"]["resourceVersion"] == before
    assert world.operator.statuses("w") == ["deployed"]
    accepted = {"accepted": Accepted(losses=True, crd_risk=True)}
    world.operator.upgrade(tight, "w", request=accepted, size="2")
    record = world.operator.ports().store.load(world.operator.history("w")[-1])
    assert record.accepted_risks == raised.value.context


@pytest.mark.parametrize("left_by", ["release", "kubectl"])
def test_a_definition_that_is_taken_over_is_compared_as_one_of_the_release_is(
    world: World, group: str, tmp_path: Path, left_by: str
) -> None:
    made = widgets(tmp_path / "1", group)
    if left_by == "release":
        world.operator.install(made, "w")
        own_widget(world, group, size=12, color="blue")
        world.operator.uninstall("w")
    else:
        world.creator(json.loads((made / "crds/widget.yaml").read_text()))
        world.operator.install(world.menu)  # makes the namespace
        until_served(world, group)
        own_widget(world, group, size=12, color="blue")

    def tighten(crd: dict[str, Any]) -> None:
        spec_of(crd)["properties"]["size"]["maximum"] = 10

    tight, asked = menu(tmp_path / "2", group, tighten), {"adopts": ("CustomResourceDefinition/*",)}
    with pytest.raises(DefinitionRiskError) as raised:
        world.operator.install(tight, "v", request=asked, size="2")
    assert raised.value.context[1].endswith(".spec.size is above the maximum 10")
    accepted = {**asked, "accepted": Accepted(losses=True, crd_risk=True)}
    world.operator.install(tight, "v", request=accepted, size="2")
    assert world.operator.ports().store.load(world.operator.history("v")[-1]).accepted_risks == raised.value.context


def until_served(world: World, group: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and world.cluster.resource_type(group, "Widget") is None:
        world.cluster.forget_discovery()
        time.sleep(0.1)


@IN_MEMORY
def test_what_breaks_no_live_object_is_shown_and_goes_on(world: World, group: str, tmp_path: Path) -> None:
    world.operator.install(widgets(tmp_path / "1", group), "w")
    own_widget(world, group, size=3)

    def tighten(crd: dict[str, Any]) -> None:
        del spec_of(crd)["properties"]["color"]
        spec_of(crd)["properties"]["size"]["maximum"] = 10

    tight = menu(tmp_path / "2", group, tighten)
    (tight / "templates/widget.yaml").write_text(
        WIDGET.format(group=group).replace(", color: {{ values.color | to_json }}", "")
    )
    result = world.operator.upgrade(tight, "w", size="2")
    (risk,) = [one.definition_risk for one in result.proposal.plan.changes if one.definition_risk]
    assert risk.narrowed == (
        "v1 .spec.color is not known any more, and would be dropped",
        "v1 .spec.size maximum 10 is new",
    )
    assert (risk.broken, risk.blocked, risk.checked) == ((), (), 2)


@IN_MEMORY
def test_a_version_that_someone_writes_and_another_scope_are_refused(world: World, group: str, tmp_path: Path) -> None:
    def both(crd: dict[str, Any]) -> None:
        (one,) = crd["spec"]["versions"]
        crd["spec"]["versions"] = [{**one, "name": "v1beta1", "storage": False}, one]

    def unserved(crd: dict[str, Any]) -> None:
        both(crd)
        crd["spec"]["versions"][0]["served"] = False

    world.operator.install(menu(tmp_path / "1", group, both), "w")
    own_widget(world, group)
    world.editor(group, "Widget", "own", {"spec": {"size": 1}}, version="v1beta1")  # type: ignore[attr-defined]
    with pytest.raises(DefinitionRiskError) as raised:
        world.operator.upgrade(menu(tmp_path / "2", group, unserved), "w", size="2")
    assert "v1beta1 is not served any more" in raised.value.context[0]
    assert (
        f"Widget/own in {world.operator.namespace}: kubectl-edit writes it as {group}/v1beta1"
        in raised.value.context[1]
    )
    with pytest.raises(PlanError) as found:
        world.operator.upgrade(menu(tmp_path / "3", group, lambda crd: crd["spec"].update(scope="Cluster")), "w")
    assert any("its scope Namespaced becomes Cluster; there are 2: Widget/own" in one for one in found.value.context)

    def renamed(crd: dict[str, Any]) -> None:
        crd["metadata"]["name"] = f"gadgets.{group}"
        crd["spec"]["names"].update(plural="gadgets", singular="gadget")

    with pytest.raises(DefinitionRiskError) as raised:
        world.operator.upgrade(menu(tmp_path / "4", group, renamed), "w")
    assert (
        f"its kind Widget is that of CustomResourceDefinition/widgets.{group}, which stays" in raised.value.context[0]
    )
    assert world.operator.statuses("w") == ["deployed"]


@IN_MEMORY
def test_a_newer_definition_stays_whoever_brought_it(world: World, group: str, tmp_path: Path) -> None:
    def dated(version: str) -> Callable[[dict[str, Any]], object]:
        return lambda crd: crd["metadata"].update(annotations={"example.com/bundle-version": version})

    world.operator.install(menu(tmp_path / "1", group, dated("v1.10.0")), "w")
    before = live_crd(world, group)["metadata"]["resourceVersion"]
    for release in ("w", "other"):
        done = world.operator.upgrade(menu(tmp_path / release, group, dated("v1.9.0")), release, size="2")
        (change,) = [one for one in done.proposal.plan.changes if one.ref.kind == "CustomResourceDefinition"]
        assert change.action == "none"
        assert change.warnings == ("the cluster has v1.10.0 of it, the bundle v1.9.0: the newer one stays",)
    assert live_crd(world, group)["metadata"]["resourceVersion"] == before
    assert strings_at(live_crd(world, group), "status", "storedVersions") == ("v1",)


def test_a_stored_version_goes_once_its_objects_are_stored_in_another(world: World, group: str, tmp_path: Path) -> None:
    def storing(*names: str) -> Callable[[dict[str, Any]], object]:
        def change(crd: dict[str, Any]) -> None:
            (one,) = crd["spec"]["versions"]
            crd["spec"]["versions"] = [{**one, "name": name, "storage": name == names[-1]} for name in names]

        return change

    name = f"widgets.{group}"
    world.operator.install(menu(tmp_path / "1", group, storing("v1beta1"), version="v1beta1"), "w")
    own_widget(world, group, version="v1beta1", size=1)
    second = world.operator.upgrade(menu(tmp_path / "2", group, storing("v1beta1", "v1")), "w", size="2")
    (offer,) = [text for one in second.proposal.plan.changes for text in one.warnings]
    assert offer == f"objects stay stored as v1beta1 until `bundler migrate-storage {name}` stores them as v1"
    assert strings_at(live_crd(world, group), "status", "storedVersions") == ("v1beta1", "v1")
    last = menu(tmp_path / "3", group, storing("v1"))
    with pytest.raises(DefinitionRiskError) as raised:
        world.operator.upgrade(last, "w", request={"accepted": Accepted(losses=True, crd_risk=True)})
    assert (
        "version v1beta1 goes, and objects may still be stored in it; there are 2: Widget/" in raised.value.context[0]
    )
    assert f"run `bundler migrate-storage {name}`" in raised.value.hint
    frozen, ports = closed(now=world.operator.clock.now()), world.operator.ports()
    assert migrate_storage(StorageRequest(definition=name, is_dry_run=True), ports).objects == 2
    assert strings_at(live_crd(world, group), "status", "storedVersions") == ("v1beta1", "v1")
    with pytest.raises(ClosedWindowError) as refused:
        migrate_storage(StorageRequest(definition=name, site=frozen), ports)
    assert refused.value.hint == "wait until then, or pass --outside-window REASON; nothing was written"
    assert not migrate_storage(StorageRequest(definition=name, site=frozen, is_dry_run=True), ports).outside_window
    with pytest.raises(WrongClusterError):
        migrate_storage(StorageRequest(definition=name, site=replace(frozen, cluster_uid="another")), ports)
    assert strings_at(live_crd(world, group), "status", "storedVersions") == ("v1beta1", "v1")
    before = {one: body["metadata"] for one, body in world.bodies("Widget", group).items()}
    urgent = StorageRequest(definition=name, site=frozen, outside_window="the API goes")
    done = migrate_storage(urgent, ports)
    assert (done.before, done.outside_window) == (("v1beta1", "v1"), "the API goes")
    assert migrate_storage(StorageRequest(definition=name, site=frozen), ports).outside_window == ""
    assert not migrate_storage(StorageRequest(definition=name), ports).is_changed
    assert strings_at(live_crd(world, group), "status", "storedVersions") == ("v1",)
    after = {one: body["metadata"] for one, body in world.bodies("Widget", group).items()}
    assert {one: m["generation"] for one, m in after.items()} == {one: m["generation"] for one, m in before.items()}
    if not world.is_sandbox:
        assert after["own"]["resourceVersion"] != before["own"]["resourceVersion"], "it was written again"
    assert not migrate_storage(StorageRequest(definition=name), ports).is_changed
    own = {"accepted": Accepted(losses=True, crd_risk=True)}  # its maker wrote it in v1beta1
    world.operator.upgrade(last, "w", request=own, size="3")
    assert world.get("Widget", "own", group)["apiVersion"] == f"{group}/v1"  # type: ignore[index]


def drifted(world: World) -> list[str]:
    request = DriftRequest(release="w", namespace=world.operator.namespace)
    return [one.ref.kind for one in find_drift(request, world.operator.ports()).objects]


def test_a_rollback_records_the_definition_that_it_leaves_and_one_to_the_newest_revision_restores_it(
    world: World, group: str, tmp_path: Path
) -> None:
    def widen(crd: dict[str, Any]) -> None:
        spec_of(crd)["properties"]["weight"] = {"type": "integer"}

    world.operator.install(widgets(tmp_path / "1", group), "w")
    world.operator.upgrade(menu(tmp_path / "2", group, widen), "w")
    kept = world.operator.rollback("w").kept
    assert [one.ref.kind for one in kept] == ["CustomResourceDefinition"]
    assert kept[0].reason.startswith("a rollback leaves it as it is; revision 1 differs in .spec.versions")
    assert "weight" in spec_of(live_crd(world, group))["properties"]
    assert drifted(world) == []

    def edited(live: dict[str, Any]) -> dict[str, Any]:
        spec_of(live)["properties"]["theirs"] = {"type": "string"}
        return live

    ref = ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}")
    edit_until_accepted(world.cluster, ref, edited, manager=FIELD_MANAGER)
    assert drifted(world) == ["CustomResourceDefinition"]
    world.operator.rollback("w", 3, on_conflict=OnConflict.TAKE, accepted=Accepted(crd_risk=True))
    assert "theirs" not in spec_of(live_crd(world, group))["properties"]
    assert drifted(world) == []
