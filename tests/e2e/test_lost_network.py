"""A holder of the lock loses its network for longer than its lease, and gets it back when another run has the release."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.cluster.client import HttpClusterClient
from bundler.cluster.kubeconfig import load_access
from bundler.errors import BundlerError
from bundler.errors.change import LockLostError
from bundler.http.client_config import ClientConfig
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from tests.lib.cut_network import Network
from tests.lib.faulty import FaultyCluster
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator, RealClock
from tests.lib.real import open_client
from tests.lib.sweep import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.cluster import Answer, Payload
    from tests.lib.controlplane import ControlPlane

LEASE_S = 3.0


class CuttingTheLine(FaultyCluster):
    """Cuts the network just before one object is written, or deleted."""

    def __init__(self, cluster: HttpClusterClient, network: Network, name: str) -> None:
        super().__init__(cluster)
        self._network, self._name = network, name

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        if payload.ref.name == self._name and not is_dry_run:
            self._network.cut()
        return super().apply(payload, is_dry_run=is_dry_run, is_forced=is_forced)

    def delete(self, ref: ObjectRef, **options: Any) -> bool:
        if ref.name == self._name:
            self._network.cut()
        return super().delete(ref, **options)


@pytest.fixture
def site(control_plane: ControlPlane) -> Iterator[Site]:
    site = Site(control_plane)
    yield site
    site.delete()


@pytest.fixture
def network(control_plane: ControlPlane) -> Iterator[Network]:
    access = load_access({}, home=Path("/nonexistent"), kubeconfig=control_plane.kubeconfig("admin"))
    with Network(int(access.cluster.server.rpartition(":")[2])) as network:
        yield network


@pytest.fixture
def direct(control_plane: ControlPlane) -> Iterator[HttpClusterClient]:
    with closing(open_client(control_plane.kubeconfig("admin"))) as client:
        yield client


@pytest.fixture
def through(control_plane: ControlPlane, network: Network) -> Iterator[HttpClusterClient]:
    access = load_access({}, home=Path("/nonexistent"), kubeconfig=control_plane.kubeconfig("admin"))
    cluster = replace(access.cluster, server=f"https://127.0.0.1:{network.port}")
    around = ClientConfig(env={}, clock=RealClock(), budget=lambda: 60.0)
    with closing(HttpClusterClient.open(replace(access, cluster=cluster), around)) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("cut_at", ["shop-config", "shop-extra"], ids=["a write", "a deletion"])
def test_nothing_arrives_once_another_run_has_the_release(
    direct: HttpClusterClient, through: HttpClusterClient, network: Network, site: Site, tmp_path: Path, cut_at: str
) -> None:
    menu = small_bundle(tmp_path)
    away = CuttingTheLine(through, network, cut_at)
    first = Operator(away, site.namespace, name="ada@desk", boot_id="one", lock_duration_s=LEASE_S)
    second = Operator(direct, site.namespace, name="bob@ci", boot_id="two", lock_duration_s=LEASE_S)
    second.install(menu, extra="true", text="before")
    errors: list[BundlerError] = []

    def change() -> None:
        try:
            first.upgrade(menu, extra="false", text="ada")
        except BundlerError as error:
            errors.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    while network.is_up:
        time.sleep(0.01)
    second.upgrade(menu, extra="true", text="bob", options=RunOptions(lock_timeout_s=120.0))
    network.heal()
    thread.join(180)
    time.sleep(1)
    assert isinstance(errors[0], LockLostError), errors
    config = direct.get(ObjectRef("", "ConfigMap", site.namespace, "shop-config"))
    assert config is not None
    assert config["data"] == {"text": "bob"}
    assert direct.get(ObjectRef("", "ConfigMap", site.namespace, "shop-extra")) is not None
    assert any(
        line.startswith("unclear, because the answer was lost: ConfigMap/" + cut_at) for line in errors[0].context
    )
    assert second.statuses()[-1] == "deployed"
