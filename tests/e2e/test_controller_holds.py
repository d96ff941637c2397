"""What the controller holds on the real API, as a process: drift, flips, faults of the way, and places that go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.lib.access import CONTEXT
from tests.lib.controller_runs import OrderSite, running
from tests.lib.controller_site import define
from tests.lib.damage import CONFIG, WEB, repair_seconds
from tests.lib.fault_proxy import Fault, FaultProxy
from tests.lib.killing_proxy import KillingProxy, PassingHandler
from tests.lib.menus import GENERATE, small_bundle
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
OUTSIDE = {
    "bundle.yaml": {
        "apiVersion": "bundler.dev/v1",
        "kind": "Bundle",
        "metadata": {"name": "small", "version": "1.0.0"},
        "spec": {"generate": GENERATE, "reach": {"clusterScoped": ["PriorityClass"]}},
    },
    "templates/urgent.yaml": """
    apiVersion: scheduling.k8s.io/v1
    kind: PriorityClass
    metadata: {name: "{{ release.namespace }}"}
    value: 1000
    """,
}
NEVER = "1h"
"""An interval that explains nothing: what happens was rung for."""
RUNG_S = 30.0
"""Within which what rings is put back, even on a machine that is ten times slower; the benchmark measures it."""
INTERVAL_S = 60.0


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[OrderSite]:
    define(control_plane)
    made = OrderSite(control_plane, namespace, tmp_path)
    made.admit()
    made.publish(small_bundle(tmp_path), "one")
    yield made
    made.forget_orders()


class Watchless(PassingHandler):
    """Lets no one watch anything but orders."""

    def is_answered_here(self, body: bytes) -> bool:
        del body
        if "watch=" not in self.path or "/releases" in self.path:
            return False
        content = json.dumps({"kind": "Status", "reason": "Forbidden", "code": 403, "message": "no"}).encode()
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)
        return True


def test_drift_in_every_kind_is_put_back_by_what_rings_and_by_the_interval_alone(site, record_testsuite_property):
    with running(site) as controller:
        site.order("shop", "one", interval=NEVER)
        site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
        record_testsuite_property("seconds when it rings", repair_seconds(site, within_s=RUNG_S))
        uid = site.found(WEB)["metadata"]["uid"]
        for _ in range(20):
            site.order("shop", "one", interval=NEVER, values={"text": "other", "extra": True})
            site.order("shop", "one", interval=NEVER)
        site.wait(lambda: site.status("shop")["is_ready"], "the last of the orders is met")
        assert site.found(WEB)["metadata"]["uid"] == uid
        assert site.found(CONFIG)["data"]["text"] == "hello"
        assert controller.stop() == 0
    with KillingProxy(site.plane.server, site.plane.ca_file, site.plane.token, Watchless) as proxy:
        config = proxy.kubeconfig(site.scratch / "kubeconfig")
        with running(site, "--kubeconfig", str(config), "--context", "proxied") as controller:
            site.order("shop", "one", interval="5s")
            site.wait(lambda: controller.says("a kind is not watched"), "nothing rings")
            record_testsuite_property("seconds by the interval of 5 s", repair_seconds(site, within_s=INTERVAL_S))


def test_faults_of_the_way_to_the_api_are_survived_and_the_order_is_met(site):
    with FaultProxy(site.plane.server, site.plane.ca_file, site.plane.token) as proxy:
        config = proxy.kubeconfig(site.scratch / "kubeconfig")
        with running(site, "--kubeconfig", str(config), "--context", "proxied"):
            proxy.curse(Fault.GONE, Fault.TRUNCATED, Fault.PAGE, Fault.RESET_AFTER, Fault.INTERNAL)
            site.order("shop", "one", values={"text": "hi"})
            site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
            assert site.found(CONFIG)["data"]["text"] == "hi"
            assert {"watch", "list", "get"} <= proxy.struck.keys()


def test_a_command_that_is_stopped_is_named_and_its_work_taken_up_once_its_lock_is_dead(site):
    with running(site), upgrading(site) as other:
        site.wait(lambda: site.find(CONFIG), "the command has begun to write")
        other.send_signal(signal.SIGSTOP)
        site.order("shop", "one", values={"text": "ordered"})
        site.wait(lambda: f"pid {other.pid}" in locked_by(site), "the order says who holds the lock")
        site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
        assert site.found(CONFIG)["data"]["text"] == "ordered"


@contextmanager
def upgrading(site: OrderSite) -> Iterator[subprocess.Popen[bytes]]:
    """Run `bundler install`, which waits for an image that no one has."""
    place = ["--kubeconfig", str(site.plane.kubeconfig("admin")), "--context", CONTEXT, "-n", site.namespace]
    words = ["install", "shop", str(site.scratch / "small"), "--set", "image=docker.io/library/broken:1", "--yes"]
    with subprocess.Popen(
        [sys.executable, "-m", "bundler", *words, *place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "BUNDLER_LOCK_DURATION": "3s", "HOME": str(site.scratch)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def locked_by(site: OrderSite) -> str:
    conditions = site.status("shop")["conditions"].values()
    return next((one["message"] for one in conditions if one["reason"] == "Locked"), "")


def test_nothing_of_ours_keeps_a_namespace_that_is_deleted_midway(control_plane, tmp_path):
    define(control_plane)
    site = OrderSite(control_plane, f"gone-{uuid.uuid4().hex[:10]}", tmp_path)
    control_plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": site.namespace}})
    site.admit()
    urgent = f"/apis/scheduling.k8s.io/v1/priorityclasses/{site.namespace}"
    site.allow("scheduling.k8s.io", "priorityclasses")
    site.publish(small_bundle(tmp_path, **OUTSIDE), "one")
    with running(site, "--namespace", "default") as controller:
        site.order("shop", "one", values={"image": "docker.io/library/broken:1"})
        site.wait(lambda: site.find(CONFIG) and not is_gone(site, urgent), "a change is under way")
        place, asked_s = f"/api/v1/namespaces/{site.namespace}", time.monotonic()
        site.plane.api("DELETE", place)
        site.wait(lambda: is_gone(site, place), "the namespace is gone")
        assert time.monotonic() - asked_s < 90.0
        assert controller.process.poll() is None
        assert is_gone(site, urgent)
        assert controller.says("deleted outside of the namespace")


def is_gone(site: OrderSite, path: str) -> bool:
    try:
        site.plane.api("GET", path)
    except ApiError as error:
        return error.status == 404
    return False
