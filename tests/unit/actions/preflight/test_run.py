"""What is checked before an installation: volumes, nodes, rights. The cluster is a sandbox, or one that answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.preflight.nodes import node_checks
from bundler.actions.preflight.permissions import rights_looks
from bundler.actions.preflight.run import PreflightRequest
from bundler.actions.preflight.storage import storage_checks
from bundler.model.check import Check, CheckState
from bundler.model.cluster import Answer, Payload
from bundler.model.digest import digest_of
from bundler.model.image import ImageRef, LockedImage
from bundler.model.labels import RELEASE_UID
from bundler.model.names import release_uid
from bundler.model.oci import OCI_MANIFEST
from bundler.model.refs import ResourceType
from bundler.model.values import UserLayers
from tests.lib.manifests import manifest
from tests.lib.rendering import bundle_of
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.model.manifest import Manifest

NAMESPACE = "default"


def states(checks: Sequence[Check]) -> dict[str, CheckState]:
    return {check.name: check.state for check in checks}


def spec(size: str, storage_class: str | None = None) -> dict[str, Any]:
    named = {} if storage_class is None else {"storageClassName": storage_class}
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **named}


def claim(size: str = "1Gi", storage_class: str | None = None) -> Manifest:
    return manifest("PersistentVolumeClaim", "data", namespace=NAMESPACE, spec=spec(size, storage_class))


def database(size: str = "1Gi", storage_class: str | None = None) -> Manifest:
    templates = [{"metadata": {"name": "data"}, "spec": spec(size, storage_class)}]
    labels = {"app": "db"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    whole = {"serviceName": "db", "selector": {"matchLabels": labels}, "template": pod, "volumeClaimTemplates": templates}  # fmt: skip
    return manifest("StatefulSet", "db", "apps/v1", namespace=NAMESPACE, spec=whole)


def storage_class(name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "x", **more}  # fmt: skip


@pytest.mark.parametrize("make", [claim, database])
@pytest.mark.parametrize(
    ("name", "found"),
    [
        (None, {"storage class": "passed"}),
        ("standard", {"storage class": "passed"}),
        ("", {"storage class": "passed"}),
        ("gold", {"storage class": "failed"}),
        ("rigid", {"storage class": "passed", "volume expansion": "warned"}),
    ],
)
def test_each_claim_needs_a_class_that_is_there(make, name, found) -> None:
    sandbox = open_sandbox()
    apply(sandbox, storage_class("rigid"))
    assert states(storage_checks([make("1Gi", name)], sandbox)) == found


def test_nothing_asks_for_a_volume() -> None:
    assert states(storage_checks([], open_sandbox())) == {"storage class": "skipped"}


@pytest.mark.parametrize("make", [claim, database])
def test_what_is_there_needs_no_class_any_more(make) -> None:
    sandbox = open_sandbox()
    there = make("1Gi", "gone")
    apply(sandbox, json.loads(json.dumps(there.body)))
    (check,) = storage_checks([there], sandbox)
    assert (check.state, check.found) == ("passed", "1 are there, or bound by hand")


@pytest.mark.parametrize(("name", "state"), [("standard", "passed"), ("rigid", "failed"), ("gone", "failed")])
def test_a_claim_that_is_to_grow_needs_a_class_that_lets_it(name, state) -> None:
    sandbox = open_sandbox()
    apply(sandbox, storage_class("rigid"), json.loads(json.dumps(claim("1Gi", name).body)))
    found = states(storage_checks([claim("2Gi", name)], sandbox))
    assert found["volume expansion"] == state
    assert "volume expansion" not in states(storage_checks([claim("1024Mi", name)], sandbox))


@pytest.mark.parametrize(("name", "state"), [("standard", "passed"), ("rigid", "failed")])
def test_a_database_whose_template_names_no_class_grows_where_the_class_of_its_claim_lets_it(name, state) -> None:
    sandbox = open_sandbox()
    made = json.loads(json.dumps(claim("1Gi", name).body))
    made["metadata"]["name"] = "data-db-0"
    apply(sandbox, storage_class("rigid"), made, json.loads(json.dumps(database("1Gi", None).body)))
    assert states(storage_checks([database("2Gi", None)], sandbox))["volume expansion"] == state


def image(size: int, *platforms: str) -> LockedImage:
    ref = ImageRef.parse("docker.io/library/web:1")
    return LockedImage(ref=ref, digest=digest_of(b"web"), media_type=OCI_MANIFEST, platforms=platforms, size=size)


def node(name: str, platform: str = "linux/amd64", storage: str = "", *, is_full: bool = False) -> dict[str, Any]:
    system, architecture = platform.split("/")
    status: dict[str, Any] = {
        "nodeInfo": {"operatingSystem": system, "architecture": architecture},
        "allocatable": {"ephemeral-storage": storage} if storage else {},
        "conditions": [{"type": "DiskPressure", "status": str(is_full)}],
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([], {"platforms": "skipped"}),
        ([node("a")], {"platforms": "passed"}),
        ([node("a", storage="10Gi")], {"platforms": "passed", "node disks": "passed"}),
        ([node("a", storage="1Ki"), node("b", storage="10Gi")], {"platforms": "passed", "node disks": "warned"}),
        ([node("a", is_full=True)], {"platforms": "passed", "node disks": "warned"}),
        ([node("a", "linux/arm64")], {"platforms": "failed"}),
        ([node("a"), node("b", "linux/arm64")], {"platforms": "warned"}),
    ],
)
def test_nodes_need_the_platforms_and_room_for_the_images(nodes, found) -> None:
    cluster = Answering(objects=nodes)
    assert states(node_checks([image(5000, "linux/amd64")], [], cluster)) == found  # type: ignore[arg-type]


def test_nodes_are_not_asked_for_without_a_delivery() -> None:
    assert states(node_checks(None, [], open_sandbox())) == {"platforms": "skipped"}


@dataclass
class Answering:
    """A cluster that serves what it is asked for, lists what it is given, and allows what it is told."""

    objects: Sequence[dict[str, Any]] = ()
    denied: frozenset[tuple[str, str]] = frozenset()
    rules: Sequence[dict[str, Any]] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType:
        del version
        return ResourceType(group=group, version="v1", kind=kind, plural=f"{kind.lower()}s", is_namespaced=True)

    def list(self, query: object) -> Answering:
        del query
        return self

    @property
    def items(self) -> Sequence[dict[str, Any]]:
        return self.objects

    def create(self, payload: Payload, *, is_dry_run: bool) -> Answer:
        assert is_dry_run
        if payload.ref.kind == "SelfSubjectRulesReview":
            return Answer(body={"status": {"resourceRules": list(self.rules), "incomplete": True}}, is_created=True)
        attributes = json.loads(payload.content)["spec"]["resourceAttributes"]
        part = f"/{attributes['subresource']}" if "subresource" in attributes else ""
        right = (attributes["verb"], attributes["resource"] + part)
        self.asked.append(right)
        return Answer(body={"status": {"allowed": right not in self.denied}}, is_created=True)


ORDER = RenderRequest(bundle=bundle_of({}), release="web", namespace=NAMESPACE, user=UserLayers(), site={})


def permissions(
    *denied: tuple[str, str], rules: Sequence[dict[str, Any]] = (), objects: Sequence[dict[str, Any]] = ()
) -> tuple[Check, Answering]:
    cluster = Answering(denied=frozenset(denied), rules=rules, objects=objects)
    looks = rights_looks(PreflightRequest(order=ORDER), [claim()], cluster)  # type: ignore[arg-type]
    (check,) = next(look for look in looks if look.name == "permissions").make()
    return check, cluster


@pytest.mark.parametrize(("version", "state"), [("1.24", "passed"), ("v1.25.3", "failed"), ("1.40", "failed")])
def test_what_a_later_kubernetes_no_longer_serves_is_named(version: str, state: str) -> None:
    budget = manifest("PodDisruptionBudget", "web", "policy/v1beta1", namespace=NAMESPACE)
    looks = rights_looks(PreflightRequest(order=ORDER, next_version=version), [claim(), budget], Answering())  # type: ignore[arg-type]
    (check,) = next(look for look in looks if look.name == "removed APIs").make()
    assert check.state == state
    if state == "failed":
        assert "PodDisruptionBudget/web (policy/v1beta1, until 1.25; " in check.found
        assert check.hint == "use policy/v1"


def test_what_the_server_lists_of_our_rights_is_not_asked_one_by_one() -> None:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    check, cluster = permissions(rules=[everything])
    assert check.state is CheckState.PASSED
    assert not cluster.asked


@pytest.mark.parametrize(
    "rule",
    [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["one"]},
        {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["secrets"]},
    ],
)
def test_a_rule_of_other_objects_grants_nothing(rule) -> None:
    check, cluster = permissions(("get", "secrets"), rules=[rule])
    assert check.state is CheckState.FAILED
    assert ("get", "secrets") in cluster.asked


def test_every_right_is_asked_for_once() -> None:
    check, cluster = permissions()
    assert check.state is CheckState.PASSED
    assert len(cluster.asked) == len(set(cluster.asked))
    assert {("create", "persistentvolumeclaims"), ("update", "leases"), ("update", "persistentvolumeclaims")} <= set(
        cluster.asked
    )


@pytest.mark.parametrize(
    "right",
    [
        ("watch", "persistentvolumeclaims"),
        ("update", "persistentvolumeclaims"),
        ("list", "events"),
        ("list", "pods"),
        ("watch", "pods"),
        ("get", "pods/log"),
    ],
)
def test_what_is_needed_later_or_to_explain_stops_nothing(right) -> None:
    check, _ = permissions(right)
    assert check.state is CheckState.WARNED
    assert " ".join(right) in check.found


@pytest.mark.parametrize(("manager", "state"), [("kubectl-create", CheckState.FAILED), ("bundler", CheckState.WARNED)])
def test_updating_is_needed_now_where_an_object_was_restored_from_a_backup(manager: str, state: CheckState) -> None:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:spec": {}}}
    labels = {RELEASE_UID: release_uid(NAMESPACE, "web")}
    live = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "labels": labels, "managedFields": [entry]}}
    check, _ = permissions(("update", "persistentvolumeclaims"), objects=[live])
    assert check.state is state
    assert "update persistentvolumeclaims" in check.found


def test_what_is_needed_now_stops_and_stands_first() -> None:
    check, _ = permissions(("update", "persistentvolumeclaims"), ("create", "secrets"), ("patch", "persistentvolumeclaims"))  # fmt: skip
    assert check.state is CheckState.FAILED
    assert check.found.startswith(
        "not allowed: patch persistentvolumeclaims in default; create secrets in default; update"
    )
