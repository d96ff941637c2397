"""The bundle `appservice`: a few plain words, and an application that answers inside the cluster and on its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.kubelet.network import GATEWAY
from tests.lib.load import CLIENT, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

QUICK = ("--set", "drainSeconds=0")
PORTS = 'ports=[{"port": 80, "targetPort": 8080, "nodePort": 30080}]'


def fetch(site: RunningSite, url: str) -> str:
    return site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "20", url)


def test_an_application_grows_and_opens_a_port_of_every_node(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "app", PREVIOUS / "appservice", "--set", "size=1", *QUICK)
    site.until("an answer", lambda: "Welcome to nginx" in fetch(site, "http://app/"))
    before = site.get("apps/v1/deployments/app")["metadata"]["uid"], site.get("v1/services/app")["metadata"]["uid"]

    site.bundler(
        "upgrade", "app", "appservice", "--set", "size=2", "--set", "host=app.example", *QUICK, "--set-json", PORTS
    )
    after = site.get("apps/v1/deployments/app")["metadata"]["uid"], site.get("v1/services/app")["metadata"]["uid"]
    assert after == before
    assert len(site.ready_pods(name="appservice")) == 2
    site.until("an answer", lambda: "Welcome to nginx" in fetch(site, "http://app/"))
    site.until("a port of the node", lambda: "Welcome to nginx" in fetch(site, f"http://{GATEWAY}:30080/"))
    (rule,) = site.get("networking.k8s.io/v1/ingresses/app")["spec"]["rules"]
    assert rule["host"] == "app.example"
    site.bundler("uninstall", "app", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
    assert [one["metadata"]["name"] for one in site.items("v1/services")] == []
