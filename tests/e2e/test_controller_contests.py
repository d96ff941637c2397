"""Two writers on one field of a release that a controller keeps, on the real API."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.lib.access import CONTEXT
from tests.lib.controller_runs import OrderSite, running
from tests.lib.controller_site import define
from tests.lib.menus import small_bundle
from tests.lib.raw_api import MERGE_PATCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
CONFIG = "v1/.../configmaps/shop-config"
SAID = "ConfigMap/shop-config .data.text is changed again by rival whenever bundler puts it back (4 times)"


@pytest.fixture
def site(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OrderSite]:
    monkeypatch.setenv("BUNDLER_LOCK_DURATION", "30s")  # no one dies here, and a slow machine loses no lock
    define(control_plane)
    made = OrderSite(control_plane, namespace, tmp_path)
    made.admit()
    made.publish(small_bundle(tmp_path), "one")
    yield made
    made.forget_orders()


@contextmanager
def rival(site: OrderSite) -> Iterator[None]:
    """Write a field again whenever someone else wrote it."""
    path = f"/api/v1/namespaces/{site.namespace}/configmaps/shop-config?fieldManager=rival"
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(0.1):
            if text(site) != "theirs":
                site.plane.api("PATCH", path, {"data": {"text": "theirs"}}, content_type=MERGE_PATCH)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def text(site: OrderSite) -> str:
    return str((site.find(CONFIG) or {})["data"]["text"])


def stalled(site: OrderSite) -> dict[str, Any]:
    found: dict[str, Any] = site.status("shop")["conditions"].get("Stalled", {"reason": "", "message": ""})
    return found


def test_a_field_that_two_write_is_left_to_the_other_with_both_named_until_someone_says_retry(site):
    with running(site):
        site.order("shop", "one", interval="1h")
        site.wait(lambda: site.status("shop")["is_ready"], "the order is met")
        with rival(site):
            site.wait(lambda: stalled(site)["reason"] == "Contested", "they are seen", within_s=120.0)
            assert (stalled(site)["message"], site.status("shop")["drift"]["corrected"]) == (SAID, 4)
            assert text(site) == "theirs"
        words = ["retry", "shop", "-n", site.namespace, "--context", CONTEXT]
        words += ["--kubeconfig", str(site.plane.kubeconfig("admin"))]
        subprocess.run([sys.executable, "-m", "bundler", *words], check=True, capture_output=True)
        site.wait(lambda: site.status("shop")["is_ready"] and not stalled(site)["reason"], "the order is met again")
        assert text(site) == "hello"
