"""Schemas of custom kinds."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from bundler.fields.kinds import schema_from_crd, schema_of_unknown
from bundler.fields.schema import FREE, RAW, SchemaNode, unknown_fields
from tests.lib.random_objects import CRD
from tests.tools.generate_kinds import mark_all_keyed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture
def spec() -> SchemaNode:
    root = schema_from_crd(CRD, "v1")
    assert root is not None
    found = root.field("spec")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "shape", "list_type", "map_type"),
    [
        ("size", "scalar", "atomic", "granular"),
        ("words", "list", "atomic", "granular"),
        ("tags", "list", "set", "granular"),
        ("ports", "list", "map", "granular"),
        ("plain", "map", "atomic", "granular"),
        ("whole", "map", "atomic", "atomic"),
    ],
)
def test_a_custom_kind_is_read_from_its_definition(
    spec: SchemaNode, name: str, shape: str, list_type: str, map_type: str
) -> None:
    node = spec.field(name)
    assert node is not None
    assert (node.shape, node.list_type, node.map_type) == (shape, list_type, map_type)


def test_defaults_of_list_keys_are_kept(spec: SchemaNode) -> None:
    ports = spec.field("ports")
    assert ports is not None
    assert (ports.map_keys, dict(ports.key_defaults)) == (("port", "protocol"), {"protocol": "TCP"})


def test_unknown_fields_are_found_except_where_they_are_kept() -> None:
    root = schema_from_crd(CRD, "v1")
    assert root is not None
    body = {
        "kind": "Gadget",
        "metadata": {"name": "x"},
        "spec": {"oops": 1, "free": {"any": {"thing": 1}}, "ports": [{"prot": 1}]},
    }
    assert unknown_fields(body, root) == ("spec.oops", "spec.ports[0].prot")


def test_a_version_that_is_not_served_has_no_schema() -> None:
    assert schema_from_crd(CRD, "v2") is schema_from_crd({}, "v1") is None


def test_a_definition_without_a_schema_allows_anything() -> None:
    root = schema_from_crd({"spec": {"versions": [{"name": "v1"}]}}, "v1")
    assert root is not None
    assert root.allows_unknown
    assert not root.has_status


def test_embedded_objects_have_metadata_and_formats_are_told() -> None:
    properties = {
        "inner": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "when": {"type": "string", "format": "date-time"},
        "blob": {"type": "string", "format": "byte"},
    }
    schema = {"type": "object", "properties": properties, "required": ["inner"]}
    root = schema_from_crd({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}, "v1")
    assert root is not None
    assert root.required == ("inner",)
    found = {name: root.field(name) for name in properties}
    assert {name: node.scalar for name, node in found.items() if node} == {"inner": "", "when": "time", "blob": "bytes"}
    assert unknown_fields({"inner": {"kind": "X", "metadata": {"oops": 1}, "spec": {"a": 1}}}, root) == (
        "inner.metadata.oops",
    )


def test_free_values_deduce_and_raw_ones_are_one_value() -> None:
    assert FREE.field("x") is FREE
    assert FREE.items is RAW
    assert RAW.field("x") is RAW
    assert (FREE.map_type, RAW.map_type) == ("granular", "atomic")


def test_lists_with_keys_are_found_below_known_fields_and_below_additional_values():
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
    }
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "ports": ports,
                    "size": {"type": "integer"},
                    "labels": free,
                    "by_name": {"type": "object", "additionalProperties": ports},
                },
            }
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    root = schema_from_crd({"spec": {"group": "g", "versions": [version]}}, "v1")
    assert root is not None
    spec = root.keyed_fields["spec"]
    assert set(spec.keyed_fields) == {"ports", "by_name"}
    assert spec.keyed_fields["by_name"].keyed_values is not None
    assert not spec.keyed_fields["by_name"].keyed_fields
    labels = spec.field("labels")
    assert labels is not None
    assert labels.keyed_values is None


def _parts(raw: Any) -> list[Any]:
    return [*raw.get("f", {}).values(), *(raw[part] for part in ("$", "i", "v") if part in raw)]


def _nodes(raw: Any) -> Iterator[Any]:
    """Every map and list that is written out in a definition; an override of a reference is the reference's."""
    if isinstance(raw, dict) and "$" not in raw:
        yield raw
        for part in _parts(raw):
            yield from _nodes(part)


def _holds_keyed_lists(raw: Any, table: Sequence[Any], seen: frozenset[int] = frozenset()) -> bool:
    if isinstance(raw, int):
        return raw not in seen and _holds_keyed_lists(table[raw], table, seen | {raw})
    return isinstance(raw, dict) and (
        bool(raw.get("k")) or any(_holds_keyed_lists(part, table, seen) for part in _parts(raw))
    )


def test_built_in_kinds_are_marked_where_lists_with_keys_stand_at_or_below() -> None:
    table = json.loads(files("bundler.fields").joinpath("kinds.json").read_bytes())["schemas"]
    nodes = [node for definition in table for node in _nodes(definition)]
    assert [node for node in nodes if ("h" in node) != _holds_keyed_lists(node, table)] == []
    unmarked = copy.deepcopy(table)
    for definition in unmarked:
        for node in _nodes(definition):
            node.pop("h", None)
    mark_all_keyed(unmarked)
    assert unmarked == table


def test_definitions_that_refer_to_each_other_are_marked() -> None:
    table: list[Any] = [
        {"f": {"next": 1}},
        {"f": {"back": 0, "words": 3}},
        {"f": {"self": 2}},
        {"i": {"v": 4}},
        {"i": "s", "k": ["a"]},
    ]
    mark_all_keyed(table)
    assert ["h" in definition for definition in table] == [True, True, False, True, True]


def test_what_every_object_has_may_hold_a_list_with_keys() -> None:
    root = schema_of_unknown()
    assert root.has_keyed_lists
    assert set(root.keyed_fields) == {"metadata"}
    assert set(root.keyed_fields["metadata"].keyed_fields) == {"ownerReferences"}
