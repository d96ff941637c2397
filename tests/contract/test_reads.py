"""ClusterClient's contract: lists, watches, discovery, logs. Held against the sandbox and the real API."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors import ExpiredError, ObjectNotFoundError, RejectedError, UnknownKindError
from bundler.model.cluster import ListQuery, LogQuery
from bundler.model.refs import ObjectRef
from tests.contract.bodies import config_map, crd, deployment, secret, service, stateful_set, widget

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


def test_a_definition_brings_its_kind(cluster: Subject) -> None:
    group = f"{cluster.namespace}.example.com"
    with pytest.raises(UnknownKindError):
        cluster.apply(widget(group))
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
    query = ListQuery(group="", kind="ConfigMap", namespace=cluster.namespace, **selectors)
    events = cluster.client.watch(query, resource_version=version, timeout_s=1.0)
    # The real server puts this one into every new namespace.
    return [
        (event.type, str(event.body["metadata"]["name"]))  # type: ignore[call-overload, index]
        for event in events
        if event.type != "BOOKMARK" and event.body["metadata"]["name"] != "kube-root-ca.crt"  # type: ignore[call-overload, index]
    ]


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


def test_a_watch_hears_what_happens_while_it_lasts(cluster: Subject) -> None:
    version = cluster.list("ConfigMap").resource_version
    later = threading.Timer(0.3, lambda: cluster.apply(config_map("later")))
    later.start()
    query = ListQuery(group="", kind="ConfigMap", namespace=cluster.namespace, field_selector="metadata.name=later")
    started_s = time.monotonic()
    event = next(
        one for one in cluster.client.watch(query, resource_version=version, timeout_s=10) if one.type == "ADDED"
    )
    later.join()
    assert time.monotonic() - started_s < 8
    assert event.body["data"] == {"colour": "red"}


def test_a_watch_from_too_long_ago_has_expired(cluster: Subject) -> None:
    query = ListQuery(group="", kind="ConfigMap", namespace=cluster.namespace)
    if cluster.name == "sandbox":
        for number in range(2200):
            cluster.apply(config_map("often", count=str(number)))
    with pytest.raises(ExpiredError):
        list(cluster.client.watch(query, resource_version="1", timeout_s=5))


# --- what controllers make of it -----------------------------------------------------------------------------------


def test_a_deployment_comes_up_and_its_pods_can_be_read(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=2))
    body = cluster.wait("available", lambda: ready_deployment(cluster, 2))
    status = body["status"]
    assert status["observedGeneration"] == body["metadata"]["generation"]
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 2, 2)
    conditions = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
    assert conditions["Available"] == ("True", "MinimumReplicasAvailable")
    assert conditions["Progressing"] == ("True", "NewReplicaSetAvailable")
    (replica_set,) = cluster.list("ReplicaSet", group="apps").items
    pods = cluster.list("Pod", label_selector="app=web").items
    suffix = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{suffix}"
    assert [pod["metadata"]["labels"] for pod in pods] == [{"app": "web", "pod-template-hash": suffix}] * 2
    (owner,) = pods[0]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", f"web-{suffix}", True)
    assert pods[0]["status"]["phase"] == "Running"
    assert pods[0]["status"]["containerStatuses"][0]["state"].keys() == {"running"}
    lines = list(cluster.client.logs(cluster.ref("Pod", pods[0]["metadata"]["name"]), LogQuery()))
    assert lines
    assert (
        list(cluster.client.logs(cluster.ref("Pod", pods[0]["metadata"]["name"]), LogQuery(tail_lines=1))) == lines[-1:]
    )


def ready_deployment(cluster: Subject, replicas: int) -> Any:
    body = cluster.get("Deployment", "web", "apps")
    status = body.get("status", {})
    is_observed = status.get("observedGeneration") == body["metadata"]["generation"]
    is_rolled = status.get("updatedReplicas") == status.get("replicas") == status.get("availableReplicas") == replicas
    conditions = {one["type"]: one["reason"] for one in status.get("conditions", ())}
    return body if is_observed and is_rolled and conditions["Progressing"] == "NewReplicaSetAvailable" else None


def test_a_new_template_is_rolled_out_and_the_old_pods_go(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("the first", lambda: ready_deployment(cluster, 1))
    cluster.apply(deployment(replicas=1, image="web:2"))
    body = cluster.wait("the second", lambda: ready_deployment(cluster, 1))
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"

    def images() -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in cluster.list("Pod", label_selector="app=web").items]

    cluster.wait("only new pods", lambda: images() == ["web:2"])
    sizes = {
        one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
        for one in cluster.list("ReplicaSet", group="apps").items
    }
    assert sizes == {"web:1": 0, "web:2": 1}


def test_a_stateful_set_comes_up_in_order_with_its_claims(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=2))

    def is_ready() -> Any:
        body = cluster.get("StatefulSet", "db", "apps")
        status = body.get("status", {})
        return body if status.get("readyReplicas") == status.get("currentReplicas") == 2 else None

    body = cluster.wait("ready", is_ready)
    assert body["status"]["currentRevision"] == body["status"]["updateRevision"]
    assert cluster.names("Pod") == ["db-0", "db-1"]
    claims = cluster.list("PersistentVolumeClaim").items
    assert [one["metadata"]["name"] for one in claims] == ["data-db-0", "data-db-1"]
    assert [one["status"]["phase"] for one in claims] == ["Bound", "Bound"]
    assert claims[0]["metadata"]["labels"] == {"app": "db"}
    assert "ownerReferences" not in claims[0]["metadata"]


def test_a_job_completes(cluster: Subject) -> None:
    from tests.contract.bodies import job

    cluster.furnish()
    cluster.apply(job())

    def conditions() -> Any:
        body = cluster.get("Job", "migrate", "batch")
        found = {one["type"]: one["status"] for one in body.get("status", {}).get("conditions", ())}
        return body if found.get("Complete") == "True" else None

    body = cluster.wait("complete", conditions)
    assert body["status"]["succeeded"] == 1
    assert body["spec"]["template"]["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "migrate"


def test_a_claim_waits_for_its_first_consumer(cluster: Subject) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster.apply(claim)
    body = cluster.get("PersistentVolumeClaim", "data")
    assert body["status"]["phase"] == "Pending"
    assert body["spec"]["storageClassName"] == "standard"
    assert body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


def test_a_service_gets_an_address_and_a_slice_with_its_labels(cluster: Subject) -> None:
    body = service()
    body["metadata"]["labels"] = {"app.kubernetes.io/instance": "shop"}
    made: Any = cluster.apply(body).body
    assert made["spec"]["clusterIP"].startswith("10.")

    def find() -> Any:
        return cluster.list("EndpointSlice", group="discovery.k8s.io").items

    (found,) = cluster.wait("a slice", find)
    labels = found["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == "shop"
    assert labels["kubernetes.io/service-name"] == "web"
    assert found["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    assert found["metadata"]["ownerReferences"][0]["controller"] is True


def test_there_is_no_log_of_a_pod_that_is_gone_or_has_not_started(cluster: Subject) -> None:
    cluster.furnish()
    with pytest.raises(ObjectNotFoundError):
        list(cluster.client.logs(cluster.ref("Pod", "nothing"), LogQuery()))
    pod = {"containers": [{"name": "main", "image": "x", "envFrom": [{"secretRef": {"name": "nothing"}}]}]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod})
    with pytest.raises(RejectedError):
        list(cluster.client.logs(cluster.ref("Pod", "p"), LogQuery(is_previous=True)))
    with pytest.raises(RejectedError):
        list(cluster.client.logs(cluster.ref("Pod", "p"), LogQuery(container="other")))
