"""SIGKILL of a controller, and of the changes that it starts, at writes of each kind, on the real API."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.lib.controller_kills import Life, StrikingProxy, Stroke, Victim
from tests.lib.controller_runs import OrderSite
from tests.lib.controller_site import define
from tests.lib.menus import small_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


def of_child(phase: str, kind: str) -> Stroke:
    return Stroke(phase=phase, victim=Victim.CHILD, kind=kind)


def of_parent(phase: str, kind: str, *, is_after: bool = True) -> Stroke:
    return Stroke(phase=phase, victim=Victim.PARENT, kind=kind, is_after=is_after)


LIVES = (
    (of_child("install", "POST secrets"), of_child("uninstall", "DELETE deployments")),
    (of_child("upgrade", "PUT secrets"), of_child("drift", "PATCH deployments")),
    (of_parent("install", "PUT releases/status"), of_parent("uninstall", "PUT releases", is_after=False)),
    (of_parent("upgrade", "POST events"), of_parent("drift", "PUT releases/status")),
)


def test_a_controller_and_its_changes_that_are_killed_anywhere_are_taken_up_by_the_next(control_plane, tmp_path):
    define(control_plane)

    def live(strokes: Sequence[Stroke]) -> None:
        site = new_site(control_plane, tmp_path)
        try:
            with StrikingProxy(control_plane) as proxy, Life(site, proxy) as life:
                life.live(*strokes)
        finally:
            site.forget_orders()
            control_plane.api("DELETE", f"/api/v1/namespaces/{site.namespace}")

    with ThreadPoolExecutor(len(LIVES)) as pool:
        list(pool.map(live, LIVES))


def new_site(plane: ControlPlane, scratch: Path) -> OrderSite:
    """Return a namespace of its own, and what an order needs there."""
    name = f"kill-{uuid.uuid4().hex[:8]}"
    folder = scratch / name
    folder.mkdir()
    plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    site = OrderSite(plane, name, folder)
    site.admit()
    site.publish(small_bundle(folder), "one")
    return site
