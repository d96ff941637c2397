"""Schemas of custom kinds."""

import pytest

from bundler.fields.kinds import schema_from_crd, unknown_fields
from bundler.fields.schema import FREE, RAW, SchemaNode
from tests.lib.random_objects import CRD


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
