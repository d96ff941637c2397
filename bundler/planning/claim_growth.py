"""StatefulSets whose volume claims grow: the claims are patched, and the set is made again around its pods.

A StatefulSet's ``volumeClaimTemplates`` cannot be changed, and new ones do not reach claims that are there.
Layer: planning, pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.fields.quantity import Quantity
from bundler.model.json import Body, JSONValue, items_at, mapping_at, text_at, value_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.change import GrownClaim

_SIZE = ("spec", "resources", "requests", "storage")


def is_stateful_set(ref: ObjectRef) -> bool:
    """Return whether an object is a StatefulSet."""
    return (ref.group, ref.kind) == ("apps", "StatefulSet")


def resized_templates(live: Body, wanted: Body) -> Mapping[str, tuple[str, str]]:
    """Return name, live size and wanted size of the claim templates that change, where nothing but sizes does.

    Args:
        live: the StatefulSet as it is.
        wanted: as it is rendered; what the server would fill in is missing there.
    """
    ours, theirs = _by_name(wanted), _by_name(live)
    if list(ours) != list(theirs) or not all(_is_within(ours[name], theirs[name]) for name in ours):
        return {}
    sizes = {name: (str(value_at(theirs[name], *_SIZE)), str(value_at(ours[name], *_SIZE))) for name in ours}
    return {name: (old, new) for name, (old, new) in sizes.items() if _compare(old, new) != 0}


def is_growth(sizes: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether every size becomes larger."""
    return bool(sizes) and all(_compare(old, new) < 0 for old, new in sizes.values())


def growth_reason(claims: Iterable[GrownClaim], sizes: Mapping[str, tuple[str, str]]) -> str:
    """Return in a line why a StatefulSet is recreated although only the sizes of its claims differ.

    Args:
        claims: those that are smaller than what is wanted.
        sizes: template -> live size and wanted size, where an earlier run let all claims grow.
    """
    grown = ", ".join(f"{claim.ref.name} {claim.before} -> {claim.after}" for claim in claims)
    later = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in sorted(sizes.items()))
    return f"claims grow: {grown or later}; its pods stay, and the new one takes them up"


def with_live_templates(manifest: Manifest, live: Body) -> Manifest:
    """Return the StatefulSet with the claim templates that it has."""
    spec = {**mapping_at(manifest.body, "spec"), "volumeClaimTemplates": items_at(live, "spec", "volumeClaimTemplates")}
    return replace(manifest, body={**manifest.body, "spec": spec})


def claims_of(stateful_set: ObjectRef, template: str, claims: Iterable[Body]) -> Iterator[Body]:
    """Yield those claims that were made from a template of a StatefulSet: one for each pod that there ever was.

    Args:
        stateful_set: owner of the claims.
        template: name of the claim template.
        claims: live ones of the namespace.
    """
    pattern = re.compile(rf"{re.escape(template)}-{re.escape(stateful_set.name)}-\d+")
    yield from (claim for claim in claims if pattern.fullmatch(text_at(claim, "metadata", "name")))


def needs_growth(claim: Body, size: str) -> bool:
    """Return whether a claim asks for less than a size."""
    return _compare(claim_size(claim), size) < 0


def claim_size(claim: Body) -> str:
    """Return how much a claim, or a template of one, asks for."""
    return str(value_at(claim, *_SIZE) or "")


def grown_body(claim: Body, size: str) -> Body:
    """Return what is applied to a claim that is to grow: its identity and the new size."""
    metadata = {key: text_at(claim, "metadata", key) for key in ("name", "namespace", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {"resources": {"requests": {"storage": size}}},
    }


def _by_name(stateful_set: Body) -> dict[str, Body]:
    templates = items_at(stateful_set, "spec", "volumeClaimTemplates")
    return {text_at(one, "metadata", "name"): one for one in templates}


def _is_within(wanted: JSONValue, live: JSONValue, path: tuple[str, ...] = ()) -> bool:
    """Return whether a template holds what is live, but for its size; a live one also holds defaults.

    Args:
        wanted: the template, or a part of it.
        live: the same part of the live one.
        path: of the part.
    """
    if path == _SIZE:
        return True
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_is_within(value, live.get(key), (*path, key)) for key, value in wanted.items())
    return wanted == live or (not wanted and not live)


def _compare(old: str, new: str) -> int:
    """Return -1 where ``new`` is larger, 1 where it is smaller, 0 where they are equal or no quantities."""
    try:
        before, after = Quantity.parse(old), Quantity.parse(new)
    except ValueError:
        return 0
    return -1 if before < after else 1 if after < before else 0
