"""Who holds a lock, and what a broken Lease says."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bundler.model.lock import Holder
from bundler.model.refs import ObjectRef
from bundler.storage.holder import boot_id, is_gone_here, is_process_gone, this_process
from bundler.storage.lease import Claim, lease_payload, locked_error, read_lease

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def test_this_process_lives_and_one_that_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_process_gone(os.getpid())
    assert is_process_gone(ended.pid)
    assert not is_process_gone(10**30)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so in /proc")
def test_a_process_that_was_killed_is_gone_before_its_parent_asks_how_it_ended() -> None:
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert not is_process_gone(killed.pid)
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    os.kill(killed.pid, 0)  # its id is taken still
    assert is_process_gone(killed.pid)
    killed.communicate()


def test_a_process_that_we_may_not_signal_lives() -> None:
    assert not is_process_gone(1)


def test_this_process_is_named() -> None:
    found = this_process(user="ada", command="bundler upgrade", tool_version="1")
    assert found.identity == f"ada@{found.host} pid {os.getpid()}"
    assert found.boot_id == boot_id()


@pytest.mark.parametrize(("uid", "name"), [(0, "root"), (4_000_000_001, "uid-4000000001")])
def test_without_a_name_in_the_environment_the_account_is_named(
    uid: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    assert this_process(user="", command="", tool_version="1").user == name


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names its boots and process-id namespaces")
def test_the_boot_id_names_the_process_namespace_too() -> None:
    boot, namespace = boot_id().split("/")
    assert len(boot) == 36
    assert namespace.startswith("pid:[")


@pytest.mark.parametrize(
    ("theirs", "ours", "pid", "gone", "is_gone"),
    [
        ("b1", "b1", 7, True, True),
        ("b1", "b1", 7, False, False),
        ("b1", "b2", 7, True, False),
        ("", "", 7, True, False),
        ("b1", "b1", 0, True, False),
    ],
)
def test_only_a_process_of_the_same_boot_can_be_seen_to_be_gone(
    theirs: str, ours: str, pid: int, gone: bool, is_gone: bool
) -> None:
    one = Holder(user="a", host="h", pid=pid, boot_id=theirs)
    other = Holder(user="a", host="h", pid=1, boot_id=ours)
    assert is_gone_here(one, other, lambda _pid: gone) is is_gone


def test_a_lease_is_read_as_it_was_written() -> None:
    import json

    holder = Holder(
        user="ada", host="ci-7", pid=12, boot_id="b/pid:[1]", command="bundler upgrade shop", tool_version="0.1.0"
    )
    claim = Claim(release="shop", holder=holder, doing="upgrade", duration_s=30, token="t1")
    ref = ObjectRef("coordination.k8s.io", "Lease", "prod", "bundler.shop")
    state = read_lease(json.loads(lease_payload(claim, None, ref=ref, now=NOW).content), "shop")
    assert (state.holder, state.doing, state.token, state.duration_s) == (holder, "upgrade", "t1", 30.0)
    assert (state.since, state.last_heartbeat, state.is_free) == (NOW, NOW, False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None, "spec": []},
        {
            "metadata": {"annotations": {"bundler.dev/pid": "-1"}},
            "spec": {"renewTime": "yesterday", "leaseDurationSeconds": -3},
        },
        {"metadata": {"annotations": {"bundler.dev/pid": "9" * 99}}, "spec": {"acquireTime": "2026-11-22T12:00:00"}},
    ],
)
def test_a_broken_lease_says_nothing(body: dict[str, object]) -> None:
    state = read_lease(body, "shop")  # type: ignore[arg-type]
    assert state.holder.pid == 0
    assert state.duration_s >= 1
    assert state.since is None
    assert state.is_free


def test_the_error_tells_who_since_when_and_what_to_do() -> None:
    body = {
        "metadata": {
            "namespace": "prod",
            "annotations": {
                "bundler.dev/user": "ada",
                "bundler.dev/host": "ci-7",
                "bundler.dev/pid": "12",
                "bundler.dev/doing": "upgrade",
                "bundler.dev/tool-version": "1.4.0",
            },
        },
        "spec": {
            "holderIdentity": "x",
            "acquireTime": "2026-11-22T11:57:47.000000Z",
            "renewTime": "2026-11-22T11:59:56.000000Z",
        },
    }
    error = locked_error(read_lease(body, "shop"), now=NOW)  # type: ignore[arg-type]
    assert str(error) == "locking release shop in namespace prod"
    assert error.context == (
        "ada@ci-7 pid 12 holds it (doing upgrade, bundler 1.4.0, started 2m13s ago, last heartbeat 4s ago)",
    )
    assert "bundler unlock shop -n prod" in error.hint
    later = locked_error(read_lease(body, "shop"), now=NOW + timedelta(hours=3))  # type: ignore[arg-type]
    assert "started 3h2m ago" in later.context[0]
    unknown = locked_error(read_lease({}, "shop"), now=NOW)
    assert "started at an unknown time" in unknown.context[0]
