"""The bundle `appservice`: a few plain words, and an application that answers inside the cluster and on its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.kubelet.network import GATEWAY
from tests.lib.load import CLIENT, ensure_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.running_site import RunningSite

QUICK = ("--set", "drainSeconds=0")
PORTS = 'ports=[{"port": 80, "targetPort": 8080, "nodePort": 30080}]'


def previous_version(folder: Path) -> None:
    """Make a copy of the bundle what was before it: it knew no ports of nodes, and had an older image."""
    for name, old, new in (
        ("bundle.yaml", "version: 1.1.0", "version: 1.0.0"),
        ("values.yaml", "unprivileged:1.27", "unprivileged:1.26"),
        (
            "templates/services.yaml",
            "{% for port in values.ports if port.nodePort is defined %}",
            "{% for port in [] %}",
        ),
    ):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))


def fetch(site: RunningSite, url: str) -> str:
    return site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "20", url)


def test_an_application_grows_and_opens_a_port_of_every_node(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "app", site.bundle_copy("appservice", previous_version), "--set", "size=1", *QUICK)
    site.until("an answer", lambda: "Welcome to nginx" in fetch(site, "http://app/"))
    before = site.get("apps/v1/deployments/app")["metadata"]["uid"], site.get("v1/services/app")["metadata"]["uid"]

    site.bundler("upgrade", "app", "appservice", "--set", "size=2", *QUICK, "--set-json", PORTS)
    after = site.get("apps/v1/deployments/app")["metadata"]["uid"], site.get("v1/services/app")["metadata"]["uid"]
    assert after == before
    assert len(site.ready_pods(name="appservice")) == 2
    site.until("an answer", lambda: "Welcome to nginx" in fetch(site, "http://app/"))
    site.until("a port of the node", lambda: "Welcome to nginx" in fetch(site, f"http://{GATEWAY}:30080/"))
    site.bundler("uninstall", "app", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
    assert [one["metadata"]["name"] for one in site.items("v1/services")] == []
