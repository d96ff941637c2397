"""Services and the pods that they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.health.service_targets import service_problems
from tests.lib.manifests import manifest

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest


def service(selector: dict[str, str], *ports: dict[str, object]) -> Manifest:
    return manifest("Service", "web", spec={"selector": selector, "ports": list(ports) or [{"port": 80}]})


def workload(kind: str = "Deployment", **labels: str) -> Manifest:
    ports = [{"name": "http", "containerPort": 8080}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "ports": ports}]}}
    return manifest(kind, "web", "apps/v1", spec={"template": template})


WEB = workload(app="web")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([service({"app": "web"}), WEB], []),
        ([service({"app": "web"}, {"port": 80, "targetPort": "http"}), WEB], []),
        ([service({"app": "web"}, {"port": 80, "targetPort": 9999}), WEB], []),
        ([service({"app": "web"}, {"port": 80, "targetPort": "metrics"}), WEB], ["its targetPort 'metrics'"]),
        ([service({"app": "wbe"}), WEB], ["its selector app=wbe matches no pod"]),
        ([service({"app": "web", "tier": "front"}), WEB], ["its selector app=web,tier=front matches no pod"]),
        ([service({"app": "web"})], ["its selector app=web matches no pod"]),
        ([service({}), WEB], []),
        ([service({"statefulset.kubernetes.io/pod-name": "web-0"}), workload("StatefulSet", app="web")], []),
    ],
)
def test_a_service_leads_to_a_pod_of_the_release(objects: list[Manifest], expected: list[str]) -> None:
    found = list(service_problems(objects))
    assert len(found) == len(expected)
    for problem, message in zip(found, expected, strict=True):
        assert problem.message.startswith(message)
        assert problem.is_certain


PATRONI = manifest(
    "Role", "db", "rbac.authorization.k8s.io/v1", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
)
CLUSTER = manifest("Cluster", "db", "postgresql.example/v1")
MONITOR = manifest("ServiceMonitor", "db", "monitoring.coreos.com/v1")


@pytest.mark.parametrize(("other", "is_certain"), [(PATRONI, False), (CLUSTER, False), (MONITOR, True)])
def test_who_may_make_or_label_pods_at_run_time_makes_it_uncertain(other: Manifest, is_certain: bool) -> None:
    (problem,) = service_problems([service({"app": "web", "role": "primary"}), WEB, other])
    assert problem.is_certain is is_certain
