"""Values that have a new path: the schema says where, and what was recorded is carried over. Layer: values, pure.

``{"deprecated": true, "x-moved-to": "web.replicas"}`` at the old path is enough: a release that recorded the old value
continues with it under the new one. Paths are the bundle's own; a component's schema says its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.model.json import Body, is_mapping, pointer_tokens
from bundler.model.lean import replace
from bundler.model.values import LayerKind, ValuesLayer
from bundler.values.paths import get_value, leading_keys, parse_path, pointer_as_path, set_value, unset_value
from bundler.values.schema_view import SchemaView, bundle_view
from bundler.values.validate import deprecated_places

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle

_SEARCH_DEPTH = 6


def carry_over(layers: Sequence[ValuesLayer], bundle: Bundle) -> tuple[list[ValuesLayer], tuple[str, ...]]:
    """Return the layers with what was recorded at its new paths, and a line for each value that moved."""
    notices: list[str] = []
    carried = [
        replace(layer, data=_carried(layer.data, bundle, "", notices))
        if layer.origin.kind is LayerKind.RECORDED
        else layer
        for layer in layers
    ]
    return carried, tuple(notices)


def _carried(data: Body, bundle: Bundle, prefix: str, notices: list[str]) -> Body:
    for pointer, place in list(deprecated_places(data, bundle_view(bundle).own)):
        old, new = pointer_tokens(pointer), leading_keys(parse_path(place.moved_to)) if place.moved_to else []
        value = get_value(data, old)
        if new and value is not None and get_value(data, new) is None:
            data = set_value(unset_value(data, old), new, value)
            notices.append(f"{prefix}{pointer_as_path(pointer, data)} is now {prefix}{place.moved_to}: carried over")
    for name, inner in bundle.component_bundles.items():
        if is_mapping(below := data.get(name)):
            data = {**data, name: _carried(below, inner, f"{prefix}{name}.", notices)}
    return data


def new_path(name: str, view: SchemaView) -> str:
    """Return the one path that the schema has for the last key of a path that it no longer has; empty otherwise."""
    found = list(_paths_of(name, view, ()))
    return found[0] if len(found) == 1 else ""


def _paths_of(name: str, view: SchemaView, way: tuple[str, ...]) -> list[str]:
    if len(way) > _SEARCH_DEPTH:
        return []
    own = [".".join((*way, name))] if way and name in view.property_names else []
    return own + [path for key in view.property_names for path in _paths_of(name, view.child(key), (*way, key))]
