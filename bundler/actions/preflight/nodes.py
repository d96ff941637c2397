"""Whether nodes can run and hold the images of a delivery. Layer: actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.actions.compose.site_overlay import needed_images
from bundler.actions.preflight.check_runner import list_all
from bundler.fields.quantity import Quantity
from bundler.model.check import Check, failed, passed, skipped, warned
from bundler.model.json import Body, items_at, text_at
from bundler.model.size import counted, shown_bytes

if TYPE_CHECKING:
    from bundler.model.image import LockedImage
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient

_MAX_NAMED = 4


def node_checks(
    carried: Sequence[LockedImage] | None, manifests: Sequence[Manifest], cluster: ClusterClient
) -> list[Check]:
    """Check platforms and disks of the nodes against the images of a delivery.

    Args:
        carried: images of the delivery; None without one.
        manifests: rendered.
        cluster: the API to ask.

    Raises:
        ForbiddenError: when nodes may not be listed.
    """
    if carried is None:
        return [skipped("platforms", "the bundle was not taken from a delivery")]
    nodes = list_all(cluster, "", "Node")
    needed = needed_images(manifests, carried) if manifests else carried
    return [_platforms(node_platforms(nodes), carried), *_disks(nodes, needed)]


def node_platforms(nodes: Sequence[Body]) -> tuple[str, ...]:
    """Return the platforms of nodes, sorted: ``linux/amd64``."""
    found = {
        "/".join(text_at(node, "status", "nodeInfo", key) for key in ("operatingSystem", "architecture"))
        for node in nodes
    }
    return tuple(sorted(found - {"/"}))


def _platforms(nodes: Sequence[str], carried: Sequence[LockedImage]) -> Check:
    if not nodes:
        return skipped("platforms", "no node reports its platform")
    lacking = sorted(
        f"{image.ref} has {', '.join(image.platforms) or 'no platform'}"
        for image in carried
        if image.platforms and not any(_runs_on(node, image.platforms) for node in nodes)
    )
    if lacking:
        found = f"nodes are {', '.join(nodes)}; {'; '.join(lacking[:_MAX_NAMED])}"
        return failed("platforms", found, f"export with --platform {nodes[0]}")
    partly = sorted(
        {node for node in nodes for image in carried if image.platforms and not _runs_on(node, image.platforms)}
    )
    if partly:
        found = f"not all images run on the nodes of {', '.join(partly)}"
        return warned("platforms", found, "set nodeSelector in the site file, or export these platforms too")
    return passed("platforms", f"images run on all nodes: {', '.join(nodes)}")


def _runs_on(node: str, platforms: Sequence[str]) -> bool:
    return any(one == node or one.startswith(f"{node}/") for one in platforms)


def _disks(nodes: Sequence[Body], needed: Sequence[LockedImage]) -> list[Check]:
    """Compare what nodes have for images with the images, packed as they travel; unpacked they are larger still."""
    total = sum(image.size for image in needed)
    known = {text_at(node, "metadata", "name"): _room(node) for node in nodes}
    room = {name: free for name, free in known.items() if free is not None}
    full = sorted(text_at(node, "metadata", "name") for node in nodes if _is_full(node))
    small = sorted(name for name, free in room.items() if free < total)
    if not full and not small:
        fit = f"the images, {shown_bytes(total)}, fit on {counted(len(room), 'node')}"
        return [passed("node disks", fit)] if room else []
    found = [f"{', '.join(full[:_MAX_NAMED])} say that their disk is full"] if full else []
    found += [f"{', '.join(small[:_MAX_NAMED])} have less than the {shown_bytes(total)} of the images"] if small else []
    return [warned("node disks", "; ".join(found), "make room on these nodes, or keep pods off them (nodeSelector)")]


def _room(node: Body) -> int | None:
    """Return the bytes that a node has for images, logs and scratch files; None where it does not say."""
    try:
        return int(Quantity.parse(text_at(node, "status", "allocatable", "ephemeral-storage")).amount)
    except ValueError:
        return None


def _is_full(node: Body) -> bool:
    conditions = items_at(node, "status", "conditions")
    return any(one.get("type") == "DiskPressure" and one.get("status") == "True" for one in conditions)
