"""The controller as a process, on the real API: from an order to a release that is kept, and to its own end."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.lib.controller_runs import OrderSite, answer, running
from tests.lib.controller_site import define
from tests.lib.menus import small_bundle
from tests.lib.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
WEB = "apps/v1/.../deployments/shop-web"
ORDER = "bundler.dev/v1/.../releases/shop"
CONFIG = "v1/.../configmaps/shop-config"


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[OrderSite]:
    define(control_plane)
    made = OrderSite(control_plane, namespace, tmp_path)
    made.admit()
    made.publish(small_bundle(tmp_path), "one")
    yield made
    made.forget_orders()


def reasons(site: OrderSite) -> set[str]:
    found = site.plane.api("GET", f"/apis/events.k8s.io/v1/namespaces/{site.namespace}/events")
    return {one["reason"] for one in found["items"] if one.get("reportingController") == "bundler.dev/controller"}


def test_an_order_becomes_a_release_that_is_kept_and_goes_with_it(site):
    port, other = free_ports(2)
    health, metrics = f"127.0.0.1:{port}", f"127.0.0.1:{other}"
    with running(site, "--health", health, "--metrics", metrics) as controller:
        site.wait(lambda: answer(health, "/readyz")[0] == 200 and controller.says("this copy leads"), "it is ready")
        site.order("shop", "one")
        site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
        assert site.status("shop")["revision"] == 1
        site.delete(WEB)
        site.wait(lambda: site.find(WEB), "the Deployment is there again")
        site.wait(lambda: site.status("shop").get("drift", {}).get("corrected"), "it says that drift was put back")
        site.wait(lambda: site.status("shop")["is_ready"], "it is ready")
        site.order("other", "one", serviceAccountName=None)
        site.wait(
            lambda: site.status("other").get("phase") == "Failed", "an order never gets the controller's own rights"
        )
        assert "serviceAccountName" in site.status("other")["conditions"]["Stalled"]["message"]
        assert answer(health, "/livez") == (200, "ok\n")
        assert "bundler_leader 1.0" in answer(metrics, "/metrics")[1]
        assert 'bundler_changes_total{kind="apply",result="Succeeded"} 1.0' in answer(metrics, "/metrics")[1]
        site.wait(lambda: {"Planned", "Applied", "Ready", "DriftCorrected"} <= reasons(site), "events are there")
        site.delete(ORDER)
        site.wait(lambda: site.find(ORDER) is None, "the order is gone, and its release with it")
        assert site.find(WEB) is None
        asked_s = time.monotonic()
        assert controller.stop() == 0
        assert time.monotonic() - asked_s < 30.0
        assert all({"time", "level", "msg"} <= line.keys() for line in controller.lines)


def test_a_leader_that_is_stopped_loses_the_lead_and_one_that_is_killed_leaves_its_child_no_orphan(site):
    with running(site) as first:
        site.wait(lambda: first.says("this copy leads"), "the first one leads")
        with running(site) as second:
            site.wait(lambda: second.says("waits for the Lease"), "the second one waits")
            first.process.send_signal(signal.SIGSTOP)
            site.wait(lambda: second.says("this copy leads"), "the second one leads")
            site.order("shop", "one")
            site.wait(second.children, "a change is under way")
            child = second.children()[0]
            second.process.kill()
            site.wait(lambda: not is_running(child), "its child ended")
        first.process.send_signal(signal.SIGCONT)
        site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
        assert first.says("this copy leads no longer")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
