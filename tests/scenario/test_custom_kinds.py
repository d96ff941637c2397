"""Bundles that bring their own kinds, and roles beside those who need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.release.terms import Accepted
from bundler.errors.change import ForeignObjectError, RejectedObjectsError, UndeclaredReachError
from bundler.model.cluster import Payload
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import replace
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from tests.lib.bundles import make_bundle
from tests.lib.late_discovery import LateDiscovery
from tests.lib.widgets import DEFINITIONS, WIDGET, definition, readiness, widgets
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World


def crd(world: World, group: str) -> dict:
    found = world.cluster.get(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}"))
    assert found is not None
    return found  # type: ignore[return-value]


def test_a_kind_and_its_first_object_are_installed_in_one_go(world: World, group: str, tmp_path: Path) -> None:
    result = world.operator.install(widgets(tmp_path, group), "w")
    unverified = {change.ref.kind for change in result.proposal.plan.changes if not change.is_verified}
    assert "Widget" in unverified
    assert "ServiceAccount" not in unverified, "by the second look its namespace is there"
    assert world.get("Widget", "w-widget", group)["spec"] == {"size": 1, "color": "red"}  # type: ignore[index]
    assert world.get("RoleBinding", "w-reader", "rbac.authorization.k8s.io") is not None
    assert world.operator.statuses("w") == ["deployed"]
    assert world.operator.install(world.menu.parent / "widgets", "w").revision is None


@IN_MEMORY
def test_an_install_ends_when_the_server_says_that_it_serves_the_new_kind(
    world: World, group: str, tmp_path: Path
) -> None:
    menu = widgets(tmp_path, group)
    (menu / "templates/widget.yaml").unlink()  # nothing in the bundle asks for the kind
    late = LateDiscovery(world.cluster, group=group, answers=3)
    world.operator.cluster = late
    world.operator.install(menu, "w")
    assert late.held_back == ["Widget"] * 3, "what is kept of the answer would lack the kind for ten minutes"


def test_a_kind_grows_a_field_before_an_object_uses_it(world: World, group: str, tmp_path: Path) -> None:
    world.operator.install(widgets(tmp_path / "old", group, "size", "color"), "w")
    grown = widgets(tmp_path / "new", group, "size", "color", "shape")
    (grown / "templates/widget.yaml").write_text(WIDGET.format(group=group).replace("spec: {", "spec: {shape: round, "))
    world.operator.upgrade(grown, "w", size="2")
    assert world.get("Widget", "w-widget", group)["spec"] == {"size": 2, "color": "red", "shape": "round"}  # type: ignore[index]
    assert world.operator.statuses("w") == ["superseded", "deployed"]


def test_uninstall_deletes_a_kind_on_request_where_no_object_of_others_is_left(
    world: World, group: str, tmp_path: Path
) -> None:
    menu, namespace = widgets(tmp_path, group), world.operator.namespace
    name = f"CustomResourceDefinition/widgets.{group}"
    world.operator.install(menu, "w")
    own = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "own", "namespace": namespace}}
    own_ref = ObjectRef(group, "Widget", namespace, "own")
    world.cluster.create(Payload(ref=own_ref, api_version=f"{group}/v1", content=json.dumps(own).encode()))
    first = world.operator.uninstall("w", deletes_crds=True).proposal.plan
    assert name in [one.ref.short for one in first.kept]
    world.operator.install(menu, "w")
    world.cluster.delete(own_ref)
    second = world.operator.uninstall("w", deletes_crds=True).proposal.plan
    assert [one.ref.short for one in second.kept if one.ref.kind != "Namespace"] == []
    assert second.changes[-1].ref.short == name, "after everything of its kind"
    assert world.cluster.get(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}")) is None


@IN_MEMORY
def test_uninstall_deletes_no_kind_that_another_release_records(world: World, group: str, tmp_path: Path) -> None:
    menu, other = widgets(tmp_path / "first", group), widgets(tmp_path / "second", group)
    (other / "templates/widget.yaml").unlink()
    name = f"CustomResourceDefinition/widgets.{group}"
    world.operator.install(menu, "w")
    world.operator.install(other, "v")
    kept = world.operator.uninstall("w", deletes_crds=True).kept
    assert [one.reason for one in kept if one.ref.short == name] == [
        f"release v in namespace {world.operator.namespace} uses it too"
    ]
    assert crd(world, group)
    world.operator.install(menu, "w")
    world.operator.uninstall("v", keeps_history=True)
    assert name not in [one.ref.short for one in world.operator.uninstall("w", deletes_crds=True).kept]
    assert world.cluster.get(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}")) is None


@IN_MEMORY
def test_uninstall_deletes_no_kind_where_the_records_of_a_release_cannot_be_read(
    world: World, group: str, tmp_path: Path
) -> None:
    menu, name = widgets(tmp_path, group), f"CustomResourceDefinition/widgets.{group}"
    world.operator.install(menu, "w")
    world.operator.install(world.menu, "v")
    pack = next(one for one in world.bodies("Secret") if one.startswith("bundler.pack.v."))
    world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, pack))
    kept = world.operator.uninstall("w", deletes_crds=True).kept
    why = next(one.reason for one in kept if one.ref.short == name)
    assert why.startswith(f"release v in namespace {world.operator.namespace} may use it: "), why
    assert crd(world, group)


def test_uninstall_keeps_the_kind_and_what_others_made_of_it(world: World, group: str, tmp_path: Path) -> None:
    menu = widgets(tmp_path, group)
    world.operator.install(menu, "w")
    uid, namespace = crd(world, group)["metadata"]["uid"], world.operator.namespace
    own = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "own", "namespace": namespace}}
    own_ref = ObjectRef(group, "Widget", namespace, "own")
    world.cluster.create(Payload(ref=own_ref, api_version=f"{group}/v1", content=json.dumps(own).encode()))
    kept = [one.ref.short for one in world.operator.uninstall("w").kept if one.ref.kind != "Namespace"]
    assert kept == [f"CustomResourceDefinition/widgets.{group}"]
    assert crd(world, group)["metadata"]["uid"] == uid
    assert set(world.bodies("Widget", group)) == {"own"}
    world.operator.install(menu, "w")
    assert crd(world, group)["metadata"]["uid"] == uid
    assert set(world.bodies("Widget", group)) == {"own", "w-widget"}


def until_gone(world: World, group: str) -> None:
    ref, clock = ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}"), world.operator.clock
    for _ in range(200):
        if world.cluster.get(ref) is None:
            world.cluster.forget_discovery()
            if world.cluster.resource_type(group, "Widget") is None:
                return
        clock.sleep(0.1)
    raise AssertionError(f"{ref.short} is still there")


def serving(menu: Path, group: str, version: str, **served: bool) -> Path:
    """Let a bundle define its kind in these versions, the last one stored, and write its object in one of them."""
    file = menu / "crds/widget.yaml"
    body = json.loads(file.read_text())
    first, *_ = body["spec"]["versions"]
    body["spec"]["versions"] = [
        {**first, "name": name, "served": is_served, "storage": name == [*served][-1]}
        for name, is_served in served.items()
    ]
    file.write_text(json.dumps(body))
    (menu / "templates/widget.yaml").write_text(WIDGET.format(group=group).replace("/v1\n", f"/{version}\n"))
    return menu


def test_a_rollback_past_a_new_version_of_a_kind_goes_through_the_version_that_is_served(
    world: World, group: str, tmp_path: Path
) -> None:
    world.operator.install(serving(widgets(tmp_path / "1", group), group, "v1beta1", v1beta1=True), "w")
    new = serving(widgets(tmp_path / "2", group), group, "v1", v1beta1=False, v1=True)
    world.operator.upgrade(new, "w", size="2")
    result = world.operator.rollback("w")
    (change,) = [one for one in result.proposal.plan.changes if one.ref.kind == "Widget"]
    assert change.reason == f"recorded in {group}/v1beta1, which is not served any more; written in {group}/v1"
    assert world.get("Widget", "w-widget", group)["spec"] == {"size": 1, "color": "red"}  # type: ignore[index]
    assert world.operator.statuses("w") == ["superseded", "superseded", "deployed"]
    assert world.operator.upgrade(new, "w", size="1").proposal.plan.is_empty


def test_a_release_outlives_a_version_and_the_kind_itself(world: World, group: str, tmp_path: Path) -> None:
    defining, using = serving(widgets(tmp_path / "kind", group), group, "v1", v1beta1=True, v1=True), tmp_path / "use"
    world.operator.install(defining, "kind")

    def user(folder: str, version: str, size: int) -> Path:
        text = WIDGET.format(group=group).replace("/v1\n", f"/{version}\n").replace("{{ values.size }}", str(size))
        config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-config}\n"
        files = {"templates/config.yaml": config, "values.yaml": "color: red\n"}
        files |= {"templates/widget.yaml": text} if size else {}
        return make_bundle(using / folder, files, name="user", readiness=readiness(group))

    world.operator.install(user("1", "v1beta1", 1), "shop")
    accepted = {"accepted": Accepted(losses=True, crd_risk=True)}  # `shop` still writes it
    world.operator.upgrade(serving(defining, group, "v1", v1beta1=False, v1=True), "kind", request=accepted)
    namespace = world.operator.namespace
    assert release_state(world.operator.ports(), namespace, "shop").is_ready
    assert find_drift(DriftRequest(release="shop", namespace=namespace), world.operator.ports()).objects == ()
    world.operator.upgrade(user("2", "v1", 2), "shop")
    world.operator.rollback("shop")
    assert world.get("Widget", "shop-widget", group)["spec"]["size"] == 1  # type: ignore[index]
    world.cluster.delete(
        ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}"), propagation="Foreground"
    )
    until_gone(world, group)
    gone = f"the cluster serves no Widget in {group} any more"
    with pytest.raises(RejectedObjectsError):
        world.operator.rollback("shop", 2)
    last = world.operator.upgrade(user("3", "v1", 0), "shop")
    assert [(one.ref.short, one.reason) for one in last.proposal.plan.gone] == [("Widget/shop-widget", gone)]
    assert world.operator.upgrade(user("3", "v1", 0), "shop").proposal.plan.gone == ()
    removed = world.operator.uninstall("shop").proposal.plan
    assert [(one.ref.short, one.reason) for one in removed.gone] == [("Widget/shop-widget", gone)]
    assert world.operator.statuses("shop") == []


def test_a_kind_that_kubernetes_no_longer_has_is_left_out_of_a_rollback(sandbox_world: World) -> None:
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    store = operator.ports().store
    first = store.load(operator.history()[0], with_sensitive=True)
    ref = ObjectRef("policy", "PodSecurityPolicy", "", "shop")
    body = {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": "shop"}, "spec": {}}
    policy = Manifest(ref=ref, api_version="policy/v1beta1", body=body, source=Source("templates/psp.yaml", 1))
    entry = InventoryEntry(ref=ref, api_version="policy/v1beta1", stage=first.inventory[0].stage, manifest=policy)
    summary = replace(first.summary, revision=2, resource_version="", uid="")
    store.save(replace(first, summary=summary, inventory=(*first.inventory, entry)))
    operator.upgrade(sandbox_world.menu, text="third")
    plan = operator.rollback("shop", 2).proposal.plan
    assert [(one.ref.short, one.reason) for one in plan.gone] == [
        ("PodSecurityPolicy/shop", "the cluster serves no PodSecurityPolicy in policy any more")
    ]
    assert operator.statuses()[-1] == "deployed"
    assert operator.uninstall("shop").proposal.plan.gone == plan.gone


def test_a_rollback_that_a_newer_schema_refuses_says_that_definitions_stay(
    world: World, group: str, tmp_path: Path
) -> None:
    world.operator.install(widgets(tmp_path / "1", group, "size", "color"), "w")
    new = widgets(tmp_path / "2", group, "size")
    (new / "templates/widget.yaml").write_text(
        WIDGET.format(group=group).replace(", color: {{ values.color | to_json }}", "")
    )
    world.operator.upgrade(new, "w", size="2")
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.rollback("w")
    found = "\n".join(raised.value.context)
    assert "color" in found
    assert "definitions are not rolled back" in found
    assert world.operator.statuses("w") == ["superseded", "deployed"]


def test_an_object_in_a_version_that_the_same_plan_stops_serving_is_refused(
    world: World, group: str, tmp_path: Path
) -> None:
    world.operator.install(serving(widgets(tmp_path / "1", group), group, "v1beta1", v1beta1=True), "w")
    wrong = serving(widgets(tmp_path / "2", group), group, "v1beta1", v1beta1=False, v1=True)
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.upgrade(wrong, "w", size="2")
    assert f"its definition in this plan serves Widget only in {group}/v1" in raised.value.context[0]
    assert world.operator.statuses("w") == ["deployed"]


def reasons(result) -> dict[str, tuple[str, str]]:
    return {one.ref.kind: (one.action.value, one.reason) for one in result.proposal.plan.changes}


@IN_MEMORY
def test_a_kind_that_two_releases_bring_is_shared(world: World, group: str, tmp_path: Path) -> None:
    menu = widgets(tmp_path, group)
    world.operator.install(menu, "first")
    uid, owner = crd(world, group)["metadata"]["uid"], crd(world, group)["metadata"]["labels"][RELEASE_UID]
    done = reasons(world.operator.install(menu, "second"))["CustomResourceDefinition"]
    assert done[0] == "none"
    assert done[1].startswith('it is shared with bundler release "first"')
    for release in ("first", "second"):
        request = DriftRequest(release=release, namespace=world.operator.namespace)
        assert find_drift(request, world.operator.ports()).objects == (), "it is not drift, whoever looks after it"
    assert crd(world, group)["metadata"]["labels"][RELEASE_UID] == owner
    assert release_state(world.operator.ports(), world.operator.namespace, "second").is_ready
    assert wait_for_release(world.operator.ports(), world.operator.namespace, "second").is_ready
    world.operator.uninstall("first")
    assert crd(world, group)["metadata"]["uid"] == uid
    done = reasons(world.operator.upgrade(menu, "second"))["CustomResourceDefinition"]
    assert done[0] == "update"
    assert done[1].startswith('left behind by bundler release "first"')
    assert crd(world, group)["metadata"]["labels"][RELEASE_UID] != owner
    assert set(world.bodies("Widget", group)) == {"second-widget"}


@IN_MEMORY
def test_a_kind_is_not_shared_where_it_lacks_a_version_that_is_needed(world: World, group: str, tmp_path: Path) -> None:
    world.operator.install(serving(widgets(tmp_path / "1", group), group, "v1", v1=True), "first")
    newer = serving(widgets(tmp_path / "2", group), group, "v2", v1=True, v2=True)
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.install(newer, "second")
    assert f"CustomResourceDefinition/widgets.{group} exists in the cluster" in "\n".join(raised.value.context)
    assert "delete" not in (raised.value.hint or "")


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""


@IN_MEMORY
def test_what_an_uninstalled_release_left_is_taken_by_the_next_of_any_name(world: World, tmp_path: Path) -> None:
    generate = [{"name": "password", "secret": "shared", "key": "password", "kind": "password", "length": 24}]
    menu, quick = make_bundle(tmp_path, {"templates/claim.yaml": CLAIM}, generate=generate), RunOptions(waits=False)
    world.operator.install(menu, "old", options=quick)
    password = world.get("Secret", "shared")["data"]  # type: ignore[index]
    with pytest.raises(ForeignObjectError):
        world.operator.install(menu, "new")
    world.operator.uninstall("old")
    done = reasons(world.operator.install(menu, "new", options=quick))
    assert {kind: action for kind, (action, _) in done.items()} == {
        "PersistentVolumeClaim": "update",
        "Secret": "update",
    }
    assert all(reason.startswith('left behind by bundler release "old"') for _, reason in done.values())
    assert world.get("Secret", "shared")["data"] == password  # type: ignore[index]
    assert world.operator.upgrade(menu, "new", options=quick).proposal.plan.is_empty


def test_an_object_that_its_new_kind_refuses_is_named_and_mended_by_the_next_run(
    world: World, group: str, tmp_path: Path
) -> None:
    broken = widgets(tmp_path / "broken", group, "size")
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.install(broken, "w")
    assert "Widget/w-widget" in "\n".join(raised.value.context)
    assert "color" in "\n".join(raised.value.context)
    assert world.get("ServiceAccount", "w-reader") is None, "nothing but definitions was written"
    assert world.operator.statuses("w") == ["failed"]
    world.operator.install(widgets(tmp_path / "fixed", group), "w")
    assert world.operator.statuses("w") == ["failed", "deployed"]


def test_a_kind_that_nobody_serves_is_refused_before_anything_is_written(world: World, tmp_path: Path) -> None:
    menu = make_bundle(
        tmp_path,
        {"templates/widget.yaml": WIDGET.format(group="nobody.example"), "values.yaml": "size: 1\ncolor: red\n"},
    )
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.install(menu, "w")
    assert "the cluster serves no Widget in nobody.example/v1" in "\n".join(raised.value.context)
    assert world.operator.statuses("w") == []
    assert world.cluster.get(ObjectRef("", "Namespace", "", world.operator.namespace)) is None


def test_a_kind_must_be_declared(world: World, tmp_path: Path) -> None:
    menu = widgets(tmp_path, "undeclared.example", reach={})
    with pytest.raises(UndeclaredReachError) as raised:
        world.operator.install(menu, "w")
    assert raised.value.context == (
        "crds/widget.yaml:1: cluster-scoped: CustomResourceDefinition/widgets.undeclared.example",
    )


NULLABLE = """
apiVersion: {group}/v1
kind: Widget
metadata: {{name: main}}
spec: {{size: {{{{ values.size }}}}, color: null}}
status: {{phase: "{{{{ values.phase }}}}"}}
"""


def test_nulls_and_a_status_that_is_no_subresource_are_the_bundles_own(
    world: World, group: str, tmp_path: Path
) -> None:
    crd = json.loads(definition(group, "size", "color"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    schema["spec"]["properties"]["color"]["nullable"] = True
    schema["status"] = {"type": "object", "properties": {"phase": {"type": "string"}}}
    menu = widgets(tmp_path, group)
    (menu / "crds/widget.yaml").write_text(json.dumps(crd))
    (menu / "templates/widget.yaml").write_text(NULLABLE.format(group=group))
    (menu / "values.yaml").write_text("size: 1\nphase: one\n")
    world.operator.install(menu, "w")
    stored = world.get("Widget", "main", group)
    assert (stored["spec"], stored["status"]) == ({"size": 1, "color": None}, {"phase": "one"})  # type: ignore[index]
    assert world.operator.install(menu, "w").revision is None
    world.operator.upgrade(menu, "w", phase="two")
    assert world.get("Widget", "main", group)["status"] == {"phase": "two"}  # type: ignore[index]
