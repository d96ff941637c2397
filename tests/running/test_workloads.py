"""The bundle `workloads`: one of each kind, and what they do together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.lib.kubelet.network import GATEWAY
from tests.lib.load import CLIENT, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

WORKLOADS = ("deployments/notes", "statefulsets/notes-store", "daemonsets/notes-agent")


def ask(site: RunningSite, url: str, *more: str) -> str:
    return site.run_in(CLIENT, CLIENT, "curl", "-sS", "--fail", "--max-time", "20", *more, url)


def uids(site: RunningSite) -> list[str]:
    return [site.get(f"apps/v1/{path}")["metadata"]["uid"] for path in WORKLOADS]


def test_one_of_each_kind_works_with_the_others(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "notes", PREVIOUS / "workloads", "--set", "drainSeconds=0")
    site.until("what the Job has added", lambda: ask(site, "http://notes/") == "welcome\n")
    ask(site, "http://notes/", "-d", "mine")
    before = uids(site)

    # The agents read a folder of their node, which `restricted` forbids.
    site.admit_every_pod()
    site.bundler("upgrade", "notes", "workloads", "--set", "nodeFolder=/var/log", "--set", "tidy.keep=1")
    assert uids(site) == before
    assert "tables: version 2 -> 3" in site.logs("notes-store-0", "prepare")
    site.until("the same volume", lambda: ask(site, "http://notes/") == "welcome\nmine\n")
    ask(site, "http://notes/", "-d", "new")
    *old, new = ask(site, "http://notes/dated").splitlines()
    assert old == ["---------- welcome", "---------- mine"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d new", new)
    found = ask(site, "http://notes-store/nodes").split()
    assert found[::2] == ["node-1", "node-2"]
    nodes = site.get("v1/services/notes-nodes")["spec"]["ports"][0]["nodePort"]
    site.until("a port of the node", lambda: ask(site, f"http://{GATEWAY}:{nodes}/") == "welcome\nmine\nnew\n")

    assert site.run_cron_job("notes-tidy") == "removed: 2\n"
    assert ask(site, "http://notes/") == "new\n"
    logs = "".join(site.logs(pod, "log") for pod in site.ready_pods(name="workloads-web"))
    assert "GET / HTTP" in logs
    assert "/ready" not in logs

    site.bundler("uninstall", "notes", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
    assert [one["metadata"]["name"] for one in site.items("v1/persistentvolumeclaims")] == ["data-notes-store-0"]
