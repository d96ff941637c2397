"""Probes and hooks: ask a running container how it is."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lib.kubelet.network import NODE
from tests.lib.kubelet.programs import inside

if TYPE_CHECKING:
    from tests.lib.kubelet.process import Process

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The container that is asked."""

    process: Process
    address: str
    ports: Mapping[str, int]
    """Of its spec, by name."""

    def port(self, asked: int | str) -> int:
        """Return a port by its number or its name."""
        return self.ports[asked] if asked in self.ports else int(asked)


def ask(handler: Body, target: Target, timeout_s: float) -> tuple[bool, str]:
    """Carry out a handler (exec, httpGet, tcpSocket, sleep) and return whether it went well, and why not."""
    try:
        if "exec" in handler:
            code, output = target.process.run(handler["exec"]["command"], timeout_s=timeout_s)
            return code == 0, output.decode(errors="replace").strip()
        if "sleep" in handler:
            target.process.ended.wait(handler["sleep"]["seconds"])
            return True, ""
        if "httpGet" in handler:
            return inside(NODE, lambda: _get(handler["httpGet"], target, timeout_s))
        if "tcpSocket" in handler:
            return inside(NODE, lambda: _connect(handler["tcpSocket"], target, timeout_s))
    except subprocess.TimeoutExpired:
        return False, f"command timed out after {timeout_s:g} s"
    except (OSError, http.client.HTTPException) as error:
        return False, str(error)
    return False, f"this kubelet knows no probe {', '.join(handler)}"


def _get(asked: Body, target: Target, timeout_s: float) -> tuple[bool, str]:
    connection = http.client.HTTPConnection(
        asked.get("host", target.address), target.port(asked["port"]), timeout=timeout_s
    )
    try:
        headers = {one["name"]: one["value"] for one in asked.get("httpHeaders", ())}
        connection.request("GET", asked.get("path", "/"), headers={"User-Agent": "kube-probe/1.36", **headers})
        status = connection.getresponse().status
    finally:
        connection.close()
    return 200 <= status < 400, f"HTTP probe failed with statuscode: {status}"


def _connect(asked: Body, target: Target, timeout_s: float) -> tuple[bool, str]:
    address = (asked.get("host", target.address), target.port(asked["port"]))
    with socket.create_connection(address, timeout=timeout_s):
        return True, ""


IMPATIENCE_S = 0.25
"""What is not well is asked so often whether it is by now; a kubelet lets its whole period pass."""

PATIENCE_S = 3.0
"""No probe is given up sooner: a machine where much else runs may take its time for the smallest command."""


class Probe(threading.Thread):
    """Asks again and again, for as long as the container runs; reports each change of its mind.

    A failure counts once in a period, as it does anywhere. A success is found earlier: no one waits for that here.
    """

    def __init__(self, spec: Body, target: Target, report: Callable[[bool, str], None]) -> None:
        super().__init__(daemon=True)
        self._spec, self._target, self._report = spec, target, report
        self._is_over = threading.Event()

    def stop(self) -> None:
        """Ask no more."""
        self._is_over.set()

    def run(self) -> None:
        spec, ended = self._spec, self._target.process.ended
        period_s, timeout_s = spec.get("periodSeconds", 10), max(PATIENCE_S, spec.get("timeoutSeconds", 1))
        wanted = {True: spec.get("successThreshold", 1), False: spec.get("failureThreshold", 3)}
        last, count, counted_at = None, 0, float("-inf")
        ended.wait(spec.get("initialDelaySeconds", 0))
        while not (self._is_over.is_set() or ended.is_set()):
            began = time.monotonic()
            is_well, why = ask(spec, self._target, timeout_s)
            if is_well or began - counted_at >= period_s:
                count, last, counted_at = (count + 1 if is_well is last else 1), is_well, began
                if count >= wanted[is_well] and not (self._is_over.is_set() or ended.is_set()):
                    self._report(is_well, why)
                    count = 0 if not is_well else count
            pause_s = period_s if is_well else min(period_s, IMPATIENCE_S)
            self._is_over.wait(max(0.05, pause_s - (time.monotonic() - began)))
