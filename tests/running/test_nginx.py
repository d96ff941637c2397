"""The bundle `nginx`, with web servers that serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.load import CLIENT, DRAIN_S, Load, client_pod, ensure_client
from tests.lib.operator import PREVIOUS
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

PAGE = 'content.files["index.html"]'
QUICK = ("--set", "drainSeconds=0")
UNDER_LOAD = ("--set", f"drainSeconds={DRAIN_S}")


def fetch(site: RunningSite, *words: str) -> str:
    """Ask from another pod."""
    ensure_client(site)
    return site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "5", *words)


def test_files_come_from_the_values_and_an_upgrade_fails_no_request(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "www", PREVIOUS / "nginx", "--set", f"{PAGE}=old", *UNDER_LOAD)
    assert fetch(site, "http://www/") == "old"
    deployment = site.get("apps/v1/deployments/www")["metadata"]["uid"]
    before = site.ready_pods(name="nginx")
    assert len(before) == 2
    with Load(site, "http://www/") as load:
        site.bundler("upgrade", "www", "nginx", "--set", f"{PAGE}=new", "--set", "cacheSeconds=60")
        assert "Cache-Control: max-age=60" in fetch(site, "-i", "http://www/")
        assert site.get("apps/v1/deployments/www")["metadata"]["uid"] == deployment
        assert not set(site.ready_pods(name="nginx")) & set(before)
        site.bundler("rollback", "www")
    assert load.failures == []
    assert set(load.answers) == {"old", "new"}
    assert fetch(site, "http://www/") == "old"
    # Both servers get their share.
    served = [site.logs(pod).count("GET / ") for pod in site.ready_pods(name="nginx")]
    assert len(served) == 2
    assert all(served), served


def test_a_deleted_pod_is_replaced_while_the_others_serve(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "www", "nginx", *UNDER_LOAD)
    first, second = site.ready_pods(name="nginx")
    with Load(site, "http://www/") as load:
        evict(site, first)
        with pytest.raises(ApiError, match="disruption budget"):
            evict(site, second)
        site.until("two ready pods", lambda: len(site.ready_pods(name="nginx")) == 2)
    assert load.failures == []
    assert load.count > 0
    assert first not in site.ready_pods(name="nginx")
    site.bundler("uninstall", "www", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]


def evict(site: RunningSite, pod: str) -> None:
    """Ask for the end of a pod as draining a node does."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    site.create_object(f"v1/pods/{pod}/eviction", body)


def test_files_come_from_a_claim(server_site: RunningSite) -> None:
    site = server_site
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "site"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    site.create_object("v1/persistentvolumeclaims", claim)
    writer = client_pod(volumeMounts=[{"name": "site", "mountPath": "/site"}])
    writer["spec"]["volumes"] = [{"name": "site", "persistentVolumeClaim": {"claimName": "site"}}]
    writer["spec"]["securityContext"]["fsGroup"] = 1000
    site.create_object("v1/pods", writer)
    site.until("the writer", lambda: CLIENT in site.ready_pods())
    site.run_in(CLIENT, CLIENT, "sh", "-c", "echo from the claim > /site/index.html")
    site.bundler("install", "www", "nginx", "--set", "content.claim=site", "--set", "replicas=1", *QUICK)
    assert fetch(site, "http://www/") == "from the claim\n"
    site.run_in(CLIENT, CLIENT, "sh", "-c", "echo changed > /site/index.html")
    assert fetch(site, "http://www/") == "changed\n"
