"""A server that sends byte by byte holds no verb beyond its time, nor beyond one Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.lib.clocks import SOON_S
from tests.lib.stub_server import Drip, StubServer

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "interim": Drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "body": Drip(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
}


def started(folder: Path, server: StubServer, *argv: str) -> subprocess.Popen[str]:
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server.url}}],
        "users": [{"name": "it", "user": {"token": "t"}}],
    }
    (folder / "config").write_text(json.dumps(config))
    environment = {
        **os.environ,
        "KUBECONFIG": str(folder / "config"),
        "HOME": str(folder),
        "BUNDLER_CACHE_DIR": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bundler", *argv],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.medium
@pytest.mark.parametrize("drip", ["interim", "body"])
@pytest.mark.parametrize("verb", [("list", "-A"), ("uninstall", "shop", "--yes")], ids=["list", "uninstall"])
def test_one_ctrl_c_ends_what_a_slow_server_holds(tmp_path: Path, drip: str, verb: tuple[str, ...]) -> None:
    with StubServer([DRIPS[drip]]) as server:
        program = started(tmp_path, server, *verb)
        while len(server.requests) < 1:
            assert program.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=SOON_S)
    assert program.returncode == 130, said
    assert "interrupted" in said


@pytest.mark.slow
def test_a_slow_server_holds_no_verb_beyond_its_time(tmp_path: Path) -> None:
    with StubServer([DRIPS["body"]]) as server:
        program = started(tmp_path, server, "list", "-A", "--timeout", "6s")
        _, said = program.communicate(timeout=SOON_S)
    assert program.returncode == 1, said
    assert "in time" in said
