"""The layers of one bundle's values, and what of them reaches a component. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, escape_token, is_mapping, mapping_at
from bundler.model.lean import replace
from bundler.model.values import LayerKind, Origin, ValuesLayer
from bundler.values.defaults import schema_defaults
from bundler.values.merge import layer_below, merge_all, merge_values, origin_in
from bundler.values.paths import leading_keys, parse_path, set_value
from bundler.values.schema_view import SCHEMA_FILE, SchemaView

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.syntax.written_path import Step

_SWITCH = "enabled"


def own_view(bundle: Bundle, view: SchemaView) -> SchemaView:
    """Return what the bundle's own schema says, without its components' and its parent's."""
    return view.own if bundle.schema is not None else SchemaView()


def own_layers(bundle: Bundle, view: SchemaView, component: str = "") -> list[ValuesLayer]:
    """Return the layers that the bundle brings itself: schema defaults and values.yaml.

    Args:
        bundle: loaded, with its components.
        view: the schema as seen by this bundle.
        component: dotted path of the component; empty for the bundle itself.
    """
    defaults = schema_defaults(own_view(bundle, view))
    if not defaults:
        return [bundle.defaults]
    file = f"{component}/{SCHEMA_FILE}" if component else SCHEMA_FILE
    return [ValuesLayer(data=defaults, origin=Origin(LayerKind.SCHEMA, file), leaf_origins={}), bundle.defaults]


def layers_for_component(
    name: str, bundle: Bundle, view: SchemaView, above: Iterable[ValuesLayer]
) -> list[ValuesLayer]:
    """Return what the layers ``above`` of a parent say to its component.

    A layer that deletes the name as a whole (``db: null``) deletes each key that the parent's earlier layers set below
    it; what else the component has by itself stays.

    A top-level ``enabled`` that the component neither declares in its schema nor has in its values.yaml is the
    parent's own switch (``when: values.cache.enabled``) and stays with the parent.

    Args:
        name: of the component in its parent.
        bundle: the component's bundle.
        view: how the component sees its values.
        above: all layers of the parent, earliest first.
    """
    below: list[ValuesLayer] = []
    for layer in above:
        if name not in layer.data:
            continue
        if (inner := layer_below(layer, name)) is None:
            below = _deleting(below, origin_in(layer, f"/{escape_token(name)}"))
        else:
            below.append(_as_seen_below(inner))
    if _SWITCH in bundle.defaults.data or _SWITCH in own_view(bundle, view).property_names:
        return below
    return [_without_switch(layer) for layer in below]


def owning_layers(
    bundle: Bundle, view: SchemaView, outside: Sequence[ValuesLayer], path: Sequence[Step]
) -> tuple[list[ValuesLayer], int]:
    """Return the layers in which ``path`` ends, a component's or the bundle's, and how many steps lead to them.

    Args:
        bundle: loaded, with its components.
        view: the schema as seen by this bundle.
        outside: layers of the parent and the user.
        path: steps into the values.
    """
    layers = [*own_layers(bundle, view), *outside]
    for depth, step in enumerate(path):
        inner = bundle.component_bundles.get(step) if isinstance(step, str) else None
        if inner is None:
            return layers, depth
        view = view.child(str(step))
        layers = [*own_layers(inner, view), *layers_for_component(str(step), inner, view, layers)]
        bundle = inner
    return layers, len(path)


def outlook(bundle: Bundle, view: SchemaView, outside: Sequence[ValuesLayer]) -> dict[str, JSONValue]:
    """Return all values of the bundle and its components in one mapping; what is derived is there, not yet computed.

    Nulls stay as tombstones; components that ``when`` would switch off are in it.

    Args:
        bundle: loaded, with its components.
        view: the schema as seen by this bundle.
        outside: layers of the parent and the user.
    """
    layers = [*own_layers(bundle, view), _derived_places(bundle), *outside]
    data = merge_all(layers)
    for name, inner in bundle.component_bundles.items():
        below = view.child(name)
        inside = outlook(inner, below, layers_for_component(name, inner, below, layers))
        data[name] = merge_values(inside, mapping_at(data, name))
    return data


def _derived_places(bundle: Bundle) -> ValuesLayer:
    """Return a layer with something at each derived path, so that a deletion of it is seen to matter."""
    data: dict[str, JSONValue] = {}
    for rule in bundle.derive:
        data = set_value(data, leading_keys(parse_path(rule.path)), value=True)
    return ValuesLayer(data=data, origin=Origin(LayerKind.DERIVED, "bundle.yaml"), leaf_origins={})


def _deleting(layers: Iterable[ValuesLayer], origin: Origin) -> list[ValuesLayer]:
    keys = {key: None for layer in layers for key in layer.data}
    return [ValuesLayer(data=keys, origin=origin, leaf_origins={})] if keys else []


def _as_seen_below(layer: ValuesLayer) -> ValuesLayer:
    if layer.origin.kind not in (LayerKind.SCHEMA, LayerKind.DEFAULTS):
        return layer
    return replace(
        layer,
        origin=replace(layer.origin, kind=LayerKind.PARENT),
        leaf_origins={
            pointer: replace(origin, kind=LayerKind.PARENT) for pointer, origin in layer.leaf_origins.items()
        },
    )


def _without_switch(layer: ValuesLayer) -> ValuesLayer:
    if _SWITCH not in layer.data or is_mapping(layer.data[_SWITCH]):
        return layer
    return replace(layer, data={key: value for key, value in layer.data.items() if key != _SWITCH})
