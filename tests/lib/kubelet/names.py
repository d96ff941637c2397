"""The cluster's DNS, as far as pods ask for it: addresses of Services, of endpoints, and of pods with a host name.

Source: the specification "Kubernetes DNS-Based Service Discovery" 1.1.0.
"""

from __future__ import annotations

import socket
import struct
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lib.kubelet.network import GATEWAY, NODE
from tests.lib.kubelet.programs import enter_network

if TYPE_CHECKING:
    from tests.lib.kubelet.services import Directory

ZONE = ("svc", "cluster", "local")
TYPE_A = 1
NO_ERROR, NO_SUCH_NAME = 0, 3
ANSWERED = 0x8580
"""An answer, authoritative, recursion wanted and had."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a packet asks for."""

    name: tuple[str, ...]
    kind: int
    raw: bytes

    @classmethod
    def parse(cls, packet: bytes) -> Question:
        """Read the first question of a packet."""
        labels, at = [], 12
        while size := packet[at]:
            labels.append(packet[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
            at += 1 + size
        (kind,) = struct.unpack("!H", packet[at + 1 : at + 3])
        return cls(tuple(labels), kind, packet[12 : at + 5])


def addresses_of(name: tuple[str, ...], directory: Directory) -> list[str] | None:
    """Return the addresses of a name; None where there is no such name."""
    if name[-3:] != ZONE or len(name) not in {5, 6}:
        return None
    *host, service_name, namespace = name[:-3]
    service = directory.service(namespace, service_name)
    if service is None:
        return None
    address = str(service["spec"].get("clusterIP", "None"))
    if address != "None" and not host:
        return [address]
    is_for_all = bool(service["spec"].get("publishNotReadyAddresses"))
    found = [
        one
        for endpoint, _ in directory.endpoints(namespace, service_name)
        if is_for_all or endpoint.get("conditions", {}).get("ready", True)
        if not host or endpoint.get("hostname") == host[0]
        for one in endpoint["addresses"]
    ]
    return sorted(set(found)) or (None if host else [])


def answer(packet: bytes, directory: Directory) -> bytes:
    """Return the answer to a packet."""
    question = Question.parse(packet)
    addresses = addresses_of(question.name, directory)
    wanted = addresses or [] if question.kind == TYPE_A else []
    code = NO_SUCH_NAME if addresses is None else NO_ERROR
    head = packet[:2] + struct.pack("!HHHHH", ANSWERED | code, 1, len(wanted), 0, 0)
    records = [struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 1, 4) + socket.inet_aton(one) for one in wanted]
    return head + question.raw + b"".join(records)


def serve_names(directory: Directory) -> None:
    """Answer for ever, in the node's network."""
    enter_network(NODE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((GATEWAY, 53))
        while True:
            packet, peer = sock.recvfrom(4096)
            try:
                sock.sendto(answer(packet, directory), peer)
            except (IndexError, struct.error, OSError):
                traceback.print_exc()


def resolv_conf(namespace: str) -> str:
    """Return a pod's /etc/resolv.conf."""
    search = " ".join((f"{namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local"))
    return f"search {search}\nnameserver {GATEWAY}\noptions ndots:5 timeout:5 attempts:3\n"


def hosts_file(pod_name: str, address: str, domain: str) -> str:
    """Return a pod's /etc/hosts; `domain` is HOST.SUBDOMAIN.NAMESPACE.svc.cluster.local, or empty."""
    own = " ".join(filter(None, (address, domain, pod_name)))
    return f"127.0.0.1 localhost\n{own}\n"
