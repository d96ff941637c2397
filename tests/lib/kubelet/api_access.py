"""The way from pods to the API server: the Service `kubernetes`, which leads to a relay in the node's network.

The server listens on this machine's loopback, where no pod gets to; the relay passes bytes, so TLS, tokens and rights are
the server's own.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.lib.kubelet.network import GATEWAY, NODE
from tests.lib.kubelet.programs import inside
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lib.raw_api import RawApi

SERVICE = "kubernetes"
VARIABLES = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
"""In every container. The API server gives its own Service the first address."""
PORT = 6443
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
PIECE_BYTES = 1 << 16


def endpoint_slice() -> dict[str, Any]:
    """Return what the API server would write itself if its address could be reached."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": SERVICE, "labels": {"kubernetes.io/service-name": SERVICE}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [GATEWAY], "conditions": {"ready": True}}],
    }


def token_request(pod: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what asks for the token of a projected volume: it is worth nothing once its pod is gone."""
    meta = pod["metadata"]
    owner = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
    spec = {"boundObjectRef": owner, "expirationSeconds": source.get("expirationSeconds", 3600)}
    if "audience" in source:
        spec["audiences"] = [source["audience"]]
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def relay(api: RawApi, server: str) -> None:
    """Lead the Service to the server, for ever."""
    listener = inside(NODE, lambda: socket.create_server((GATEWAY, PORT), backlog=128))
    try:
        api.call("POST", SLICES, endpoint_slice())
    except ApiError as error:
        if error.status != 409:
            raise
    address = urlsplit(server)
    while True:
        pod, _ = listener.accept()
        try:
            there = socket.create_connection((address.hostname, address.port))
        except OSError:
            pod.close()
            continue
        for source, target in ((pod, there), (there, pod)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
