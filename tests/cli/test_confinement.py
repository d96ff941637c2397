"""The real program with bundles that never end: --timeout and signals end it, whatever C function it is in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.library.system_clock import SystemClock
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.storage.secrets import SecretReleaseStore
from tests.lib.clocks import SOON_S

BUNDLE = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: bomb, version: 1.0.0, description: x}\n"
SCHEMA = {"properties": {"tag": {"type": "string", "pattern": "^(a|b|ab)*$"}}}


def bomb(folder: Path) -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "bundle.yaml").write_text(BUNDLE)
    (folder / "values.yaml").write_text(f"tag: {'ab' * 40}c\n")
    (folder / "values.schema.json").write_text(json.dumps(SCHEMA))
    (folder / "templates" / "a.yaml").write_text("{}\n")
    return folder


def start(folder: Path, *argv: str) -> subprocess.Popen[str]:
    env = {**os.environ, "BUNDLER_CACHE_DIR": str(folder / "cache"), "BUNDLER_STATE_DIR": str(folder / "state")}
    return subprocess.Popen(
        [sys.executable, "-m", "bundler", *argv], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["template", "images"])
def test_a_pattern_that_never_ends_is_ended_by_the_timeout_with_its_place(tmp_path: Path, verb: str) -> None:
    program = start(tmp_path, verb, str(bomb(tmp_path / "bomb")), "--timeout", "4s")
    _, said = program.communicate(timeout=SOON_S)
    assert program.returncode == 1
    assert "error[work-limit]" in said
    assert "values.schema.json#/properties/tag/pattern: it takes more than" in said


@pytest.mark.slow
def test_lint_names_the_pattern_too_when_its_time_is_over(tmp_path: Path) -> None:
    program = start(tmp_path, "lint", str(bomb(tmp_path / "bomb")), "--timeout", "4s")
    found, _ = program.communicate(timeout=SOON_S)
    assert program.returncode == 1
    assert "slow-pattern" in found
    assert "work-limit" in found


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_never_ends(tmp_path: Path, number: signal.Signals) -> None:
    program = start(tmp_path, "template", str(bomb(tmp_path / "bomb")))
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    while not children.read_text():  # what computes the pattern
        assert program.poll() is None
        time.sleep(0.05)
    program.send_signal(number)
    _, said = program.communicate(timeout=SOON_S)
    assert program.returncode == 130
    assert "interrupted" in said


ENDLESS = "(('a' * 5000000) | trim('b') | wordwrap(3)).count('z') == 1"


@pytest.mark.slow
def test_status_ends_where_a_recorded_readiness_rule_never_does(tmp_path: Path) -> None:
    folder = bomb(tmp_path / "ruled")
    (folder / "values.yaml").write_text("tag: a\n")
    rule = "spec: {readiness: [{match: {group: '', kind: ConfigMap, name: cfg}, ready: \"object.data.a == 'yes'\"}]}\n"
    (folder / "bundle.yaml").write_text(BUNDLE + rule)
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {a: 'no'}\n"
    (folder / "templates" / "a.yaml").write_text(config)
    install = start(tmp_path, "install", "ruled", str(folder), "--context", "sandbox", "--yes", "--no-wait")
    _, said = install.communicate(timeout=SOON_S)
    assert install.returncode == 0, said
    tamper(tmp_path / "state" / "sandbox.db")
    status = start(tmp_path, "status", "ruled", "--context", "sandbox", "--timeout", "6s")
    shown, said = status.communicate(timeout=SOON_S)
    assert "its rule cannot be computed: it" in shown, (shown, said)


def tamper(database: Path) -> None:
    """Change the rule in the record, as anyone may who writes Secrets in the namespace."""
    cluster = SandboxClient.open(database, SystemClock())
    try:
        store = SecretReleaseStore(cluster, SystemClock())
        (summary,) = store.summaries(namespace="default", release="ruled")
        revision = store.load(summary, with_sensitive=True)
        for part in ("release", "sensitive"):
            cluster.delete(ObjectRef("", "Secret", "default", f"bundler.{part}.ruled.v1"))
        (rule,) = revision.readiness
        store.save(replace(revision, readiness=({**rule, "ready": ENDLESS},)))
    finally:
        cluster.close()
