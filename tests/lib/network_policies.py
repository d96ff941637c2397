"""What NetworkPolicies let through, as a network plugin would decide it.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/ (ingress; podSelector and ports).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bundler.fields.kinds import pod_spec_path
from bundler.fields.selectors import labels_match, selector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bundler.model.manifest import Manifest


@dataclass(frozen=True)
class Pod:
    """A pod of a workload: its labels, and its ports by name."""

    workload: str
    labels: Mapping[str, str]
    ports: Mapping[str, int]


def pods_of(manifests: Iterable[Manifest]) -> dict[str, Pod]:
    """Return one pod for each workload, by its kind and name."""
    found = {}
    for manifest in manifests:
        path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
        if path is None or manifest.ref.kind == "Pod":
            continue
        template: Any = manifest.body
        for step in path[:-1]:
            template = template[step]
        containers = template["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for one in containers for port in one.get("ports", [])}
        found[manifest.ref.short] = Pod(manifest.ref.short, template.get("metadata", {}).get("labels", {}), ports)
    return found


def admits(policies: Iterable[Mapping[str, Any]], source: Pod, target: Pod, port: int) -> bool:
    """Return whether a pod may open a connection to a port of another one in the same namespace."""
    selecting = [one for one in policies if _is_selected(one["spec"].get("podSelector", {}), target)]
    isolating = [one for one in selecting if "Ingress" in one["spec"].get("policyTypes", ["Ingress"])]
    return not isolating or any(_lets_in(rule, source, target, port) for rule in _rules(isolating))


def _rules(policies: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for policy in policies:
        yield from policy["spec"].get("ingress") or []


def _lets_in(rule: Mapping[str, Any], source: Pod, target: Pod, port: int) -> bool:
    peers, ports = rule.get("from"), rule.get("ports")
    is_peer = not peers or any("podSelector" in one and _is_selected(one["podSelector"], source) for one in peers)
    numbers = [target.ports.get(str(one["port"]), one["port"]) for one in ports or [] if "port" in one]
    return is_peer and (not ports or port in numbers or len(numbers) < len(ports))


def _is_selected(selector: Mapping[str, Any], pod: Pod) -> bool:
    return labels_match(selector_of(selector), {"metadata": {"labels": dict(pod.labels)}})
