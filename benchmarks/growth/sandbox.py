"""The embedded cluster: objects, workloads, and waiting for their pods."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.frame import growth
from bundler.actions.change.pod_watch import PATIENCE_S, PodWatch
from bundler.actions.release.install import install
from bundler.actions.release.lifecycle import RunOptions
from bundler.health.pods import FailFast
from bundler.model.cluster import ListQuery, Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.growth.frame import Work
    from bundler.model.json import Body
    from bundler.ports import ClusterClient, Ports

CONFIGS = """
{% for n in range(values.count) %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "config-{{ n }}"}
data: {text: "{{ values.text }}"}
{% endfor %}
"""

WORKLOADS = """
{% for n in range(values.count) %}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "web-{{ n }}"}
spec:
  selector: {matchLabels: {app: "web-{{ n }}"}}
  template:
    metadata: {labels: {app: "web-{{ n }}"}}
    spec: {containers: [{name: web, image: "web:{{ values.text }}"}]}
{% endfor %}
"""


SERVICES = """
{% for n in range(values.count) %}
---
apiVersion: v1
kind: Service
metadata: {name: "web-{{ n }}"}
spec: {selector: {app: "web-{{ n }}"}, ports: [{port: 80}]}
{% endfor %}
"""


def _operator() -> Operator:
    clock = FakeClock()
    return Operator(SandboxClient.open(None, clock), "default", clock=clock, timeout_s=3600)


@growth("sandbox: install, upgrade, roll back ConfigMaps", small=500, large=2000)
def configs(size: int) -> Work:
    return _life(CONFIGS, size)


@growth("sandbox: install, upgrade, roll back Deployments", small=50, large=200)
def workloads(size: int) -> Work:
    return _life(WORKLOADS, size)


@growth("sandbox: the same with a Service for each", small=50, large=200)
def served_workloads(size: int) -> Work:
    return _life(WORKLOADS + SERVICES, size)


def _life(template: str, size: int) -> Work:
    with tempfile.TemporaryDirectory() as folder:
        files = {"templates/all.yaml": template, "values.yaml": f"count: {size}\ntext: one\n"}
        operator, menu = _operator(), make_bundle(Path(folder), files)
        first, second = operator.request(menu, "shop", {}), operator.request(menu, "shop", {"text": "two"})

    def live() -> None:
        for request in (first, second):
            install(request, operator.ports(), RunOptions(), lambda *_: True)
        operator.rollback()

    return live


@growth("waiting: pods of one unready workload among many", small=200, large=800)
def one_among_many(size: int) -> Work:
    cluster, ports = _cluster_with_pods(size)
    ref = ObjectRef("apps", "Deployment", "default", "web-0")
    return lambda: [_look(ports, {ref: _body(cluster, ref)}) for _ in range(5)]


@growth("waiting: pods of as many unready workloads", small=50, large=200)
def all_of_many(size: int) -> Work:
    cluster, ports = _cluster_with_pods(size)
    refs = [ObjectRef("apps", "Deployment", "default", f"web-{n}") for n in range(size)]
    bodies = {ref: _body(cluster, ref) for ref in refs}
    return lambda: [_look(ports, bodies) for _ in range(5)]


def _cluster_with_pods(size: int) -> tuple[ClusterClient, Ports]:
    operator = _operator()
    cluster = operator.cluster
    for n in range(size):
        spec = {"containers": [{"name": "web", "image": "web:1"}]}
        template = {"metadata": {"labels": {"app": f"web-{n}"}}, "spec": spec}
        selector = {"matchLabels": {"app": f"web-{n}"}}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"web-{n}", "namespace": "default"},
            "spec": {"selector": selector, "template": template},
        }
        ref = ObjectRef("apps", "Deployment", "default", f"web-{n}")
        cluster.apply(Payload(ref=ref, api_version="apps/v1", content=canonical_json(body)))
    cluster.list(ListQuery(group="", kind="Pod", namespace="default"))
    return cluster, operator.ports()


def _body(cluster: ClusterClient, ref: ObjectRef) -> Body:
    body = cluster.get(ref)
    if body is None:
        raise SystemExit(f"{ref} does not exist")
    return body


def _look(ports: Ports, workloads: Mapping[ObjectRef, Body]) -> None:
    PodWatch(ports, FailFast()).look(workloads, age_s=PATIENCE_S)
