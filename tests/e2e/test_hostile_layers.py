"""Exports of images that were made to be read forever, by the real program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.clocks import SOON_S
from tests.lib.images import make_image, write_layout

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: 'registry.example/app:1'}]}\n"


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]


def readers(pid: int) -> list[int]:
    """Return the processes that read layers: the program that makes them is a child of the export."""
    makers = [one for one in children(pid) if b"bundler.isolation.entry" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return [one for maker in makers for one in (maker, *children(maker)) if children(maker)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for children in /proc")
def test_one_interrupt_ends_an_export_that_reads_a_layer_without_end(tmp_path: Path) -> None:
    files = {f"var/lib/dpkg/status.d/{number}": b"\n" * 3_900_000 for number in range(12)}
    write_layout(make_image("app", files=files, has_index=False), tmp_path / "app", tag="registry.example/app:1")
    bundle = make_bundle(tmp_path, {"templates/pod.yaml": POD}, name="shop", version="1.4.0")
    words = [sys.executable, "-m", "bundler", "export", bundle, "--layout", tmp_path / "app", "--out", tmp_path]
    environment = {**os.environ, "HOME": str(tmp_path)}
    run = subprocess.Popen(list(map(str, words)), env=environment, stderr=subprocess.PIPE)
    try:
        while not (found := readers(run.pid)):
            assert run.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=SOON_S)
    finally:
        run.kill()
    assert run.returncode == 130
    assert b"Traceback" not in said
    assert not (tmp_path / "shop-1.4.0.bundle").exists()
    assert not any(Path(f"/proc/{one}").exists() for one in found)
