"""Waiting on a real API server: watches ring, fewer lists are asked for, and without the right to watch it continues."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.lib import access
from tests.lib.enough_time import with_enough_time
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.real import open_client
from tests.lib.sweep import Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Seen

SLOW = {"image": "docker.io/library/slow:1"}
NO_WATCHING = tuple(verb for verb in access.ALL_VERBS if verb != "watch")


@pytest.fixture
def deployer(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Workplace]:
    """Someone with a Role for one namespace."""
    with Workplace(control_plane, tmp_path / "deployer", user="deployer") as place:
        yield place


def looks(seen: list[Seen], plural: str) -> tuple[int, int]:
    """Return how often a kind was listed and watched."""
    asked = [one.target for one in seen if one.method == "GET" and one.path.endswith(f"/{plural}")]
    watches = [target for target in asked if "watch=1" in target]
    return len(asked) - len(watches), len(watches)


def grant(control_plane: ControlPlane, namespace: str, verbs: tuple[str, ...]) -> None:
    for path, body in access.deployer_objects(namespace):
        for rule in body.get("rules", ()):
            rule["verbs"] = [verb for verb in rule["verbs"] if verb in verbs]
        control_plane.api("POST", path, body)


def test_without_the_right_to_watch_lists_go_on_and_it_is_said_once(
    deployer: Workplace, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    grant(control_plane, namespace, NO_WATCHING)
    menu = str(small_bundle(tmp_path / "menu"))
    code, text = deployer.run(["install", "shop", menu, "-n", namespace, "--set", f"image={SLOW['image']}"])
    assert code == 0, text
    assert text.count("watching is not allowed: cannot watch ") == 1
    assert text.count("waiting lists twice a second instead") == 1
    lists, watches = looks(deployer.proxy.seen, "deployments")
    assert lists >= 4
    assert watches <= 2


@pytest.mark.slow
def test_a_watch_saves_lists_and_its_connection_ends_with_the_wait(
    deployer: Workplace, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    grant(control_plane, namespace, access.ALL_VERBS)
    menu = str(small_bundle(tmp_path / "menu"))
    argv = ["install", "shop", menu, "-n", namespace, "--set", "image=docker.io/library/unready:1"]

    def run(seconds: int) -> tuple[int, int, str]:
        return seconds, *deployer.run([*argv, "--timeout", f"{seconds}s"])

    seconds, code, text = with_enough_time(run, lambda _: looks(deployer.proxy.seen, "deployments")[1], first_s=8)
    assert code == 4, text
    assert "watching is not allowed" not in text
    lists, watches = looks(deployer.proxy.seen, "deployments")
    assert watches == 1
    assert lists < 1.5 * seconds, "twice a second would be more"


def test_a_wait_leaves_no_thread_behind(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    client = open_client(control_plane.kubeconfig("admin"))
    began = time.monotonic()
    Operator(client, namespace, timeout_s=300).install(small_bundle(tmp_path), "shop", **SLOW)
    Operator(client, namespace, timeout_s=300).uninstall("shop")
    assert [thread for thread in threading.enumerate() if thread.name == "bundler-watch"] == []
    assert time.monotonic() - began < 150, "a watch that is not ended lasts as long as the run may"
    client.close()
