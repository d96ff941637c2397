"""ClusterClient's contract: lists, watches, discovery, logs. Held against the sandbox and the real API."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ExpiredError, RejectedError, UnknownKindError
from bundler.model.cluster import ListQuery
from bundler.model.refs import ObjectRef
from tests.contract.bodies import config_map, crd, secret, widget
from tests.contract.conftest import WAIT_S

if TYPE_CHECKING:
    from tests.contract.conftest import Subject


def fill(cluster: Subject) -> None:
    for name, labels in {
        "a": {"app": "shop", "tier": "web"},
        "b": {"app": "shop", "tier": "db"},
        "c": {"app": "blog"},
        "d": {},
    }.items():
        cluster.apply(config_map(name, labels=labels))


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ["a", "b", "c", "d"]),
        ("app=shop", ["a", "b"]),
        ("app==shop,tier=db", ["b"]),
        ("app!=shop", ["c", "d"]),
        ("app in (shop, blog)", ["a", "b", "c"]),
        ("app notin (shop)", ["c", "d"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c", "d"]),
        ("app,tier notin (web),!nothing", ["b", "c"]),
        ("app=", []),
    ],
)
def test_label_selectors(cluster: Subject, selector: str, names: list[str]) -> None:
    fill(cluster)
    assert cluster.names("ConfigMap", label_selector=selector) == names


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a", ["b", "c", "d"]),
        ("metadata.name=a,metadata.name=b", []),
    ],
)
def test_field_selectors(cluster: Subject, selector: str, names: list[str]) -> None:
    fill(cluster)
    assert cluster.names("ConfigMap", field_selector=selector) == names


def test_secrets_are_selected_by_type(cluster: Subject) -> None:
    cluster.apply(secret("a"))
    cluster.apply({**secret("b"), "type": "bundler.dev/release.v1"})
    assert cluster.names("Secret", field_selector="type=bundler.dev/release.v1") == ["b"]


@pytest.mark.parametrize("selectors", [{"label_selector": "a b"}, {"field_selector": "data.colour=red"}])
def test_a_selector_that_cannot_be_read_is_refused(cluster: Subject, selectors: dict[str, str]) -> None:
    with pytest.raises(RejectedError):
        cluster.list("ConfigMap", **selectors)


def test_a_list_has_complete_bodies_in_order_and_a_version(cluster: Subject) -> None:
    fill(cluster)
    listing = cluster.list("ConfigMap", label_selector="app")
    assert [one["metadata"]["name"] for one in listing.items] == ["a", "b", "c"]
    assert all((one["apiVersion"], one["kind"]) == ("v1", "ConfigMap") for one in listing.items)
    assert listing.items[0]["metadata"]["managedFields"][0]["manager"] == "bundler"
    assert int(listing.resource_version) >= int(listing.items[2]["metadata"]["resourceVersion"])


def test_a_list_of_more_than_a_page_is_complete(cluster: Subject) -> None:
    for number in range(520):
        cluster.create(config_map(f"many-{number:03}", labels={"many": "yes"}))
    found = cluster.names("ConfigMap", label_selector="many=yes")
    assert found == [f"many-{number:03}" for number in range(520)]


def test_metadata_only_answers_hold_metadata_only(cluster: Subject) -> None:
    cluster.apply(secret())
    ref = cluster.ref("Secret", "password")
    one: Any = cluster.client.get(ref, metadata_only=True)
    listed: Any = cluster.list("Secret", metadata_only=True, field_selector="metadata.name=password").items[0]
    whole: Any = cluster.client.get(ref)
    for body in (one, listed):
        assert set(body) == {"apiVersion", "kind", "metadata"}
        assert (body["apiVersion"], body["kind"]) == ("v1", "Secret")
        assert body["metadata"] == whole["metadata"]


def test_the_whole_cluster_can_be_listed(cluster: Subject) -> None:
    cluster.apply(config_map("everywhere", labels={"ns": cluster.namespace}))
    query = ListQuery(group="", kind="ConfigMap", namespace="", label_selector=f"ns={cluster.namespace}")
    (found,) = cluster.client.list(query).items
    assert found["metadata"]["namespace"] == cluster.namespace  # type: ignore[call-overload, index]


def test_an_object_is_served_in_each_of_its_versions(cluster: Subject) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": reference, "maxReplicas": 3},
    }
    cluster.apply(scaler)
    ref = cluster.ref("HorizontalPodAutoscaler", "web", "autoscaling")
    versions = [cluster.client.get(ref, version=version)["apiVersion"] for version in ("v1", "v2", "")]  # type: ignore[index]
    assert versions == ["autoscaling/v1", "autoscaling/v2", "autoscaling/v2"]


def test_what_is_absent_is_none(cluster: Subject) -> None:
    assert cluster.get("ConfigMap", "nothing") is None
    assert cluster.client.get(ObjectRef("", "ConfigMap", "nowhere", "nothing")) is None
    assert cluster.client.list(ListQuery(group="", kind="ConfigMap", namespace="nowhere")).items == ()
    with pytest.raises(UnknownKindError):
        cluster.list("Nothing", group="nonsense.example.com")


# --- discovery -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "kind", "api_version", "plural", "is_namespaced"),
    [
        ("", "ConfigMap", "v1", "configmaps", True),
        ("", "Namespace", "v1", "namespaces", False),
        ("apps", "Deployment", "apps/v1", "deployments", True),
        ("autoscaling", "HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers", True),
        ("networking.k8s.io", "Ingress", "networking.k8s.io/v1", "ingresses", True),
        ("rbac.authorization.k8s.io", "ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", False),
        ("discovery.k8s.io", "EndpointSlice", "discovery.k8s.io/v1", "endpointslices", True),
    ],
)
def test_built_in_kinds_are_served(
    cluster: Subject, group: str, kind: str, api_version: str, plural: str, is_namespaced: bool
) -> None:
    found = cluster.client.resource_type(group, kind)
    assert found is not None
    assert (found.api_version, found.plural, found.is_namespaced) == (api_version, plural, is_namespaced)
    assert found in cluster.client.resource_types()


def test_kinds_and_versions_that_are_not_served_are_none(cluster: Subject) -> None:
    assert cluster.client.resource_type("apps", "Nothing") is None
    assert cluster.client.resource_type("apps", "Deployment", "v1beta1") is None


def test_identity_names_the_cluster(cluster: Subject) -> None:
    found = cluster.client.identity()
    system: Any = cluster.client.get(ObjectRef("", "Namespace", "", "kube-system"))
    assert found.uid == system["metadata"]["uid"]
    assert found.version.startswith("v1.")
    assert found.user


def serve_widgets(cluster: Subject, group: str) -> ObjectRef:
    """Define a kind and wait until it is served."""
    cluster.client.apply(cluster.payload(crd(group), namespace=""))
    ref = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", f"widgets.{group}")

    def is_established() -> bool:
        body: Any = cluster.client.get(ref)
        conditions = body.get("status", {}).get("conditions") or ()
        return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)

    cluster.wait("established", is_established)
    cluster.client.forget_discovery()

    def is_served() -> bool:
        cluster.client.forget_discovery()
        return cluster.client.resource_type(group, "Widget") is not None

    cluster.wait("served", is_served)
    return ref


def test_a_definition_brings_its_kind(cluster: Subject) -> None:
    group = f"{cluster.namespace}.example.com"
    with pytest.raises(UnknownKindError):
        cluster.apply(widget(group))
    ref = serve_widgets(cluster, group)
    assert cluster.client.resource_type("", "Widget") is None, (
        "it is of the group that the definition says, and no other"
    )
    body = cluster.apply(widget(group)).body
    assert body["metadata"]["generation"] == 1  # type: ignore[call-overload, index]
    assert cluster.apply(widget(group, size=2)).body["metadata"]["generation"] == 2  # type: ignore[call-overload, index]
    with pytest.raises(RejectedError):
        cluster.apply(widget(group, nonsense=1))
    with pytest.raises(RejectedError):
        cluster.apply(widget(group, size="big"))
    cluster.edit(cluster.ref("Widget", "small", group), {"status": {"phase": "ok"}}, subresource="status")
    assert cluster.get("Widget", "small", group)["status"] == {"phase": "ok"}
    assert cluster.apply(widget(group, size=3)).body["status"] == {"phase": "ok"}
    assert cluster.client.delete(ref) is True
    cluster.wait("gone with its objects", lambda: cluster.client.get(ref) is None)


# --- watches -------------------------------------------------------------------------------------------------------


def watched(cluster: Subject, version: str, **selectors: Any) -> list[tuple[str, str]]:
    """Return what is heard since a version, until something is deleted."""
    query = ListQuery(group="", kind="ConfigMap", namespace=cluster.namespace, **selectors)
    seen: list[tuple[str, str]] = []
    for event in cluster.client.watch(query, resource_version=version, timeout_s=WAIT_S):
        metadata: Any = event.body["metadata"]
        # The real server puts this one into every new namespace.
        if event.type != "BOOKMARK" and metadata["name"] != "kube-root-ca.crt":
            seen.append((event.type, str(metadata["name"])))
        if event.type == "DELETED":
            break
    return seen


def test_a_watch_tells_what_happened_since_the_list(cluster: Subject) -> None:
    cluster.apply(config_map("before"))
    version = cluster.list("ConfigMap").resource_version
    cluster.apply(config_map("a"))
    cluster.apply(config_map("a", colour="blue"))
    cluster.apply(config_map("a", colour="blue"))
    cluster.client.delete(cluster.ref("ConfigMap", "a"))
    assert watched(cluster, version) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_watch_with_a_selector_sees_objects_come_and_go(cluster: Subject) -> None:
    version = cluster.list("ConfigMap").resource_version
    cluster.apply(config_map("a"))
    cluster.apply(config_map("a", labels={"app": "shop"}))
    cluster.apply(config_map("a", labels={"app": "shop"}, size="big"))
    cluster.apply(config_map("a"))
    seen = watched(cluster, version, label_selector="app=shop")
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


@pytest.mark.medium
def test_a_watch_hears_what_happens_while_it_lasts(cluster: Subject) -> None:
    version = cluster.list("ConfigMap").resource_version
    later = threading.Timer(0.3, lambda: cluster.apply(config_map("later")))
    later.start()
    query = ListQuery(group="", kind="ConfigMap", namespace=cluster.namespace, field_selector="metadata.name=later")
    started_s = time.monotonic()
    event = next(
        one for one in cluster.client.watch(query, resource_version=version, timeout_s=60) if one.type == "ADDED"
    )
    later.join()
    assert time.monotonic() - started_s < 50
    assert event.body["data"] == {"colour": "red"}


def test_a_watch_from_too_long_ago_has_expired(cluster: Subject) -> None:
    """A real server remembers each kind from when it began to serve it: a new kind has no past to watch."""
    group = f"{cluster.namespace}.example.org"
    ref = serve_widgets(cluster, group)
    query = ListQuery(group=group, kind="Widget", namespace=cluster.namespace)
    if cluster.name == "sandbox":
        with cluster.client._store.transaction() as tx:
            tx.trim_log(0)
    with pytest.raises(ExpiredError):
        list(cluster.client.watch(query, resource_version="1", timeout_s=5))
    cluster.client.delete(ref)
