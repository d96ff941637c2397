"""`is_unchanged` against the real API: never True where a dry-run answers with a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.fields.kinds import plural_of
from bundler.fields.unchanged import is_unchanged
from tests.lib.histories import History
from tests.lib.random_objects import CRD, PLURALS
from tests.lib.raw_api import APPLY_PATCH, ApiError

if TYPE_CHECKING:
    from tests.lib.controlplane import ControlPlane

ANY_POD = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {
        "restartPolicy": "Always",
        "containers": [{
            "name": "c", "image": "i", "env": [
                {"name": "P", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
            ],
        }],
        "volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}],
    },
}  # fmt: skip
JOB_POD = {**ANY_POD, "spec": {**ANY_POD["spec"], "restartPolicy": "Never"}}
SELECTOR = {"matchLabels": {"a": "b"}}
TYPICAL = {
    "apps/v1/DaemonSet": {"spec": {"selector": SELECTOR, "template": ANY_POD}},
    "batch/v1/Job": {"spec": {"template": JOB_POD, "backoffLimit": 2}},
    "batch/v1/CronJob": {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": JOB_POD}}}},
    "policy/v1/PodDisruptionBudget": {"spec": {"maxUnavailable": 1, "selector": SELECTOR}},
    "v1/PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
    },
    "v1/ResourceQuota": {"spec": {"hard": {"requests.cpu": "1000m", "pods": 10}}},
    "v1/ServiceAccount": {"automountServiceAccountToken": False, "imagePullSecrets": [{"name": "b"}, {"name": "a"}]},
    "v1/Service": {"spec": {"clusterIP": "None", "ports": [{"port": 5432, "name": "pg"}], "selector": {"a": "b"}}},
    "rbac.authorization.k8s.io/v1/RoleBinding": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "default"}],
    },
    "networking.k8s.io/v1/NetworkPolicy": {
        "spec": {
            "podSelector": SELECTOR,
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
        },
    },
    "autoscaling/v1/HorizontalPodAutoscaler": {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"},
            "minReplicas": 2,
            "maxReplicas": 5,
        },
    },
}
SEED = 20261122
STEPS = 40


@pytest.fixture(scope="module")
def _gadgets(control_plane: ControlPlane) -> None:
    define_gadgets(control_plane)


def define_gadgets(plane: ControlPlane) -> None:
    try:
        plane.api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    except ApiError as error:
        if error.status != 409:
            raise
    for _ in range(200):
        try:
            plane.api("GET", PLURALS["Gadget"].format("default"))
        except ApiError:
            continue
        return
    pytest.fail("the custom kind is not served")


def essence(body: dict[str, Any] | None) -> Any:
    """What counts as a change: everything but the resourceVersion and the times in managedFields."""
    if body is None:
        return None
    metadata = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
    entries = [{k: v for k, v in entry.items() if k != "time"} for entry in metadata.pop("managedFields", [])]
    return {**body, "metadata": {**metadata, "managedFields": sorted(entries, key=json.dumps)}}


@pytest.mark.parametrize("kind", PLURALS)
@pytest.mark.usefixtures("_gadgets")
def test_what_is_called_unchanged_is_unchanged_on_the_server(
    control_plane: ControlPlane, namespace: str, kind: str
) -> None:
    known = total = 0
    for moment in History(control_plane, namespace, kind, SEED).moments(STEPS):
        is_same = essence(moment.answer) == essence(moment.live)
        verdict = is_unchanged(moment.desired, moment.live)
        total += is_same
        known += verdict
        assert is_same or not verdict, (
            f"seed {SEED}, {kind}, step {moment.number} ({moment.what}):\ndesired {json.dumps(moment.desired)}\n"
            f"live {json.dumps(moment.live)}\nanswer {json.dumps(moment.answer)} {moment.conflicts}"
        )
    print(f"{kind}: {known} of {total} unchanged objects were known without asking")
    assert known > 0


@pytest.mark.parametrize("kind", TYPICAL)
def test_a_typical_object_is_known_without_asking_right_after_its_apply(
    control_plane: ControlPlane, namespace: str, kind: str
) -> None:
    api_version, _, name = kind.rpartition("/")
    group, _, _ = api_version.rpartition("/")
    body = {"apiVersion": api_version, "kind": name, "metadata": {"name": "o", "namespace": namespace}, **TYPICAL[kind]}
    path = f"/{'apis' if group else 'api'}/{api_version}/namespaces/{namespace}/{plural_of(group, name)}/o"
    control_plane.api("PATCH", f"{path}?fieldManager=bundler", body, content_type=APPLY_PATCH)
    live = control_plane.api("GET", path)
    while True:
        answer = control_plane.api("PATCH", f"{path}?fieldManager=bundler&dryRun=All", body, content_type=APPLY_PATCH)
        before, live = live, control_plane.api("GET", path)
        if before == live:  # no controller wrote in between
            break
    assert is_unchanged(body, live), json.dumps(live)
    assert essence(answer) == essence(live)
