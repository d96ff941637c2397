"""Values that a schema gives: the lowest layer, and what each item of a list lacks. Layer: values, pure."""

from __future__ import annotations

from bundler.errors.bundle import BundleInvalidError
from bundler.model.json import Body, JSONValue, is_list, is_mapping
from bundler.values.merge import merge_values
from bundler.values.schema_view import SchemaNode, SchemaView, reachable

_MAX_DEFAULTS = 10_000


def schema_defaults(view: SchemaView) -> Body:
    """Return the ``default`` of every property that is certain to apply, nested ones too.

    A default written at an object wins over those written at its properties. Branches of ``anyOf``, ``oneOf`` and
    ``if`` give none: which of them applies depends on the values.

    Raises:
        BundleInvalidError: when references make them too many.
    """
    if view.defaults is None:
        found = _Defaults().at(view, frozenset())
        view.defaults = found if is_mapping(found) else {}
    return view.defaults


def fill_items(data: Body, view: SchemaView) -> dict[str, JSONValue]:
    """Return ``data`` where mappings in lists, and under free keys, have the defaults of their schema.

    The lowest layer cannot hold these: there is no telling beforehand which items there will be.
    """
    return {key: _filled(value, view.child(key)) for key, value in data.items()}


def _filled(value: JSONValue, view: SchemaView) -> JSONValue:
    if not view.nodes:
        return value
    if is_list(value):
        return [_filled_item(item, view.child(index)) for index, item in enumerate(value)]
    if not is_mapping(value):
        return value
    named = view.property_names
    return {
        key: _filled(item, view.child(key)) if key in named else _filled_item(item, view.child(key))
        for key, item in value.items()
    }


def _filled_item(value: JSONValue, view: SchemaView) -> JSONValue:
    if not is_mapping(value) or not view.nodes:
        return _filled(value, view)
    return _filled(merge_values(schema_defaults(view), value), view)


class _Defaults:
    """Collects defaults: only where a schema can lead to some, and no more than a bundle may have."""

    def __init__(self) -> None:
        self._leads: dict[int, bool] = {}
        self._found = 0

    def at(self, view: SchemaView, above: frozenset[int]) -> JSONValue:
        certain = [node for node in view.nodes if node.is_certain]
        if not above.isdisjoint(id(node.node) for node in certain) or not any(map(self._leads_to_any, certain)):
            return None
        self._count(view)
        above |= {id(node.node) for node in certain}
        own = next((node.node["default"] for node in certain if node.node.get("default") is not None), None)
        if own is not None and not is_mapping(own):
            return own
        names = [name for node in certain if is_mapping(named := node.node.get("properties")) for name in named]
        nested = {name: below for name in names if (below := self.at(view.child(name), above)) is not None}
        return merge_values(nested, own or {}) if own is not None or nested else None

    def _leads_to_any(self, node: SchemaNode) -> bool:
        """Return whether there is a default in a schema, or in any that it leads to."""
        if id(node.node) not in self._leads:
            self._leads[id(node.node)] = any(one.node.get("default") is not None for one in reachable([node]))
        return self._leads[id(node.node)]

    def _count(self, view: SchemaView) -> None:
        self._found += 1
        if self._found > _MAX_DEFAULTS:
            raise BundleInvalidError(
                f"reading the defaults of {view.location.partition('#')[0] or 'a schema'}",
                context=[f"{view.location}: with it, the schema has more than {_MAX_DEFAULTS:,} defaults"],
                hint="write the defaults into values.yaml: references multiply those of the schema",
            )
