"""The node's network: a namespace with a bridge in it, and a cable from there to every pod.

A pod speaks to everyone, also to its neighbours, through the node's namespace: this is where Services are translated.
"""

from __future__ import annotations

import contextlib
import itertools
import threading

from tests.lib.kubelet.programs import ProgramError, ip, ip_batch, run

NODE = "node"
"""The name of the node's network namespace."""
GATEWAY = "10.244.0.1"
PODS = "10.244.0.0/16"
SWITCHES = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/send_redirects": 0,
    "ipv4/conf/pods/send_redirects": 0,
    # Where the bridge translated a Service, a pod could not reach itself through it.
    "bridge/bridge-nf-call-iptables": 0,
}


class Network:
    """Gives pods their addresses. Everything is in the kubelet's own mount namespace and ends with it."""

    def __init__(self) -> None:
        self._numbers = itertools.count(2)
        self._lock = threading.Lock()

    def build(self) -> None:
        """Make the node's namespace and its bridge."""
        run("mkdir", "-p", "/run/netns")
        run("mount", "-t", "tmpfs", "netns", "/run/netns")
        ip("netns", "add", NODE)
        ip_batch(
            [
                "link set lo up",
                # A bridge without an address of its own takes the lowest of its cables: when that pod ends, every other one
                # knows the gateway by an address that is gone, and waits for seconds until it asks again.
                "link add pods address 02:00:00:00:00:01 type bridge",
                f"address add {GATEWAY}/16 dev pods",
                "link set pods up",
                # Traffic to Services arrives here and is translated; without a route it would be refused before that.
                "route add 10.96.0.0/16 dev pods",
            ],
            namespace=NODE,
        )
        for switch, value in SWITCHES.items():
            run(
                *in_network(NODE),
                "sh",
                "-c",
                f"[ ! -e /proc/sys/net/{switch} ] || echo {value} > /proc/sys/net/{switch}",
            )

    def connect(self, namespace: str) -> str:
        """Make a pod's network namespace and return its address."""
        with self._lock:
            number = next(self._numbers)
        address = f"10.244.{number // 250}.{number % 250 + 2}"
        cable = f"pod{number}"
        ip("netns", "add", namespace)
        ip("-n", NODE, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip_batch([f"link set {cable} master pods up"], namespace=NODE)
        ip_batch(
            [
                "link set lo up",
                f"address add {address}/32 dev eth0",
                "link set eth0 up",
                f"route add {GATEWAY} dev eth0 scope link",
                f"route add default via {GATEWAY}",
            ],
            namespace=namespace,
        )
        return address

    def disconnect(self, namespace: str) -> None:
        """Remove a pod's network namespace, and its cable with it."""
        with contextlib.suppress(ProgramError):
            ip("netns", "delete", namespace)


def in_network(namespace: str) -> list[str]:
    """Return the words that run a command line in a network namespace."""
    return ["nsenter", f"--net=/run/netns/{namespace}"]
