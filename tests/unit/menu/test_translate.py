"""What a definition says of values, and what it leaves to the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.bundle import BundleInvalidError
from bundler.menu.definition import spec_schema
from bundler.menu.offer import order_kind
from bundler.model.kind import KindColumn
from bundler.model.lean import replace
from bundler.model.manifest import Source
from tests.lib.order_kinds import DEMO, SCHEMAS, bundle_of

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.kind import OrderKind

OPEN = {"x-kubernetes-preserve-unknown-fields": True}


def translated(schema: Any, **more: Any) -> tuple[Any, dict[str, str]]:
    """Return what the property ``value`` becomes, and by keyword where the controller checks it."""
    kind = order_kind(bundle_of({"value": schema}, **more))
    value: Any = fields(kind)
    return value.get("value"), {check.keyword: check.path for check in kind.checks}


def kind_of(properties: Body, **more: Any) -> OrderKind:
    """Return the kind of a bundle with some properties."""
    return order_kind(bundle_of(properties, **more))


def fields(kind: OrderKind) -> Any:
    """Return the properties of ``.spec``."""
    return spec_schema(kind).get("properties", {})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (SCHEMAS["small-integer"], {"type": "integer", "minimum": 1, "maximum": 20000}),
        (SCHEMAS["integer"], {"type": "integer", "format": "int64"}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["integer", "string"]}, {"x-kubernetes-int-or-string": True}),
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        (
            {"type": "number", "exclusiveMinimum": 5},
            {"type": "number", "minimum": 5, "exclusiveMinimum": True},
        ),
        (SCHEMAS["unique"], {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}),
        (SCHEMAS["untyped-enum"], {"type": "string", "enum": ["small", "large"]}),
        (SCHEMAS["list-of-anything"], {"type": "array", "items": OPEN}),
        (SCHEMAS["reference"], {"type": "integer", "description": "where it listens", "minimum": 1, "maximum": 65535}),
        (SCHEMAS["not"], {"type": "string", "not": {"enum": ["root", "admin"]}}),
        (
            SCHEMAS["one-of"],
            {"type": "integer", "format": "int64", "oneOf": [{"minimum": 0, "maximum": 5}, {"minimum": 4}]},
        ),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        ({"description": "anything"}, {"description": "anything", **OPEN}),
    ],
)
def test_what_the_api_server_can_hold_is_in_the_definition_and_nothing_is_left(schema: Any, expected: object) -> None:
    assert translated(schema) == (expected, {})


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("look-around", {"pattern"}),
        ("back-reference", {"pattern"}),
        ("no-digits", {"pattern"}),
        ("union", {"*"}),
        ("contradiction", {"*"}),
        ("contains", {"contains"}),
        ("tuple", {"items", "prefixItems"}),
        ("unique-objects", {"uniqueItems"}),
        ("named-and-free", {"additionalProperties"}),
        ("pattern-properties", {"patternProperties", "minProperties"}),
        ("property-names", {"propertyNames"}),
        ("dependent-schema", {"dependentSchemas"}),
        ("if-then", {"if"}),
        ("big-bounds", {"maximum"}),
        ("one-of-patterns", {"oneOf"}),
        ("any-of-types", {"anyOf"}),
        ("object-enum", {"enum"}),
    ],
)
def test_what_the_api_server_cannot_hold_is_named_with_its_place(name: str, keywords: set[str]) -> None:
    _, left = translated(SCHEMAS[name])
    assert left == dict.fromkeys(keywords, "value")


def test_a_property_that_is_never_allowed_is_no_field() -> None:
    assert list(fields(kind_of({"never": False, "qps": {"type": "integer"}}))) == ["qps"]


def test_a_schema_within_itself_is_open_from_there_on() -> None:
    schema, left = translated(SCHEMAS["recursive"])
    assert schema["properties"] == {"name": {"type": "string"}, "next": OPEN}
    assert left == {"*": "value.next"}


def test_a_default_is_told_and_never_stored() -> None:
    kind = kind_of({"qps": {"type": "integer", "description": "requests", "default": 200}}, values={"qps": 300})
    assert fields(kind)["qps"]["description"] == "requests (default 300)"
    assert "default" not in fields(kind)["qps"]


def test_only_what_no_layer_sets_is_required() -> None:
    kind = kind_of(
        {"host": {"type": "string"}, "qps": {"type": "integer"}}, values={"qps": 1}, required=["host", "qps"]
    )
    assert spec_schema(kind)["required"] == ["host"]


def test_what_the_bundle_sets_in_part_the_order_has_to_complete() -> None:
    database = {"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]}
    assert "required" not in spec_schema(kind_of({"db": database}))
    assert spec_schema(kind_of({"db": database}, values={"db": {}}))["required"] == ["db"]


def test_null_is_no_answer_where_a_key_is_required() -> None:
    kind = kind_of({"host": {"type": ["string", "null"]}}, required=["host"])
    assert fields(kind)["host"] == {"type": "string"}


def test_a_sensitive_value_is_named_by_the_key_of_a_secret() -> None:
    kind = kind_of({"password": {"type": "string", "writeOnly": True}}, required=["password"])
    assert list(fields(kind)) == ["passwordFrom"]
    assert spec_schema(kind)["required"] == ["passwordFrom"]
    assert kind.secrets == {"passwordFrom": True}


def test_rules_about_keys_are_left_where_the_bundle_sets_some() -> None:
    schema = SCHEMAS["one-of-keys"]
    _, alone = translated(schema)
    _, beside = translated(schema, values={"value": {"size": 3}})
    assert (alone, beside) == ({}, {"oneOf": "value"})


def test_a_key_that_asks_for_another_does_so_in_an_expression() -> None:
    schema, left = translated(SCHEMAS["dependent"])
    assert schema["x-kubernetes-validations"][0]["rule"] == "!has(self.user) || (has(self.realm))"
    assert left == {}


def test_only_exposed_paths_are_fields() -> None:
    menu = replace(DEMO, expose=("qps", "cache.enabled"))
    properties = {"qps": {"type": "integer"}, "host": {"type": "string"}, "cache": {"type": "object"}}
    kind = kind_of(properties, menu=menu, values={"cache": {"enabled": True, "size": 3}})
    assert list(fields(kind)) == ["qps", "cache"]
    assert fields(kind)["cache"]["properties"] == {"enabled": {"type": "boolean", "description": "default true"}}


def test_columns_have_the_type_of_what_they_show() -> None:
    column = KindColumn(name="QPS", path=".spec.qps", source=Source("bundle.yaml", 3))
    kind = kind_of({"qps": {"type": "integer"}}, menu=replace(DEMO, columns=(column,)))
    version: Any = kind.definition["spec"]
    shown = version["versions"][0]["additionalPrinterColumns"]
    assert {"name": "QPS", "type": "integer", "jsonPath": ".spec.qps"} in shown


def test_a_bundle_without_a_menu_says_what_to_add() -> None:
    with pytest.raises(BundleInvalidError) as caught:
        order_kind(bundle_of({}, menu=None))
    assert str(caught.value.hint).startswith("add spec.menu")
