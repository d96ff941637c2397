"""The bundle `etcd`, with members that vote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lib.certs import Authority
from tests.lib.load import CLIENT, ClientScript, ensure_client
from tests.lib.operator import PREVIOUS
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

NEWEST = "quay.io/coreos/etcd:v3.6.8"
WRITER = """
import base64, json, os, ssl, sys, time, urllib.request
url, tls = sys.argv[1], None
if url.startswith("https"):
    tls = ssl.create_default_context(cafile="/tmp/ca.crt")
    tls.load_cert_chain("/tmp/tls.crt", "/tmp/tls.key")
def call(path, body):
    request = urllib.request.Request(f"{url}/v3/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=3, context=tls) as answer:
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


HTTP, HTTPS = "http://etcd:2379", "https://etcd:2379"
WITH_CERTIFICATES = ("--cacert", "/tmp/ca.crt", "--cert", "/tmp/tls.crt", "--key", "/tmp/tls.key")


def members(site: RunningSite, url: str = HTTP) -> dict[str, str]:
    """Return the id of each voting member by its name, as a majority knows them."""
    # A request fails while the members choose a leader.
    return site.until("the members", lambda: _members(site, url))


def _members(site: RunningSite, url: str) -> dict[str, str]:
    shown = WITH_CERTIFICATES if url == HTTPS else ()
    asked = ("curl", "-sS", "--fail", *shown, "-d", '{"linearizable": true}', f"{url}/v3/cluster/member/list")
    found = json.loads(site.run_in(CLIENT, CLIENT, *asked))["members"]
    return {one["name"]: one["ID"] for one in found if not one.get("isLearner")}


def give_certificates(site: RunningSite) -> None:
    """Make the Secret that members read, and give the client the same certificate."""
    folder = site.folder / "certificates"
    hosts = [f"etcd-{number}.etcd-headless.{site.namespace}.svc" for number in range(5)]
    pair = Authority(folder).issue("etcd", peer=True, names=("etcd", *hosts))
    files = {"ca.crt": folder / "ca.crt", "tls.crt": pair.certificate, "tls.key": pair.key}
    texts = {name: path.read_text() for name, path in files.items()}
    site.create_object("v1/secrets", {"metadata": {"name": "etcd-certificates"}, "stringData": texts})
    for name, text in texts.items():
        site.run_in(CLIENT, CLIENT, "sh", "-c", f"printf %s '{text}' > /tmp/{name}")


def named(size: int) -> set[str]:
    return {f"etcd-{number}" for number in range(size)}


def test_a_cluster_grows_loses_a_member_shrinks_and_is_updated_and_loses_no_write(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    site.bundler("install", "etcd", PREVIOUS / "etcd", "--set", "size=1", "--set", "version=3.6.7")
    assert set(members(site)) == named(1)
    uid = site.get("apps/v1/statefulsets/etcd")["metadata"]["uid"]
    with ClientScript(site, WRITER, HTTP) as writer:
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=3", "--unset", "version")
        before = members(site)
        assert set(before) == named(3)
        assert {pod["spec"]["containers"][0]["image"] for pod in site.items("v1/pods", name="etcd")} == {NEWEST}

        # A member whose node and disk are gone.
        site.remove("v1/persistentvolumeclaims/data-etcd-1")
        site.remove("v1/pods/etcd-1", at_once=True)
        site.until("another member", lambda: members(site).get("etcd-1", before["etcd-1"]) != before["etcd-1"])
        site.until("three members", lambda: len(site.ready_pods(name="etcd")) == 3)

        assert site.run_cron_job("etcd-defragment").count(" bytes") == 3
        assert " bytes from etcd-" in site.run_cron_job("etcd-snapshot")
        site.bundler("upgrade", "etcd", "etcd", "--set", "size=1")
        assert set(members(site)) == named(1)
    assert writer.found["lost"] == []
    assert writer.found["count"] > 100
    assert writer.found["longest_s"] < 60, writer.found
    assert site.get("apps/v1/statefulsets/etcd")["metadata"]["uid"] == uid
    site.bundler("uninstall", "etcd", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]


def test_three_members_that_speak_tls_begin_together_and_are_updated_one_at_a_time(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    give_certificates(site)
    secret = ("--set", "tls.secret=etcd-certificates")
    site.bundler("install", "etcd", "etcd", "--set", "version=3.6.7", *secret)
    before = members(site, HTTPS)
    assert set(before) == named(3)
    # How the end of the connection shows is a matter of time: as an alert, or in what is sent or received next.
    with pytest.raises(ApiError, match=r"curl: \((35|55|56)\)"):
        site.run_in(CLIENT, CLIENT, "curl", "-sS", "--cacert", "/tmp/ca.crt", f"{HTTPS}/version")
    with ClientScript(site, WRITER, HTTPS) as writer:
        site.bundler("upgrade", "etcd", "etcd", "--unset", "version")
        assert members(site, HTTPS) == before, "they are the same members"
    assert writer.found["lost"] == []
    assert writer.found["longest_s"] < 60, writer.found
    assert {pod["spec"]["containers"][0]["image"] for pod in site.items("v1/pods", name="etcd")} == {NEWEST}
    assert " bytes from etcd-" in site.run_cron_job("etcd-snapshot")
