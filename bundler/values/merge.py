"""Merge layers of values and remember who set each leaf. Layer: values, pure.

Mappings merge deeply, everything else replaces, null deletes. While layers are merged a null stays where it is, as a
tombstone: merging with an empty mapping or with itself then changes nothing, and a later mapping over it starts
afresh. :func:`without_nulls` takes the tombstones out at the end.

Merging is not associative (null, and a mapping over something else, forget what lay below), so layers are always
folded from the left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping
from bundler.model.lean import dataclass
from bundler.model.values import LayerKind, Origin, Pointer, ValuesLayer
from bundler.values.paths import parent_pointer, starts_below

_Owners: TypeAlias = "dict[str, _Owners | ValuesLayer]"


@dataclass(frozen=True, slots=True)
class Fold:
    """Layers folded into one mapping, tombstones included."""

    data: dict[str, JSONValue]
    origins: Mapping[Pointer, Origin]
    """Of each leaf and tombstone, and of each part of a list."""


def make_layer(data: Body, kind: LayerKind, source: str, lines: Mapping[Pointer, int] | None = None) -> ValuesLayer:
    """Make a layer from a document; ``lines`` holds the line of each pointer, from 1.

    Args:
        data: of the document.
        kind: of the layer.
        source: file or option it comes from.
        lines: line of each pointer, from 1; None where unknown.
    """
    origins = {pointer: Origin(kind, source, line) for pointer, line in (lines or {}).items()}
    return ValuesLayer(data=data, origin=Origin(kind, source), leaf_origins=origins)


def merge_values(lower: Body, upper: Body) -> dict[str, JSONValue]:
    """Return ``upper`` over ``lower``; both stay as they are, nulls stay as tombstones."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = merge_values(below, value) if is_mapping(value) and is_mapping(below) else value
    return merged


def merge_all(layers: Iterable[ValuesLayer]) -> dict[str, JSONValue]:
    """Fold the data of ``layers`` from the left; nulls stay as tombstones."""
    merged: dict[str, JSONValue] = {}
    for layer in layers:
        _merge_into(merged, layer.data)
    return merged


def fold_layers(layers: Iterable[ValuesLayer]) -> Fold:
    """Fold ``layers`` from the left, with the origin of every leaf."""
    data: dict[str, JSONValue] = {}
    owners: _Owners = {}
    for layer in layers:
        _lay_over(data, owners, layer.data, layer)
    origins: dict[Pointer, Origin] = {}
    _collect_origins(data, owners, "", origins)
    return Fold(data=data, origins=origins)


def without_nulls(data: Body) -> dict[str, JSONValue]:
    """Return ``data`` without nulls, in lists too: what templates see."""
    return {key: _cleaned(value) for key, value in data.items() if value is not None}


def layer_below(layer: ValuesLayer, key: str) -> ValuesLayer | None:
    """Return what ``layer`` says below its top-level ``key``; None where it says nothing there that is a mapping."""
    below = layer.data.get(key)
    if not is_mapping(below):
        return None
    prefix = f"/{escape_token(key)}"
    cut = len(prefix)
    origins = {pointer[cut:]: origin for pointer, origin in layer.leaf_origins.items() if starts_below(pointer, prefix)}
    return ValuesLayer(data=below, origin=origins.get("", layer.origin), leaf_origins=origins)


def origin_in(layer: ValuesLayer, pointer: Pointer) -> Origin:
    """Return who set what is at ``pointer`` in ``layer``: the nearest place whose origin is known."""
    return nearest_origin(pointer, layer.leaf_origins) or layer.origin


def nearest_origin(pointer: Pointer, origins: Mapping[Pointer, Origin]) -> Origin | None:
    """Return who set what is at ``pointer``: the nearest place around it that ``origins`` knows."""
    here = pointer
    while here:
        if (origin := origins.get(here)) is not None:
            return origin
        here = parent_pointer(here)
    return None


def _merge_into(merged: dict[str, JSONValue], upper: Body) -> None:
    """Do as :func:`merge_values` in mappings made for this, so that a thousand layers cost what is in them."""
    for key, value in upper.items():
        if not is_mapping(value):
            merged[key] = value
            continue
        below = merged.get(key)
        if not isinstance(below, dict):
            below = merged[key] = {}
        _merge_into(below, value)


def _lay_over(data: dict[str, JSONValue], owners: _Owners, upper: Body, layer: ValuesLayer) -> None:
    for key, value in upper.items():
        if not is_mapping(value):
            data[key], owners[key] = value, layer
            continue
        below, below_owners = data.get(key), owners.get(key)
        if not isinstance(below, dict) or not isinstance(below_owners, dict):
            below, below_owners = {}, {}
        if not value and not below:
            data[key], owners[key] = {}, layer
            continue
        _lay_over(below, below_owners, value, layer)
        data[key], owners[key] = below, below_owners


def _collect_origins(data: Body, owners: _Owners, pointer: Pointer, origins: dict[Pointer, Origin]) -> None:
    for key, owner in owners.items():
        here = f"{pointer}/{escape_token(key)}"
        value = data[key]
        if isinstance(owner, dict) and is_mapping(value):
            _collect_origins(value, owner, here, origins)
        elif isinstance(owner, ValuesLayer):
            _collect_leaf(value, owner, here, origins)


def _collect_leaf(value: JSONValue, layer: ValuesLayer, pointer: Pointer, origins: dict[Pointer, Origin]) -> None:
    origins[pointer] = origin_in(layer, pointer)
    if is_list(value):
        for index, item in enumerate(value):
            _collect_leaf(item, layer, f"{pointer}/{index}", origins)
    elif is_mapping(value):
        for key, item in value.items():
            _collect_leaf(item, layer, f"{pointer}/{escape_token(key)}", origins)


def _cleaned(value: JSONValue) -> JSONValue:
    if is_mapping(value):
        return without_nulls(value)
    if is_list(value):
        return [_cleaned(item) for item in value if item is not None]
    return value
