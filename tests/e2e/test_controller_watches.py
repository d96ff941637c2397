"""What breaks a watch on its way from the real API, and what moved meanwhile is heard of all the same."""

from __future__ import annotations

import io
import re
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bundler import ListQuery
from bundler.cluster import streams
from bundler.controller import watches
from bundler.controller.bells import Bells
from bundler.controller.watch_health import WatchHealth
from bundler.controller.watches import Watches
from bundler.library.system_clock import SystemClock
from bundler.model.json import text_at
from tests.lib.fault_proxy import Fault, FaultProxy
from tests.lib.freezing_proxy import FreezingProxy
from tests.lib.keeping import instruments
from tests.lib.real import open_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
WITHIN_S = 120.0
_HALF_OPEN = "half-open"
_FAULTS = {"410": Fault.GONE, "stalled": Fault.STALLED, "garbage": Fault.PAGE}


class World:
    """A watch on the ConfigMaps of a namespace, with something on its way to the API server."""

    def __init__(self, plane: ControlPlane, namespace: str, scratch: Path, closing: ExitStack) -> None:
        self._plane, self._namespace, self._scratch, self._closing = plane, namespace, scratch, closing
        self._log = io.StringIO()
        self.observed = instruments(SystemClock(), self._log)
        self._names: set[str] = set()

    def begin(self, kubeconfig: Path) -> None:
        health = WatchHealth(self.observed, "tests")
        client = self._closing.enter_context(closing(open_client(kubeconfig)))
        made = self._closing.enter_context(closing(Watches(client, Bells(lambda key, is_brief: None), health)))
        query = ListQuery(group="", kind="ConfigMap", namespace=self._namespace, metadata_only=True)
        stream = made.watch(query, lambda body, before: self._names.add(text_at(body, "metadata", "name")))
        until(lambda: stream.is_listed, "it is listed")

    def hears_all(self, *names: str) -> bool:
        return self._names.issuperset(names)

    def says(self, text: str) -> bool:
        return text in self._log.getvalue()

    def through_faults(self, fault: Fault) -> None:
        """Watch, and meet a fault at the first watch."""
        proxy = self._closing.enter_context(FaultProxy(self._plane.server, self._plane.ca_file, self._plane.token))
        proxy.curse(fault)
        proxy.struck.update(dict.fromkeys(("discovery", "list", "get"), "spared"))
        self.begin(proxy.kubeconfig(self._scratch / fault.name))
        until(lambda: "watch" in proxy.struck, f"{fault} is met")

    def through_a_nat(self) -> FreezingProxy:
        """Watch over connections that can be frozen."""
        port = int(self._plane.server.rpartition(":")[2])
        proxy = self._closing.enter_context(FreezingProxy(port))
        text = self._plane.kubeconfig("admin").read_text()
        config = self._scratch / "frozen"
        config.write_text(re.sub(rf"(://[^:/]+):{port}\b", rf"\1:{proxy.port}", text))
        config.chmod(0o600)
        self.begin(config)
        return proxy


def test_a_watch_that_expired_stalled_went_dead_or_was_garbage_misses_nothing(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ROUND_S", 3.0)
    monkeypatch.setattr(streams, "GRACE_S", 1.5)
    monkeypatch.setattr(watches, "AFTER_ERROR_S", 0.5)

    def write(name: str) -> None:
        control_plane.api("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": name}})

    with ExitStack() as closing:
        worlds = {name: World(control_plane, namespace, tmp_path, closing) for name in (*_FAULTS, _HALF_OPEN)}
        for name, fault in _FAULTS.items():
            worlds[name].through_faults(fault)
        proxy = worlds[_HALF_OPEN].through_a_nat()
        write("before")
        until(lambda: worlds[_HALF_OPEN].hears_all("before"), "the watch is open")
        assert proxy.freeze()
        write("after")
        for name, world in worlds.items():
            until(partial(world.hears_all, "before", "after"), f"{name} is survived")
        assert worlds["garbage"].says("the answer is not a JSON object")
        assert all(world.observed.pulse.silent() == () for world in worlds.values())


def until(is_so: Callable[[], object], what: str) -> None:
    end_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < end_s, f"not within {WITHIN_S:.0f} s: {what}"
        time.sleep(0.02)
