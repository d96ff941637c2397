"""Services: the addresses that the API server gives them, balanced over the endpoints that are ready.

Source: the rules of kube-proxy in mode iptables, Kubernetes `pkg/proxy/iptables/proxier.go`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.lib.kubelet.network import NODE, PODS, in_network
from tests.lib.kubelet.programs import run

Body = Mapping[str, Any]

SETTLE_S = 0.02
"""Several endpoints that change at once are one change of the rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port of a Service, and where it leads."""

    address: str
    port: int
    protocol: str
    node_port: int
    backends: tuple[str, ...]
    """ADDRESS:PORT of each ready endpoint."""


class Directory:
    """The Services and EndpointSlices of the cluster as they were last seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._services: dict[tuple[str, str], Body] = {}
        self._slices: dict[tuple[str, str], Body] = {}
        self.changed = threading.Event()

    def on_service(self, event: str, body: Body) -> None:
        """Take in an event of a watch on Services."""
        self._take(self._services, event, body)

    def on_slice(self, event: str, body: Body) -> None:
        """Take in an event of a watch on EndpointSlices."""
        self._take(self._slices, event, body)

    def service(self, namespace: str, name: str) -> Body | None:
        """Return a Service."""
        with self._lock:
            return self._services.get((namespace, name))

    def services(self) -> list[Body]:
        """Return every Service."""
        with self._lock:
            return list(self._services.values())

    def endpoints(self, namespace: str, name: str) -> list[tuple[Body, Body]]:
        """Return each endpoint of a Service with the slice it stands in."""
        with self._lock:
            slices = [
                one
                for (place, _), one in self._slices.items()
                if place == namespace and one["metadata"].get("labels", {}).get("kubernetes.io/service-name") == name
            ]
        return [(endpoint, one) for one in slices for endpoint in one.get("endpoints") or ()]

    def _take(self, known: dict[tuple[str, str], Body], event: str, body: Body) -> None:
        key = (body["metadata"]["namespace"], body["metadata"]["name"])
        with self._lock:
            if event == "DELETED":
                known.pop(key, None)
            else:
                known[key] = body
        self.changed.set()


def ports_of(directory: Directory) -> Iterator[Port]:
    """Yield every port of every Service that has an address."""
    for service in directory.services():
        spec, meta = service["spec"], service["metadata"]
        address = spec.get("clusterIP", "None")
        if address in {"None", ""}:
            continue
        endpoints = usable(directory.endpoints(meta["namespace"], meta["name"]))
        for port in spec.get("ports", ()):
            backends = {
                f"{one}:{target['port']}"
                for endpoint, piece in endpoints
                for target in piece.get("ports") or ()
                if (target.get("name") or "") == (port.get("name") or "") and target.get("port")
                for one in endpoint["addresses"]
            }
            yield Port(
                address=address,
                port=port["port"],
                protocol=port.get("protocol", "TCP").lower(),
                node_port=port.get("nodePort", 0),
                backends=tuple(sorted(backends)),
            )


def usable(endpoints: Sequence[tuple[Body, Body]]) -> list[tuple[Body, Body]]:
    """Return the endpoints that get traffic: the ready ones; where there are none, those that serve while they end."""

    def those(condition: str) -> list[tuple[Body, Body]]:
        return [pair for pair in endpoints if pair[0].get("conditions", {}).get(condition, True)]

    return those("ready") or [pair for pair in those("serving") if pair[0].get("conditions", {}).get("terminating")]


def rules_of(ports: Sequence[Port]) -> str:
    """Return what iptables-restore reads."""
    nat: list[str] = []
    chains: list[str] = []
    refused: list[str] = []
    backends: set[str] = set()
    for number, port in enumerate(ports):
        to_service = f"-d {port.address}/32 -p {port.protocol} --dport {port.port}"
        if not port.backends:
            refused += [f"-A {chain} {to_service} -j REJECT" for chain in ("FORWARD", "OUTPUT")]
            continue
        chain = f"SVC-{number}"
        chains.append(f":{chain} - [0:0]")
        ways = [to_service]
        if port.node_port:
            ways.append(f"-m addrtype --dst-type LOCAL -p {port.protocol} --dport {port.node_port}")
        nat += [f"-A {start} {way} -j {chain}" for way in ways for start in ("PREROUTING", "OUTPUT")]
        for left, backend in zip(range(len(port.backends), 0, -1), port.backends, strict=True):
            chance = f"-m statistic --mode random --probability {1 / left:.6f}" if left > 1 else ""
            nat.append(f"-A {chain} -p {port.protocol} {chance} -j DNAT --to-destination {backend}")
        backends |= {backend.partition(":")[0] for backend in port.backends}
    # A pod that reaches itself through a Service would answer itself directly.
    nat += [f"-A POSTROUTING -s {one}/32 -d {one}/32 -j MASQUERADE" for one in sorted(backends)]
    nat.append(f"-A POSTROUTING ! -s {PODS} -d {PODS} -j MASQUERADE")
    return "\n".join(["*nat", *chains, *nat, "COMMIT", "*filter", *refused, "COMMIT", ""])


def keep_rules(directory: Directory) -> None:
    """Write the rules again for ever, whenever a Service or its endpoints changed."""
    written = ""
    while True:
        directory.changed.wait()
        time.sleep(SETTLE_S)
        directory.changed.clear()
        rules = rules_of(list(ports_of(directory)))
        if rules != written:
            run(*in_network(NODE), "iptables-restore", stdin=rules)
            written = rules
