"""Support bundles, and what they say of a cluster, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from bundler.model.json import int_at, items_at, mapping_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.json import Body
    from bundler.model.support import SupportArchive, SupportPart


class PartForm(TypedDict):
    """One part of a support bundle."""

    name: str
    files: list[str]
    """Where it is in the archive."""
    error: str
    """Why it, or some of it, could not be read; empty where it was."""
    note: str
    """What was left out of it, and why."""


class SupportForm(TypedDict):
    """A support bundle that was written."""

    file: str
    bytes: int
    sha256: str
    parts: list[PartForm]


def support_form(written: SupportArchive) -> SupportForm:
    """Return what was written, and what could not be read."""
    return {
        "file": str(written.path),
        "bytes": written.size_bytes,
        "sha256": written.sha256,
        "parts": part_forms(written.parts),
    }


def part_forms(parts: Iterable[SupportPart]) -> list[PartForm]:
    """Return the parts of a support bundle."""
    return [{"name": one.name, "files": [*one.files], "error": one.error, "note": one.note} for one in parts]


def node_forms(nodes: Iterable[Body]) -> list[dict[str, object]]:
    """Return what matters of nodes: no address, no label, nothing of what runs on them."""
    return [_node(node) for node in nodes]


def _node(node: Body) -> dict[str, object]:
    info = mapping_at(node, "status", "nodeInfo")
    names = ("kubeletVersion", "containerRuntimeVersion", "operatingSystem", "architecture", "osImage", "kernelVersion")
    return {
        "name": text_at(node, "metadata", "name"),
        "conditions": _conditions(node),
        "unschedulable": mapping_at(node, "spec").get("unschedulable") is True,
        "taints": [{key: text_at(one, key) for key in ("key", "effect")} for one in items_at(node, "spec", "taints")],
        "allocatable": mapping_at(node, "status", "allocatable"),
        **{name: text_at(info, name) for name in names},
    }


def pod_forms(pods: Iterable[Body]) -> list[dict[str, object]]:
    """Return how pods are: their states and restarts; nothing of their spec but names and images."""
    return [
        {
            "namespace": text_at(pod, "metadata", "namespace"),
            "name": text_at(pod, "metadata", "name"),
            "created": text_at(pod, "metadata", "creationTimestamp"),
            "deleted": text_at(pod, "metadata", "deletionTimestamp"),
            "node": text_at(pod, "spec", "nodeName"),
            "phase": text_at(pod, "status", "phase"),
            "reason": text_at(pod, "status", "reason"),
            "message": text_at(pod, "status", "message"),
            "conditions": _conditions(pod),
            "containers": [
                _container(item)
                for group in ("initContainerStatuses", "containerStatuses")
                for item in items_at(pod, "status", group)
            ],
        }
        for pod in pods
    ]


def _container(status: Body) -> dict[str, object]:
    return {
        "name": text_at(status, "name"),
        "image": text_at(status, "image"),
        "imageID": text_at(status, "imageID"),
        "ready": status.get("ready") is True,
        "restarts": int_at(status, "restartCount"),
        "state": mapping_at(status, "state"),
        "lastState": mapping_at(status, "lastState"),
    }


def _conditions(body: Body) -> list[dict[str, str]]:
    names = ("type", "status", "reason", "message", "lastTransitionTime")
    return [{name: text_at(one, name) for name in names} for one in items_at(body, "status", "conditions")]


def event_forms(events: Iterable[Body]) -> list[dict[str, object]]:
    """Return what events say, and about which object."""
    return [
        {
            "type": text_at(event, "type"),
            "reason": text_at(event, "reason"),
            "object": "/".join(text_at(event, "involvedObject", key) for key in ("kind", "namespace", "name")),
            "message": text_at(event, "message"),
            "count": int_at(event, "count", default=1),
            "first": text_at(event, "firstTimestamp") or text_at(event, "eventTime"),
            "last": text_at(event, "lastTimestamp") or text_at(event, "eventTime"),
        }
        for event in events
    ]
