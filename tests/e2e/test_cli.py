"""The command line against the real API: the main job, and what a user without rights is told."""

from __future__ import annotations

import uuid

import pytest

from bundler.library.system_clock import SystemClock
from tests.lib.bundles import make_bundle
from tests.lib.enough_time import with_enough_time
from tests.lib.fixtures_cli import scrub
from tests.lib.golden import check_golden
from tests.lib.menus import small_bundle

pytestmark = pytest.mark.controlplane


@pytest.fixture
def real(cli, control_plane, monkeypatch):
    """The command line with the administrator's kubeconfig."""
    monkeypatch.setenv("BUNDLER_CONTEXT", "")
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig("admin")))
    monkeypatch.setattr("bundler.cli.session.invocation.SystemClock", SystemClock)
    return cli


@pytest.fixture
def place() -> str:
    return f"cli-{uuid.uuid4().hex[:8]}"


def as_user(control_plane, user: str) -> dict[str, str]:
    return {"KUBECONFIG": str(control_plane.kubeconfig(user))}


def test_shop_is_installed_ready_upgraded_rolled_back_and_uninstalled(real, place):
    done = real("install", "shop", "--set", "qps=1000", "-n", place, "-o", "json", "--timeout", "5m").ok().document
    assert (done["status"], done["revision"], done["warnings"]) == ("deployed", 1, [])
    assert len(done["changes"]) == 28
    assert real("status", "shop", "-n", place, "-o", "json").ok().document["ready"] is True
    assert real("diff", "shop", "shop", "--set", "qps=2000", "--exit-code", "-n", place).code == 3
    real("upgrade", "shop", "shop", "--set", "qps=2000", "-n", place).ok()
    assert "no changes" in real("install", "shop", "-n", place).ok().out
    real("rollback", "shop", "-n", place).ok()
    assert real("get", "values", "shop", "-o", "json", "-n", place).ok().document == {"qps": 1000}
    statuses = [one["status"] for one in real("history", "shop", "-o", "json", "-n", place).ok().document]
    assert statuses == ["superseded", "superseded", "deployed"]
    gone = real("uninstall", "shop", "--yes", "-o", "json", "-n", place).ok().document
    assert sorted(one["object"].split("/")[1] for one in gone["kept"]) == [
        "Namespace",
        "PersistentVolumeClaim",
        "PersistentVolumeClaim",
        "Secret",
        "Secret",
    ]


def test_a_namespaced_role_is_enough(real, control_plane, place):
    control_plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": place}})
    control_plane.grant_namespace_deployer(place)
    user = as_user(control_plane, "deployer")
    real("install", "shop", small_bundle(real.home), "-n", place, **user).ok()
    real("uninstall", "shop", "--yes", "-n", place, **user).ok()


@pytest.mark.parametrize(
    ("name", "user", "argv", "code"),
    [
        ("forbidden.stranger_installs", "stranger", ["install", "shop"], 1),
        ("forbidden.viewer_lists", "viewer", ["list"], 1),
        ("unauthorized.unknown_lists", "unknown", ["list"], 1),
        ("kubeconfig.wrong_context_of_the_real_one", "admin", ["list", "--context", "prod"], 1),
    ],
)
def test_missing_permission_names_verb_resource_namespace_and_user(real, control_plane, place, name, user, argv, code):
    outcome = real(*argv, "-n", place, **as_user(control_plane, user))
    assert outcome.code == code
    shown = outcome.err[outcome.err.index("error[") :].replace(place, "[NAMESPACE]")
    shown = shown.replace(str(control_plane.kubeconfig(user)), "[KUBECONFIG]")
    check_golden(f"errors/{name}.txt", scrub(f"{shown}--- exit {outcome.code}\n", real.home))


def test_logs_come_from_the_kubelet(real, place):
    real("install", "shop", small_bundle(real.home), "-n", place).ok()
    lines = real("logs", "shop", "--container", "web", "-n", place).ok().out.splitlines()
    assert lines
    assert all(" web | " in line for line in lines)


def timed(real, *argv, until):
    """Run out of time once the command says this."""
    return with_enough_time(
        lambda seconds: real(*argv, "--timeout", f"{seconds}s"), lambda done: until in done.err, first_s=5
    )


def test_a_broken_image_is_told_with_its_reason(real, place):
    menu = small_bundle(real.home)
    argv = ["install", "shop", menu, "--set", "image=docker.io/library/unready:1", "-n", place]
    outcome = timed(real, *argv, until="Deployment/shop-web")
    assert outcome.code == 4
    assert "Deployment/shop-web" in outcome.err
    real("install", "shop", menu, "--set", "image=docker.io/library/web:1", "-n", place).ok()


def test_who_was_rolled_back_is_not_told_to_wait(real, place):
    menu = small_bundle(real.home)
    real("install", "shop", menu, "-n", place).ok()
    slow = ["--set", "image=docker.io/library/unready:1", "--rollback-on-failure"]
    outcome = timed(real, "upgrade", "shop", menu, *slow, "-n", place, until="Deployment/shop-web")
    assert outcome.code == 5
    assert outcome.err.endswith("hint: Fix what is named above, then run it again\n")


def raw_bundle(parent, body: str):
    return make_bundle(parent, {"templates/a.yaml": body}, name="raw")


WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: docker.io/library/web:1}]
"""
CLAIM = """      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: nowhere, resources: {requests: {storage: 1Gi}}}
"""


def test_a_pod_that_waits_for_a_claim_names_claim_and_class(real, place):
    argv = ["install", "raw", raw_bundle(real.home, WEB + CLAIM), "--no-preflight", "-n", place]
    reason = 'ProvisioningFailed: storageclass.storage.k8s.io "nowhere" not found'
    outcome = timed(real, *argv, until=reason)
    assert outcome.code == 4
    assert f"    claim data: Pending, of storage class nowhere: {reason}\n" in outcome.err


def test_events_that_differ_by_a_pods_name_are_told_once(real, control_plane, place):
    control_plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": place}})
    quota = {"metadata": {"name": "team"}, "spec": {"hard": {"requests.cpu": "2"}}}
    control_plane.api("POST", f"/api/v1/namespaces/{place}/resourcequotas", quota)
    outcome = timed(real, "install", "raw", raw_bundle(real.home, WEB), "-n", place, until="event FailedCreate")
    assert outcome.code == 4
    assert outcome.err.count("event FailedCreate") == 1
    assert "must specify requests.cpu" in outcome.err


def test_a_new_bundle_installs_where_pod_security_is_enforced(real, control_plane, place, monkeypatch):
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    control_plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": place, "labels": labels}})
    monkeypatch.chdir(real.home)
    real("create", "my-app").ok()
    done = real("install", "./my-app", "--set", "qps=600", "-n", place, "-o", "json").ok().document
    assert (done["status"], done["warnings"]) == ("deployed", [])
