"""Orders on the embedded cluster, for tests of who wins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bundler.controller.definitions import definition
from bundler.model.cluster import Payload
from bundler.model.orders import GROUP, RELEASE, order_ref
from bundler.model.refs import ref_of
from bundler.syntax.reader import read_first

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.ports import Clock, ClusterClient

SOURCE: Final = "oci://registry.test/bundles/webapp"


def serve_orders(cluster: ClusterClient, clock: Clock) -> None:
    """Make a cluster serve orders, as `bundler controller definitions | kubectl apply` does."""
    body: Any = read_first(definition("release"))
    write(cluster, body)
    cluster.forget_discovery()
    while cluster.resource_type(GROUP, RELEASE) is None:
        clock.sleep(0.1)
        cluster.forget_discovery()


def write(cluster: ClusterClient, body: Body) -> Body:
    content = json.dumps(body).encode()
    payload = Payload(ref=ref_of(body), api_version=str(body["apiVersion"]), content=content, manager="kubectl")
    return cluster.apply(payload, is_forced=True).body


def order(cluster: ClusterClient, name: str = "shop", *, namespace: str = "default", **spec: Any) -> Body:
    """Write an order, or change it."""
    given = {"bundle": {"source": SOURCE, "version": "1.0.0"}, "serviceAccountName": "shop", **spec}
    meta = {"name": name, "namespace": namespace}
    return write(cluster, {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": meta, "spec": given})


def read(cluster: ClusterClient, name: str = "shop", namespace: str = "default") -> Body:
    found = cluster.get(order_ref(namespace, name))
    assert found is not None
    return found


def write_status(cluster: ClusterClient, body: Body) -> None:
    """Write the status of an order, as the controller does."""
    content = json.dumps(body).encode()
    cluster.replace(
        Payload(ref=ref_of(body), api_version=str(body["apiVersion"]), content=content, subresource="status")
    )
