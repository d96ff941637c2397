"""The version that earlier releases of bundler wrote on every object, as if it did not exist. Layer: planning, pure.

What does not change in the template does not change in the cluster: such a stamp is no reason to write an object, and
goes with the next write that has one.
"""

from __future__ import annotations

from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, JSONValue, items_at, mapping_at
from bundler.model.labels import BUNDLE_VERSION
from bundler.model.lean import replace
from bundler.model.manifest import Manifest

_ANNOTATIONS = "f:annotations"
_STEP = f"f:{BUNDLE_VERSION}"


def without_version_stamp(body: Body) -> Body:
    """Return a body, live or recorded, without the stamp and without what managedFields say of it."""
    metadata = mapping_at(body, "metadata")
    if BUNDLE_VERSION not in mapping_at(metadata, "annotations"):
        return body
    kept = _without(metadata, "annotations", BUNDLE_VERSION)
    if "managedFields" in kept:
        kept["managedFields"] = [_disowned(entry) for entry in items_at(metadata, "managedFields")]
    return {**body, "metadata": kept}


def unstamped(manifest: Manifest) -> Manifest:
    """Return a recorded manifest without the stamp."""
    body = without_version_stamp(manifest.body)
    return manifest if body is manifest.body else replace(manifest, body=body)


def _disowned(entry: Body) -> Body:
    metadata = mapping_at(entry, "fieldsV1", "f:metadata")
    if entry.get("manager") != FIELD_MANAGER or _STEP not in mapping_at(metadata, _ANNOTATIONS):
        return entry
    fields = {**mapping_at(entry, "fieldsV1"), "f:metadata": _without(metadata, _ANNOTATIONS, _STEP)}
    return {**entry, "fieldsV1": fields}


def _without(parent: Body, name: str, key: str) -> dict[str, JSONValue]:
    """Return a mapping whose member ``name`` lost a key; without the member where nothing else is in it."""
    rest = {other: value for other, value in mapping_at(parent, name).items() if other != key}
    kept = {other: value for other, value in parent.items() if other != name}
    return {**kept, name: rest} if rest.keys() - {"."} else kept
