"""The shipped bundles where Pod Security is enforced: nothing is refused, and the API server warns of nothing."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from bundler.actions.author.create import create_bundle
from tests.lib.controller_site import undefine
from tests.lib.enough_time import with_enough_time
from tests.lib.operator import BUNDLES
from tests.lib.sweep import DEPLOYED, Site, Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

NAMES = sorted(path.parent.name for path in BUNDLES.glob("*/bundle.yaml"))
LEVELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


KINDS = {
    **{f"api/v1/.../{kind.lower()}s": kind for kind in ("Service", "ConfigMap", "Secret", "ServiceAccount", "Pod")},
    **{f"apis/apps/v1/.../{kind.lower()}s": kind for kind in ("Deployment", "StatefulSet", "DaemonSet")},
    "api/v1/.../persistentvolumeclaims": "PersistentVolumeClaim",
    "api/v1/.../resourcequotas": "ResourceQuota",
    "apis/batch/v1/.../jobs": "Job",
    "apis/batch/v1/.../cronjobs": "CronJob",
    "apis/networking.k8s.io/v1/.../ingresses": "Ingress",
    "apis/networking.k8s.io/v1/.../networkpolicies": "NetworkPolicy",
    "apis/policy/v1/.../poddisruptionbudgets": "PodDisruptionBudget",
    "apis/autoscaling/v2/.../horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "apis/rbac.authorization.k8s.io/v1/.../roles": "Role",
    "apis/rbac.authorization.k8s.io/v1/.../rolebindings": "RoleBinding",
}
COMPONENTS_ELSEWHERE = {"stack": ("north", "south")}
"""Endings of the namespaces that a bundle's components have of their own."""


@pytest.fixture
def sites(control_plane: ControlPlane) -> Iterator[list[Site]]:
    """Return a namespace, and those that components may have beside it; all of them restricted."""
    name = f"kill-{uuid.uuid4().hex[:8]}"
    ends = sorted({end for ends in COMPONENTS_ELSEWHERE.values() for end in ends})
    sites = [Site(control_plane, place) for place in (name, *(f"{name}-{end}" for end in ends))]
    for site in sites:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.namespace, "labels": LEVELS}}
        control_plane.api("POST", "/api/v1/namespaces", body)
    yield sites
    for site in sites:
        site.delete()


@pytest.fixture
def site(sites: list[Site]) -> Site:
    return sites[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_restricted_namespace_admits_a_shipped_bundle_without_a_warning_and_keeps_what_it_names(
    control_plane: ControlPlane, sites: list[Site], tmp_path: Path, name: str
) -> None:
    site = sites[0]
    if name == "controller":
        undefine(control_plane)
    with Workplace(control_plane, tmp_path / "place") as place:
        for sets in ((), ("--set", "qps=1000")) if name == "shop" else ((),):
            code, text = place.run(["install", name, "-n", site.namespace, *sets])
            assert code == 0, text
            heard = [(one.path, warning) for one in place.proxy.seen for warning in one.warnings]
            assert heard == []
            assert "warning" not in text.lower(), text
    assert set(site.statuses()) <= {"superseded", DEPLOYED}
    ends = COMPONENTS_ELSEWHERE.get(name, ())
    used = [site, *(other for other in sites if other.namespace.rpartition("-")[2] in ends)]
    found = {one["metadata"]["namespace"] for one in control_plane.api("GET", "/api/v1/pods")["items"]}
    mine = {place for place in found if place.startswith(site.namespace)}
    assert mine == {one.namespace for one in used}, "pods are looked at wherever the bundle puts them"
    for place in used:
        check_pods(place)
    with Workplace(control_plane, tmp_path / "later") as later:
        code, text = later.run(["uninstall", name, "-n", site.namespace, "--yes", "--accept-data-loss"])
    assert code == 0, text
    named = set(re.findall(r"^kept (\w+/[-.\w]+)", text, re.MULTILINE))
    left = {f"{kind}/{one}" for place in used for kind, one in left_in(place)}
    assert left <= named, text


def left_in(site: Site) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what is in a namespace, but for what every namespace has."""
    for path, kind in KINDS.items():
        for one in site.items(path):
            if one["metadata"]["name"] not in {"default", "kube-root-ca.crt"}:
                yield kind, one["metadata"]["name"]


def check_pods(site: Site) -> None:
    """There are pods, and every workload has as many of them ready as it wants."""
    pods = site.items("api/v1/.../pods")
    assert pods
    for pod in pods:
        ready = {one["type"]: one["status"] for one in pod["status"]["conditions"]}.get("Ready")
        assert ready == "True" or pod["status"]["phase"] == "Succeeded", pod["metadata"]["name"]
    for kind in ("deployments", "statefulsets"):
        for workload in site.items(f"apis/apps/v1/.../{kind}"):
            assert workload["status"].get("readyReplicas") == workload["spec"]["replicas"]


def test_a_restricted_namespace_admits_a_created_bundle_with_shipped_components(
    control_plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    """Its application comes after the components that it is told about."""
    create_bundle(tmp_path / "app", ["postgres", "redis"])
    with Workplace(control_plane, tmp_path / "place") as place:
        code, text = place.run(["install", "app", str(tmp_path / "app"), "-n", site.namespace])
        assert code == 0, text
        assert [(one.path, warning) for one in place.proxy.seen for warning in one.warnings] == []
    created = {pod["metadata"]["labels"].get("app"): pod["metadata"] for pod in site.items("api/v1/.../pods")}
    names = {pod["metadata"]["name"]: pod["metadata"] for pod in site.items("api/v1/.../pods")}
    servers = [made["creationTimestamp"] for name, made in names.items() if "postgres" in name or "redis" in name]
    assert len(servers) == 2
    assert created["app"]["creationTimestamp"] >= max(servers)
    assert created["app"]["labels"]["app.kubernetes.io/instance"] == "app"


def test_such_a_namespace_warns_of_a_pod_that_asks_for_too_much(
    control_plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    """So that the test above can fail: warnings get through the proxy, and are shown."""
    from tests.lib.menus import small_bundle

    with Workplace(control_plane, tmp_path / "place") as place:
        argv = ["install", "shop", str(small_bundle(tmp_path)), "-n", site.namespace]
        code, text = with_enough_time(
            lambda seconds: place.run([*argv, "--timeout", f"{seconds}s"]),
            lambda done: "would violate PodSecurity" in done[1],
        )
        assert code != 0
        assert any("would violate PodSecurity" in warning for one in place.proxy.seen for warning in one.warnings)
    assert "would violate PodSecurity" in text, text
