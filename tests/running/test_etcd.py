"""The bundle `etcd`, with members that vote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.lib.load import CLIENT, ClientScript, ensure_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.running_site import RunningSite

NEWEST = "quay.io/coreos/etcd:v3.6.8"
WRITER = """
import base64, json, os, time, urllib.request
def call(path, body):
    request = urllib.request.Request(f"http://etcd:2379/v3/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=3) as answer:
        return json.load(answer)
def coded(text):
    return base64.b64encode(text.encode()).decode()
acknowledged, number, last, longest_s = [], 0, time.monotonic(), 0.0
while not os.path.exists("/tmp/stop"):
    number += 1
    try:
        call("kv/put", {"key": coded(f"k{number:06}"), "value": coded(str(number))})
        acknowledged.append(number)
        longest_s, last = max(longest_s, time.monotonic() - last), time.monotonic()
    except OSError:
        pass
    time.sleep(0.02)
found = call("kv/range", {"key": coded("k"), "range_end": coded("l")}).get("kvs", [])
there = {int(base64.b64decode(one["value"])) for one in found}
lost = [one for one in acknowledged if one not in there]
print(json.dumps({"count": len(acknowledged), "lost": lost, "longest_s": longest_s}))
"""


def members(site: RunningSite) -> dict[str, str]:
    """Return the id of each voting member by its name, as a majority knows them."""
    # A request fails while the members choose a leader.
    return site.until("the members", lambda: _members(site))


def _members(site: RunningSite) -> dict[str, str]:
    asked = ("curl", "-sS", "--fail", "-d", '{"linearizable": true}', "http://etcd:2379/v3/cluster/member/list")
    found = json.loads(site.run_in(CLIENT, CLIENT, *asked))["members"]
    return {one["name"]: one["ID"] for one in found if not one.get("isLearner")}


def named(size: int) -> set[str]:
    return {f"etcd-{number}" for number in range(size)}


def previous_version(folder: Path) -> None:
    """Make a copy of the bundle what was before it: another version of etcd."""
    values = folder / "values.yaml"
    values.write_text(values.read_text().replace("version: 3.6.8", "version: 3.6.7"))


def test_a_cluster_grows_loses_a_member_shrinks_and_is_updated_and_loses_no_write(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "etcd", site.bundle_copy("etcd", previous_version), "--set", "size=1")
    assert set(members(site)) == named(1)
    uid = site.get("apps/v1/statefulsets/etcd")["metadata"]["uid"]
    with ClientScript(site, WRITER) as writer:
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=3")
        before = members(site)
        assert set(before) == named(3)
        assert {pod["spec"]["containers"][0]["image"] for pod in site.items("v1/pods", name="etcd")} == {NEWEST}
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=5")
        assert set(members(site)) == named(5)

        # A member whose node and disk are gone.
        site.remove("v1/persistentvolumeclaims/data-etcd-1")
        site.remove("v1/pods/etcd-1", at_once=True)
        site.until("another member", lambda: members(site).get("etcd-1", before["etcd-1"]) != before["etcd-1"])
        site.until("five members", lambda: len(site.ready_pods(name="etcd")) == 5)

        assert site.run_cron_job("etcd-defragment").count(" bytes") == 5
        assert " bytes from etcd-" in site.run_cron_job("etcd-snapshot")
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=3")
        assert set(members(site)) == named(3)
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=1")
        assert set(members(site)) == named(1)
    assert writer.found["lost"] == []
    assert writer.found["count"] > 100
    assert writer.found["longest_s"] < 60, writer.found
    assert site.get("apps/v1/statefulsets/etcd")["metadata"]["uid"] == uid
    site.bundler("uninstall", "etcd", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]


def test_three_members_begin_together_and_are_updated_one_at_a_time(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "etcd", site.bundle_copy("etcd", previous_version))
    before = members(site)
    assert set(before) == named(3)
    with ClientScript(site, WRITER) as writer:
        site.bundler("upgrade", "etcd", "etcd")
        assert members(site) == before, "they are the same members"
    assert writer.found["lost"] == []
    assert writer.found["longest_s"] < 60, writer.found
    assert {pod["spec"]["containers"][0]["image"] for pod in site.items("v1/pods", name="etcd")} == {NEWEST}
