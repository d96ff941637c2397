"""The controller on the embedded cluster, as the manual shows it: two programs that share one file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundler import ObjectRef, Session

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ORDER = ObjectRef("bundler.dev", "Release", "default", "shop")
WEB = ObjectRef("apps", "Deployment", "default", "shop-web")


def test_the_order_of_readme_and_manual_is_met_repaired_and_watched_on_the_sandbox(tmp_path):
    env = {**os.environ, "BUNDLER_STATE_DIR": str(tmp_path), "BUNDLER_CONTEXT": "sandbox"}

    def bundler(*words, **how):
        return subprocess.run(
            [sys.executable, "-m", "bundler", *words], env=env, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    path = Path(bundler("sandbox", "path"))
    with (tmp_path / "log").open("w") as log:
        controller = subprocess.Popen(
            [sys.executable, "-m", "bundler", "controller", "run", "--log-format", "text"], env=env, stderr=log
        )
    try:
        eventually(lambda: "this copy leads" in (tmp_path / "log").read_text())
        readme = (ROOT / "README.md").read_text("utf-8").partition("bundler controller run")[2]
        ordering, deleting, waiting = re.findall(r"^\$ bundler (\w.*)$", readme.partition("```")[0], re.MULTILINE)
        assert f"\nbundler {ordering}\n" in (ROOT / "docs" / "controller.md").read_text("utf-8")
        bundler(*ordering.split())
        with Session.sandbox(path=path) as session:
            assert is_ready(session)
            bundler(*deleting.split())
            bundler(*waiting.split())
            assert session.cluster.get(WEB) is not None
            eventually(lambda: is_ready(session))
            bundler("sandbox", "fail", "Deployment/shop-web", "--reason", "CrashLoopBackOff")
            eventually(lambda: not is_ready(session))
            bundler("sandbox", "heal", "Deployment/shop-web")
            eventually(lambda: is_ready(session))
        controller.send_signal(signal.SIGTERM)
        assert controller.wait(timeout=60.0) == 0
        assert "stopped" in (tmp_path / "log").read_text().splitlines()[-1]
    finally:
        controller.kill()
        controller.wait()


def is_ready(session):
    found = session.cluster.get(ORDER) or {}
    conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", ())}
    return conditions.get("Ready") == "True"


def eventually(is_so, within_s=120.0):
    end_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.1)
