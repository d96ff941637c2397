"""What opens a way in from outside, or leads traffic elsewhere. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, items_at, list_at, mapping_at, strings_at, text_at
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

_NETWORKING = {"networking.k8s.io", "extensions"}
_GATEWAYS = "gateway.networking.k8s.io"
_ROUTES = "route.openshift.io"
_SNIPPETS = ("-snippet", "-snippets")


def network_grants(manifest: Manifest, _own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield how an object is reached from outside, and where it leads."""
    match manifest.ref.group, manifest.ref.kind:
        case "", "Service":
            yield from _service_grants(mapping_at(manifest.body, "spec"))
        case ("", "Endpoints") | ("discovery.k8s.io", "EndpointSlice"):
            yield "endpoints", "leads to addresses written by hand"
        case group, kind if kind == "Ingress" and group in _NETWORKING:
            yield from _host_grants(_ingress_hosts(manifest.body))
        case str(group), _ if group == _GATEWAYS:
            yield from _host_grants(_gateway_hosts(manifest.body))
        case str(group), "Route" if group == _ROUTES:
            yield from _host_grants([text_at(manifest.body, "spec", "host")])
        case _:
            pass
    for key in mapping_at(manifest.body, "metadata", "annotations"):
        if key.endswith(_SNIPPETS):
            yield "ingress-snippets", f"configures the ingress controller by {key}"


def _service_grants(spec: Body) -> Iterator[tuple[str, str]]:
    match text_at(spec, "type"):
        case "NodePort":
            yield "node-port", "opens a port on every node"
        case "LoadBalancer":
            yield "load-balancer", "asks for a load balancer outside the cluster"
        case "ExternalName":
            yield "external-names", f"leads to {text_at(spec, 'externalName')}"
        case _:
            pass
    if addresses := list_at(spec, "externalIPs"):
        yield "external-ips", f"takes {', '.join(map(str, addresses))}"


def _host_grants(hosts: list[str]) -> Iterator[tuple[str, str]]:
    for host in hosts:
        yield "ingress-host", f"answers for {host or 'every host'}"


def _ingress_hosts(body: Body) -> list[str]:
    hosts = [text_at(rule, "host") for rule in items_at(body, "spec", "rules")]
    return [*hosts, ""] if mapping_at(body, "spec", "defaultBackend") or not hosts else hosts


def _gateway_hosts(body: Body) -> list[str]:
    routed = list(strings_at(body, "spec", "hostnames"))
    return [*routed, *(text_at(listener, "hostname") for listener in items_at(body, "spec", "listeners"))]
