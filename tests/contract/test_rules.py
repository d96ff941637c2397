"""ClusterClient's contract: what the server refuses, and what it fills in. Held against the sandbox and the real API."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import RejectedError
from bundler.model.refs import ObjectRef
from tests.contract.bodies import config_map, crd, deployment, job, secret, service, stateful_set, widget, with_metadata
from tests.lib.editing import edit_until_accepted

if TYPE_CHECKING:
    from tests.contract.conftest import Subject


def said(error: Any) -> str:
    return " ".join(error.context)


def of(kind: str, api_version: str = "v1", name: str = "it", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def pod_with(**container: Any) -> dict[str, Any]:
    made = {"name": "main", "image": "x", **container}
    return of("Pod", spec={"containers": [made]})


ACCESS = "rbac.authorization.k8s.io/v1"
SELECTOR = {"matchLabels": {"app": "web"}}
PATH = {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
TOO_MUCH = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
SIZE = {"requests": {"storage": "1Gi"}}
SCALED = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
ALWAYS_ONCE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"restartPolicy": "Never", "containers": [{"name": "web", "image": "x"}]},
}
REFUSED_BY_KIND: dict[str, tuple[dict[str, Any], str]] = {
    "container name": (pod_with(name="Not_A_Name"), "spec.containers[0].name"),
    "container port": (pod_with(ports=[{"containerPort": 70000}]), "spec.containers[0].ports[0].containerPort"),
    "request over limit": (pod_with(resources=TOO_MUCH), "must be less than or equal to cpu limit"),
    "deployment policy": (deployment(template=ALWAYS_ONCE), 'supported values: "Always"'),
    "claim without size": (of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"]}), "spec.resources"),
    "claim without mode": (
        of("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1Gi"}}}),
        "spec.accessModes",
    ),
    "autoscaler bounds": (
        of("HorizontalPodAutoscaler", "autoscaling/v2", spec={**SCALED, "minReplicas": 5, "maxReplicas": 2}),
        "spec.maxReplicas",
    ),
    "autoscaler without most": (
        of("HorizontalPodAutoscaler", "autoscaling/v2", spec={**SCALED}),
        "spec.maxReplicas",
    ),
    "budget": (
        of("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 1, "maxUnavailable": 1, "selector": SELECTOR}),
        "minAvailable and maxUnavailable cannot be both set",
    ),
    "schedule": (
        of("CronJob", "batch/v1", spec={"jobTemplate": {"spec": job()["spec"]}}),
        "spec.schedule",
    ),
    "role binding": (
        of("RoleBinding", ACCESS, roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ""}),
        "roleRef.name",
    ),
    "empty ingress": (of("Ingress", "networking.k8s.io/v1", spec={}), "either `defaultBackend` or `rules`"),
    "path type": (
        of("Ingress", "networking.k8s.io/v1", spec={"rules": [{"http": {"paths": [PATH]}}]}),
        "pathType",
    ),
    "port name twice": (
        service(ports=[{"name": "a", "port": 80}, {"name": "a", "port": 81}]),
        "spec.ports",
    ),
    "annotation key": (with_metadata(config_map(), annotations={"a b": "c"}), "metadata.annotations"),
    "service name": (service("Not_A_Name"), "metadata.name"),
    "long cron job": (
        of("CronJob", "batch/v1", "n" * 60, spec={"schedule": "@daily", "jobTemplate": {"spec": job()["spec"]}}),
        "must be no more than 52 characters",
    ),
    "long name": (config_map("n" * 254), "metadata.name"),
    "map expected": (config_map() | {"data": "text"}, "data"),
    "list expected": (deployment(template={"spec": {"containers": "x"}}), "containers"),
    "boolean expected": (deployment(paused="yes"), "paused"),
    "text expected": (config_map() | {"data": {"a": 1}}, "data"),
    "null port": (service(ports=[None]), "associative list with keys may not have a null element"),
    "unknown word": (service(type="Other"), 'supported values: "ClusterIP"'),
    "negative number": (deployment(replicas=-1), "must be greater than or equal to 0"),
    "probe without handler": (pod_with(readinessProbe={}), "must specify a handler type"),
    "negative amount": (pod_with(resources={"requests": {"cpu": "-1"}}), "must be greater than or equal to 0"),
    "claim of nothing": (
        of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": 0}}}),
        "must be greater than zero",
    ),
    "quantity of a pod": (pod_with(resources={"limits": {"memory": "12Mib"}}), "quantities must match"),
    "quantity of a claim": (
        of(
            "PersistentVolumeClaim",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "ten"}}},
        ),
        "quantities must match",
    ),
}

BAD_LABELS = {"matchLabels": {"app": "other"}}
CONTAINERS = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}}
TWICE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "a"}, {"name": "web", "image": "b"}]},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": (deployment(foo=1), "foo"),
    "wrong type": (deployment(replicas="3"), "replicas"),
    "item twice": (deployment(template=TWICE), "containers"),
    "selector": (deployment(selector=BAD_LABELS), "`selector` does not match template `labels`"),
    "no image": (deployment(template=CONTAINERS), "spec.template.spec.containers[0].image"),
    "name": (config_map("Not_A_Name"), "RFC 1123"),
    "label": (with_metadata(config_map(), labels={"x": "y+z"}), "metadata.labels"),
    "base64": (secret(data={"key": "!!"}), "base64"),
    "data key": (secret(data={"a b": "YWJj"}), "a b"),
    "secret size": (secret(data={"key": "A" * 1_500_000}), "1048576"),
    "config size": (config_map(big="A" * 1_100_000), "1048576"),
    "port names": (service(ports=[{"port": 80}, {"port": 81}]), "spec.ports[0].name"),
    "no ports": (service(ports=[]), "spec.ports"),
    "port range": (service(ports=[{"port": 70000}]), "65535"),
    "job policy": (job(template={"spec": {"containers": [{"name": "a", "image": "b"}]}}), "restartPolicy"),
    **REFUSED_BY_KIND,
    "mount": (
        deployment(
            template={
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{"name": "web", "image": "x", "volumeMounts": [{"name": "nope", "mountPath": "/x"}]}]
                },
            }
        ),
        "volumeMounts[0].name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("is_dry_run", [True, False])
def test_what_the_server_refuses_is_a_rejection_that_names_the_place(
    cluster: Subject, case: str, is_dry_run: bool
) -> None:
    body, word = REFUSED[case]
    with pytest.raises(RejectedError) as caught:
        cluster.apply(body, is_dry_run=is_dry_run)
    assert word in said(caught.value)
    assert cluster.names(body["kind"], group=body["apiVersion"].rpartition("/")[0]) == []


def test_a_post_with_an_unknown_field_is_refused_by_name(cluster: Subject) -> None:
    with pytest.raises(RejectedError) as caught:
        cluster.create(deployment(foo=1))
    assert 'strict decoding error: unknown field "spec.foo"' in said(caught.value)


IMMUTABLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "selector": (
        deployment(),
        deployment(
            selector={"matchLabels": {"app": "web", "x": "y"}},
            template={
                "metadata": {"labels": {"app": "web", "x": "y"}},
                "spec": {"containers": [{"name": "web", "image": "x"}]},
            },
        ),
        "field is immutable",
    ),
    "job template": (job(), job(image="job:2"), "spec.template: Invalid value"),
    "service name": (stateful_set(replicas=0), stateful_set(replicas=0, serviceName="other"), "updates to statefulset"),
    "secret type": (secret(), {**secret(), "type": "example.com/x"}, "field is immutable"),
    "sealed secret": (
        secret(immutable=True),
        secret(immutable=True, data={"key": "b3RoZXI="}),
        "field is immutable when `immutable` is set",
    ),
    "claim": (
        of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"], "resources": SIZE}),
        of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteMany"], "resources": SIZE}),
        "spec is immutable after creation",
    ),
    "role": (
        of("RoleBinding", ACCESS, roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}),
        of("RoleBinding", ACCESS, roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "b"}),
        "cannot change roleRef",
    ),
    "cluster address": (service(), service(clusterIP="None"), "spec.clusterIP"),
}


@pytest.mark.parametrize("case", IMMUTABLE)
@pytest.mark.parametrize("is_dry_run", [True, False])
def test_immutable_fields_stay(cluster: Subject, case: str, is_dry_run: bool) -> None:
    before, after, words = IMMUTABLE[case]
    uid = cluster.apply(before).body["metadata"]["uid"]
    with pytest.raises(RejectedError) as caught:
        cluster.apply(after, is_dry_run=is_dry_run)
    assert words in said(caught.value)
    group = before["apiVersion"].rpartition("/")[0]
    assert cluster.get(before["kind"], before["metadata"]["name"], group)["metadata"]["uid"] == uid


# --- what is filled in ---

DEFAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "deployment": (
        deployment(),
        {
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        },
    ),
    "service": (
        service(),
        {"type": "ClusterIP", "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}]},
    ),
    "headless": (service(clusterIP="None"), {"clusterIP": "None", "clusterIPs": ["None"]}),
    "stateful set": (
        stateful_set(replicas=0),
        {
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        },
    ),
    "job": (job(), {"completions": 1, "parallelism": 1, "suspend": False, "completionMode": "NonIndexed"}),
    "cron job": (
        of("CronJob", "batch/v1", spec={"schedule": "@daily", "jobTemplate": {"spec": job()["spec"]}}),
        {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1},
    ),
    "autoscaler": (
        of("HorizontalPodAutoscaler", "autoscaling/v2", spec={**SCALED, "maxReplicas": 3}),
        {"minReplicas": 1},
    ),
    "policy": (of("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}}), {"policyTypes": ["Ingress"]}),
    "egress": (
        of("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}, "egress": [{}]}),
        {"policyTypes": ["Ingress", "Egress"]},
    ),
    "claim": (
        of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"], "resources": SIZE}),
        {"volumeMode": "Filesystem", "storageClassName": "standard"},
    ),
}


@pytest.mark.parametrize("case", DEFAULTS)
def test_defaults_that_readers_rely_on_are_filled_in(cluster: Subject, case: str) -> None:
    body, wanted = DEFAULTS[case]
    spec: Any = cluster.apply(body).body["spec"]
    assert {key: spec[key] for key in wanted} == wanted
    spec_again: Any = cluster.apply(body).body["spec"]
    assert spec_again == spec


def test_null_among_values_and_items_is_nothing_at_all(cluster: Subject) -> None:
    made: Any = cluster.apply(config_map() | {"data": {"a": None}}).body
    assert made["data"] == {"a": ""}
    container = {"name": "main", "image": "x", "args": [None], "resources": {"requests": {"cpu": None}}}
    spec: Any = cluster.apply(of("Pod", spec={"containers": [container]}), is_dry_run=True).body["spec"]
    assert spec["containers"][0]["args"] == [""]
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "0"}


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_service_keeps_what_was_allocated(cluster: Subject, kind: str) -> None:
    before: Any = cluster.apply(service(type=kind)).body["spec"]
    after: Any = cluster.apply(service(type=kind, selector={"app": "other"})).body["spec"]
    assert before["ports"][0]["nodePort"] in range(30000, 32768)
    assert (after["clusterIP"], after["ports"]) == (before["clusterIP"], before["ports"])
    plain: Any = cluster.replace(service(type=kind)).body["spec"]
    assert plain["clusterIP"] == before["clusterIP"]


def test_an_external_name_has_no_address(cluster: Subject) -> None:
    body = of("Service", spec={"type": "ExternalName", "externalName": "db.example.com"})
    assert "clusterIP" not in cluster.apply(body).body["spec"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (deployment(), {}),
        (stateful_set(replicas=0), {"replicas": 0, "availableReplicas": 0}),
        (service(), {"loadBalancer": {}}),
        (job(), {}),
        (of("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"], "resources": SIZE}), {"phase": "Pending"}),
        (of("CronJob", "batch/v1", spec={"schedule": "@daily", "jobTemplate": {"spec": job()["spec"]}}), {}),
        (config_map(), None),
        (of("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}}), None),
    ],
    ids=lambda value: value.get("kind") if value else "",
)
def test_a_new_object_has_the_status_of_one_that_nobody_saw(
    cluster: Subject, body: dict[str, Any], status: dict[str, Any] | None
) -> None:
    made = cluster.apply(body, is_dry_run=True).body
    assert made.get("status") == status


@pytest.mark.parametrize(
    ("ports", "fields"),
    [
        ([{"port": 99999999}], {"spec.ports[0].port", "spec.ports[0].targetPort"}),
        ([{"port": 80, "targetPort": 99999999}], {"spec.ports[0].targetPort"}),
    ],
)
def test_the_fields_of_an_object_that_is_not_valid_are_named(
    cluster: Subject, ports: list[dict[str, int]], fields: set[str]
) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}}
    with pytest.raises(RejectedError) as caught:
        cluster.create(body)
    assert {found.field for found in caught.value.problems} == fields


def test_a_version_that_is_stored_stays_until_the_status_names_it_no_more(cluster: Subject) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example"
    ref = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", f"widgets.{group}")
    first = crd(group)
    (version,) = first["spec"]["versions"]
    both = [{**version, "storage": False}, {**version, "name": "v2"}]

    def put(versions: list[Any]) -> None:
        body = {**first, "spec": {**first["spec"], "versions": versions}}
        cluster.client.apply(cluster.payload(body, namespace=""))

    try:
        put([version])
        cluster.wait("stored v1", lambda: stored_versions(cluster, ref) == ["v1"])
        put(both)
        cluster.wait("stored v2", lambda: stored_versions(cluster, ref) == ["v1", "v2"])
        with pytest.raises(RejectedError) as raised:
            put(both[1:])
        assert 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions' in said(raised.value)

        def pruned(live: Any) -> Any:
            return {**live, "status": {**live["status"], "storedVersions": ["v2"]}}

        edit_until_accepted(cluster.client, ref, pruned, subresource="status")
        put(both[1:])
        assert stored_versions(cluster, ref) == ["v2"]
    finally:
        cluster.client.delete(ref)


def test_a_version_that_is_deprecated_is_warned_of_at_every_write(cluster: Subject) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example"
    ref = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", f"widgets.{group}")
    first = crd(group)
    (version,) = first["spec"]["versions"]
    old = {**version, "name": "v1beta1", "storage": False, "deprecated": True}
    odd = {**old, "name": "v1alpha1", "deprecationWarning": "use v1"}
    body = {**first, "spec": {**first["spec"], "versions": [version, old, odd]}}
    try:
        cluster.client.apply(cluster.payload(body, namespace=""))
        cluster.wait("the kind", lambda: served(cluster, group))
        said = {
            name: cluster.apply({**widget(group), "apiVersion": f"{group}/{name}"}, is_dry_run=True).warnings
            for name in ("v1", "v1beta1", "v1alpha1")
        }
        assert said == {
            "v1": (),
            "v1beta1": (f"{group}/v1beta1 Widget is deprecated; use {group}/v1 Widget",),
            "v1alpha1": ("use v1",),
        }
    finally:
        cluster.client.delete(ref)


def served(cluster: Subject, group: str) -> bool:
    cluster.client.forget_discovery()
    return cluster.client.resource_type(group, "Widget", "v1alpha1") is not None


def stored_versions(cluster: Subject, ref: ObjectRef) -> list[str]:
    return list((cluster.client.get(ref) or {}).get("status", {}).get("storedVersions", []))  # type: ignore[union-attr, call-overload]
