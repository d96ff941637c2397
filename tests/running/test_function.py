"""The bundle `function`, with programs that answer requests."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.lib.load import CLIENT, DRAIN_S, Load, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

ECHO = """\
#!/bin/sh
[ "$PATH_INFO" = /hang ] && sleep 100
[ "$PATH_INFO" = /fail ] && exit 3
echo "$REQUEST_METHOD $PATH_INFO?$QUERY_STRING $GREETING $(cat)"
"""
COUNT = """\
#!/usr/bin/env python3
import os, sys, time
mine = f"/tmp/run-{os.getpid()}"
open(mine, "w").close()
time.sleep(float(sys.stdin.read()))
print("Status: 201\\nContent-Type: application/json\\n")
print(len([name for name in os.listdir("/tmp") if name.startswith("run-")]))
os.remove(mine)
"""
ASK_AT_ONCE = """
import concurrent.futures, json, time, urllib.request
def ask(_):
    with urllib.request.urlopen("http://fn-count/", b"0.3", timeout=10) as answer:
        return answer.status, answer.headers["Content-Type"], json.load(answer)
began = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    found = list(pool.map(ask, range(6)))
print(json.dumps({"found": found, "took_s": time.monotonic() - began}))
"""
VALUES = {
    "functions": {
        "hello": None,
        "echo": {"source": ECHO, "env": {"GREETING": "hello"}, "timeoutSeconds": 2},
        "count": {"source": COUNT, "concurrency": 2, "writesHeaders": True},
    },
    "drainSeconds": DRAIN_S,
}
QUICK = ("--set", "drainSeconds=1")
"""Not for the version that is upgraded, which ends after that time wherever requests are still sent."""
POSTS = ("--set-json", 'functions.echo.methods=["POST"]')
STATUS_OF = ("curl", "-sS", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}")


def ask(site: RunningSite, path: str, body: str = "") -> tuple[str, str]:
    """Return status and text of an answer of `echo`."""
    words = ("curl", "-sS", "--max-time", "5", "-d", body, "-w", "%{stderr}%{http_code}", f"http://fn-echo/{path}")
    answer = site.run_in(CLIENT, CLIENT, "sh", "-c", '"$@" 2>&1', "sh", *words)
    return answer[-3:], answer[:-3].strip()


def pods_of(site: RunningSite, function: str) -> list[str]:
    return [one["metadata"]["name"] for one in site.items(f"v1/pods?labelSelector=function%3D{function}")]


def test_requests_become_runs_of_a_program_within_their_bounds_and_nights_are_off(server_site: RunningSite) -> None:
    site = server_site
    ensure_client(site)
    values = site.folder / "values.yaml"
    values.write_text(json.dumps(VALUES))
    site.bundler("install", "fn", PREVIOUS / "function", "-f", values)
    assert ask(site, "a/b?c=d", "body") == ("200", "POST /a/b?c=d hello body")
    assert ask(site, "fail") == ("500", "the function ended with 3")
    assert ask(site, "hang") == ("504", "the function took longer than 2 s")
    (pod,) = pods_of(site, "echo")
    assert "sleep" not in site.run_in(pod, "function", "sh", "-c", "cat /proc/[0-9]*/comm"), "nothing of it goes on"

    at_once = json.loads(site.run_in(CLIENT, CLIENT, "python3", "-c", ASK_AT_ONCE))
    assert {tuple(one[:2]) for one in at_once["found"]} == {(201, "application/json")}
    assert max(running for *_, running in at_once["found"]) == 2
    assert at_once["took_s"] >= 0.9

    before = site.get("apps/v1/deployments/fn-echo")["metadata"]["uid"]
    welcome = ("--set", "functions.echo.env.GREETING=welcome", "--set", "sleep.enabled=true")
    with Load(site, "http://fn-echo/") as load:
        site.bundler("upgrade", "fn", "function", *welcome, *QUICK)
        site.until("the end of the pod", lambda: pod not in pods_of(site, "echo"))
    assert load.failures == []
    assert set(load.answers) == {"GET /? hello", "GET /? welcome"}
    assert site.get("apps/v1/deployments/fn-echo")["metadata"]["uid"] == before

    (pod,) = pods_of(site, "echo")
    address = site.get(f"v1/pods/{pod}")["status"]["podIP"]
    with Load(site, f"http://{address}:8080/") as load:
        site.remove(f"v1/pods/{pod}")
        time.sleep(3)
    assert load.failures == [], "it serves for longer than it has to, as long as it is asked"
    site.until("the end of the pod", lambda: pod not in pods_of(site, "echo"))

    site.run_cron_job("fn-sleep")
    site.until("the night", lambda: not site.items("v1/pods", name="function"))
    site.bundler("upgrade", "fn", "function", "--set", "functions.echo.env.GREETING=morning", *POSTS)
    assert not site.items("v1/pods", name="function"), "an upgrade wakes no one"
    site.run_cron_job("fn-wake")
    site.until("the morning", lambda: len(site.ready_pods(name="function")) == 2)
    assert ask(site, "", "") == ("200", "POST /? morning")
    assert site.run_in(CLIENT, CLIENT, *STATUS_OF, "http://fn-echo/") == "405", "it answers POST alone"
    site.bundler("uninstall", "fn", "--yes")
    assert [one["metadata"]["name"] for one in site.items("v1/pods")] == [CLIENT]
