"""The bundle `microservice`, with nginx in front of it that asks for a password, and pods that come and go."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.lib.load import CLIENT, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

QUICK = ("--set", "drainSeconds=0")
SCALED = ("--set", "autoscaling.enabled=true", "--set", "autoscaling.maxReplicas=4")
SERVICE = "apps/v1/deployments/orders"
SCALER = "autoscaling/v2/horizontalpodautoscalers"


def status(site: RunningSite, *more: str) -> str:
    """Ask the service from another pod, and return the status of its answer and what it says."""
    asked = ("curl", "-sS", "--max-time", "20", "-o", "/tmp/answer", "-w", "%{http_code}", *more, "http://orders/")
    return site.run_in(CLIENT, CLIENT, *asked)


def test_a_service_gets_a_login_and_rests_and_its_autoscaler_lets_it(server_site: RunningSite) -> None:
    site = server_site
    # Before the quota bounds the namespace.
    ensure_client(site)
    site.bundler("install", "orders", PREVIOUS / "microservice", *QUICK)
    # Nodes hear of new pods a little later than the Deployment does.
    site.until("an answer", lambda: status(site) == "200")
    before = site.get(SERVICE)["metadata"]["uid"]
    assert site.get("v1/resourcequotas/orders")["spec"]["hard"]["pods"] == "4"

    site.bundler(
        "upgrade",
        "orders",
        "microservice",
        *QUICK,
        *SCALED,
        "--set",
        "needAuth=true",
        "--set",
        "version=2.0.1",
        "--set",
        "livenessPath=/index.html",
    )
    assert site.get(SERVICE)["metadata"]["uid"] == before
    (rule,) = site.get("networking.k8s.io/v1/ingresses/orders")["spec"]["rules"]
    assert rule["host"] == "orders-v2.services.example"
    password = base64.b64decode(site.get("v1/secrets/orders")["data"]["password"]).decode()
    # Requests may still reach an old replica.
    site.until("a question for the password", lambda: {status(site) for _ in range(4)} == {"401"})
    assert status(site, "-u", f"client:{password}x") == "401"
    assert status(site, "-u", f"client:{password}") == "200"
    assert "Welcome to nginx" in site.run_in(CLIENT, CLIENT, "cat", "/tmp/answer")
    # Replaced replicas may still be on their way out.
    site.until("two replicas", lambda: len(site.ready_pods(name="microservice")) == 2)

    site.bundler("upgrade", "orders", "microservice", "--set", "idle=true")
    assert site.get(SERVICE)["spec"]["replicas"] == 0
    assert site.items(SCALER) == []
    site.until("no replica", lambda: not site.items("v1/pods", name="microservice"))

    site.bundler("upgrade", "orders", "microservice", "--set", "idle=false")
    assert len(site.ready_pods(name="microservice")) == 2
    assert [one["metadata"]["name"] for one in site.items(SCALER)] == ["orders"]
    site.until("an answer to the same password", lambda: status(site, "-u", f"client:{password}") == "200")
    site.bundler("uninstall", "orders", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
    assert "orders" in [one["metadata"]["name"] for one in site.items("v1/secrets")], "the password is kept"
