"""What is wrong with values, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors import BundlerError
from bundler.errors.bundle import BundleInvalidError, ValuesInvalidError
from bundler.values.problems import Problem, invalid_values
from tests.unit.values.builders import bundle, component, compute, layer


def context_of(schema: dict[str, Any], text: str, **kwargs: Any) -> tuple[str, ...]:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(bundle("", schema=schema), layer(text), **kwargs)
    assert str(caught.value) == "checking values for release shop"
    assert caught.value.hint == "run `bundler values shop --explain` to see every value and where it comes from"
    return caught.value.context


def line_for(schema: Any, value: str) -> str:
    (line,) = context_of({"properties": {"v": schema}, "$defs": {"small": {"maximum": 3}}}, f"v: {value}")
    return line.removeprefix("/v").replace("(prod.yaml:1)", "").strip()


def test_the_hint_names_no_command_that_cannot_read_a_bundle_in_a_secret() -> None:
    for origin, is_named in (("oci://registry.site/shop", True), ("secret://shop-bundle", False)):
        problem = Problem("/qps", "no number", None)
        error = invalid_values([problem], subject="release shop", bundle_origin=origin, new_path=lambda _: "")
        assert ("bundler values" in error.hint) is is_named


VARIANTS = {
    "oneOf": [
        {"properties": {"kind": {"const": "file"}, "path": {"type": "string"}}, "required": ["kind", "path"]},
        {"properties": {"kind": {"const": "s3"}, "bucket": {"type": "string"}}, "required": ["kind", "bucket"]},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "integer"}, "fast", ': "fast" must be integer'),
        ({"type": "string"}, "1.10", ": 1.10 must be string, and reads as number: put it in quotes"),
        ({"type": ["string", "boolean"]}, "5", ": 5 must be string or boolean, and reads as integer: put it in quotes"),
        ({"type": "object"}, "[1]", ": a list must be object"),
        ({"type": "integer"}, "{a: 1}", ": a mapping must be integer"),
        ({"minimum": 0}, "-1", ": -1 is less than the minimum of 0"),
        ({"maximum": 1.5}, "2", ": 2 is more than the maximum of 1.5"),
        ({"exclusiveMinimum": 0}, "0", ": 0 must be more than 0"),
        ({"exclusiveMaximum": 0}, "0", ": 0 must be less than 0"),
        ({"multipleOf": 5}, "7", ": 7 is not a multiple of 5"),
        ({"minLength": 3}, "ab", ': "ab" is shorter than 3 characters'),
        ({"maxLength": 1}, "ab", ': "ab" is longer than 1 characters'),
        ({"pattern": "^{value}$"}, "ab", ': "ab" does not match the pattern ^{value}$'),
        ({"enum": ["a", 1]}, "b", ': "b" must be one of "a", 1'),
        ({"const": True}, "false", ": false must be true"),
        ({"minItems": 2}, "[1]", ": has fewer than 2 items"),
        ({"maxItems": 0}, "[1]", ": has more than 0 items"),
        ({"uniqueItems": True}, "[1, 1]", ": has an item twice"),
        ({"minProperties": 1}, "{}", ": has fewer than 1 keys"),
        ({"maxProperties": 0}, "{a: 1}", ": has more than 0 keys"),
        ({"propertyNames": {"pattern": "^x"}}, "{a: 1}", ': the key "a" does not match the pattern ^x'),
        ({"not": {"const": 1}}, "1", ": 1 is what the schema excludes"),
        ({"contains": {"const": 1}}, "[2]", ": has no item of the kind that the schema asks for"),
        ({"$ref": "#/$defs/small"}, "4", ": 4 is more than the maximum of 3"),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "x", ': "x" must be integer or boolean'),
        ({"anyOf": [{"type": "integer"}, {"pattern": "%$"}]}, "x", ': "x" does not match the pattern %$'),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, "3", ": fits more than one of the alternatives, and exactly one is allowed"),
        (VARIANTS, "{kind: s3, path: x}", "/bucket: required value is missing  (no layer sets it)"),
        (VARIANTS, "{kind: file, bucket: x}", "/path: required value is missing  (no layer sets it)"),
        ({"properties": {"a": {}}, "additionalProperties": False}, "{b: 1}", '/b: unknown key "v.b"'),
        ({"type": "string"}, f'"{"x" * 100}"', None),
    ],
)  # fmt: skip
def test_each_rule_is_said_in_words(schema: dict[str, Any], value: str, said: str | None) -> None:
    if said is None:
        assert compute(bundle("", schema={"properties": {"v": schema}}), layer(f"v: {value}")).data["v"]
    else:
        assert line_for(schema, value) == said


def test_everything_is_told_at_once_sorted_with_origins_and_descriptions() -> None:
    schema = {
        "required": ["host", "qps"],
        "properties": {
            "qps": {"type": "integer", "minimum": 1, "description": "requests per second\nthat it must stand"},
            "host": {"type": "string"},
            "web": {"properties": {"replicas": {"minimum": 0}}, "required": ["image"]},
        },
    }
    db = bundle("", name="db", schema={"properties": {"port": {"type": "integer"}}, "required": ["size"]})
    made = bundle("", schema=schema, components={"db": db}, specs=[component("db", values={"port": "none"}, line=7)])
    with pytest.raises(ValuesInvalidError) as caught:
        compute(made, layer("web:\n  replicas: -1\nhost: x\n"), layer("host: null", source="last.yaml"), sets=["qps=0"])
    assert caught.value.context == (
        '/db/port: "none" must be integer                 (bundle.yaml:7)',
        "/db/size: required value is missing              (no layer sets it)",
        "/host: required value is missing                 (deleted by last.yaml:1)",
        "/qps: 0 is less than the minimum of 1            (--set qps=0) — requests per second that it must stand",
        "/web/image: required value is missing            (no layer sets it)",
        "/web/replicas: -1 is less than the minimum of 0  (prod.yaml:2)",
    )


@pytest.mark.parametrize(
    ("schema", "values", "text", "found"),
    [
        ({"properties": {"updateCheck": {"properties": {"enabled": {}}}}}, "", "updateCheck: {enable: 1}",
         '/updateCheck/enable: unknown key "updateCheck.enable"; did you mean "updateCheck.enabled"?  (prod.yaml:1)'),
        ({"properties": {"qps": {}}}, "", "\nQPS: 1", '/QPS: unknown key "QPS"; did you mean "qps"?  (prod.yaml:2)'),
        ({"properties": {"qps": {}}}, "", "zzz: {a: 1}", '/zzz: unknown key "zzz"  (prod.yaml:1)'),
        ({"properties": {"qps": {}}}, "", "qqps: null", '/qqps: unknown key "qqps"; did you mean "qps"?  (prod.yaml:1)'),
        ({"properties": {"l": {"items": {"properties": {"name": {}}}}}}, "", "l: [{nam: 1}]",
         '/l/0/nam: unknown key "l.0.nam"; did you mean "l.0.name"?  (prod.yaml:1)'),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, "", "{a: 1, b: 1, c: 1}",
         '/c: unknown key "c"  (prod.yaml:1)'),
        (None, "qps: 1", "qqps: 1", '/qqps: unknown key "qqps"; did you mean "qps"?  (prod.yaml:1)'),
    ],
)  # fmt: skip
def test_an_unknown_key_is_an_error_that_names_what_was_meant(
    schema: dict[str, Any] | None, values: str, text: str, found: str
) -> None:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(bundle(values, schema=schema), layer(text))
    assert caught.value.context == (found,)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": {"a": {}}, "additionalProperties": True},
        {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
        {"properties": {"a": {}}, "unevaluatedProperties": True},
        {"properties": {"a": {}}, "patternProperties": {"^x-": {}}},
        {"anyOf": [{"properties": {"x-new": {}}}, {"properties": {"a": {}}}]},
    ],
)
def test_a_schema_can_open_itself(schema: dict[str, Any]) -> None:
    assert compute(bundle("", schema=schema), layer("x-new: 1")).data == {"x-new": 1}


def test_component_names_are_known_even_where_the_schema_is_closed() -> None:
    schema = {"properties": {"a": {}}, "additionalProperties": False}
    made = bundle("", schema=schema, components={"db": bundle("x: 1", name="db")})
    assert compute(made, layer("db: {x: 2}")).data == {"db": {"x": 2}}


def test_a_parent_may_describe_its_switch_without_closing_the_component() -> None:
    schema = {"properties": {"db": {"type": "object", "properties": {"enabled": {"type": "boolean"}}}}}
    made = bundle("db: {enabled: true}", schema=schema, components={"db": bundle("x: 1", name="db")})
    assert compute(made, layer("db: {x: 2}")).data == {"db": {"enabled": True, "x": 2}}
    with pytest.raises(ValuesInvalidError):
        compute(made, layer("db: {enabled: maybe}"))


SECRET = "c0rrect-horse-battery"
SECRETS = {
    "properties": {
        "password": {"writeOnly": True, "type": "string", "maxLength": 3, "pattern": "^a", "enum": ["abc"]},
        "keys": {"type": "array", "items": {"type": "object", "properties": {"key": {"writeOnly": True, "maxLength": 3}}}},
        "auth": {"type": "object", "writeOnly": True, "properties": {"user": {"type": "integer"}}},
        "free": {"additionalProperties": {"writeOnly": True, "oneOf": [{"type": "integer"}, {"const": 1}]}},
    }
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"password: {SECRET}", f"keys: [{{key: {SECRET}}}]", f"auth: {{user: {SECRET}}}", f"free: {{x: {SECRET}}}",
        f"auth: {SECRET}", f"keys: [{SECRET}]", f"passwrd: {SECRET}",
    ],
)  # fmt: skip
def test_a_sensitive_value_is_in_no_error(text: str) -> None:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(bundle("", schema=SECRETS), layer(text))
    if not text.startswith("keys: [c0"):
        assert SECRET not in str(caught.value) + "".join(caught.value.context)


@pytest.mark.parametrize("kind", ["set", "json"])
@pytest.mark.parametrize(
    "path", ["password", "passwrd", "keys[0].key", "keys[0]", "auth", "auth.user", "auth.x.y", "free.x", "keys"]
)
def test_a_sensitive_value_on_the_command_line_is_in_no_error_and_no_origin(path: str, kind: str) -> None:
    made = bundle("keys: [{key: abc}]", schema=SECRETS)
    given = {"sets": [f"{path}={SECRET}"]} if kind == "set" else {"json": [f'{path}="{SECRET}"']}
    with pytest.raises(BundlerError) as caught:
        compute(made, **given)
    assert SECRET not in str(caught.value) + "".join(caught.value.context)


def test_a_sensitive_value_that_is_accepted_is_named_and_masked_in_its_origin() -> None:
    made = bundle("keys: []", schema=SECRETS)
    merged = compute(made, layer("keys: [{key: abc}]\nfree: {x: 2}"), sets=["password=abc"], json=['auth={"user": 5}'])
    assert merged.sensitive == {"/keys/0/key", "/free/x", "/password", "/auth/user"}
    assert merged.user.sensitive == merged.sensitive
    assert str(merged.origins["/password"]) == "--set password=***"
    assert str(merged.origins["/auth/user"]) == "--set-json auth=***"


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"properties": {"v": {"type": "strng"}}}, "values.schema.json#/properties/v/type: "),
        ({"properties": {"v": {"pattern": "("}}}, "values.schema.json#/properties/v/pattern: "),
        ({"properties": {"v": {"$ref": "#/$defs/none"}}}, "values.schema.json: the reference "),
        ({"properties": {"v": {"$ref": "http://127.0.0.1:9/x.json"}}}, "values.schema.json: the reference "),
        (
            {
                "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
                "properties": {"v": {"$ref": "#/$defs/a"}},
            },
            "values.schema.json#: its references lead in a circle",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_the_bundles_mistake(schema: dict[str, Any], found: str) -> None:
    with pytest.raises(BundleInvalidError) as caught:
        compute(bundle("", schema=schema), layer("v: x"))
    assert caught.value.context[0].startswith(found)
    assert caught.value.hint


def test_everything_that_is_wrong_with_a_schema_is_told() -> None:
    schema = {"type": "objekt", "properties": {"v": {"type": "int"}, "w": {"minimum": "1"}}}
    with pytest.raises(BundleInvalidError) as caught:
        compute(bundle("", schema=schema), layer("v: x"))
    types = "types are array, boolean, integer, null, number, object, string"
    assert caught.value.context == (
        f'values.schema.json#/properties/v/type: there is no type "int"; {types}',
        "values.schema.json#/properties/w/minimum: '1' is not of type 'number'",
        f'values.schema.json#/type: there is no type "objekt"; {types}',
    )


def test_draft_07_is_understood() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"n": {"type": "integer"}},
              "properties": {"l": {"items": [{"type": "string"}], "additionalItems": {"$ref": "#/definitions/n"}}}}  # fmt: skip
    made = bundle("", schema=schema)
    assert compute(made, layer("l: [a, 1]")).data == {"l": ["a", 1]}
    with pytest.raises(ValuesInvalidError) as caught:
        compute(made, layer("l: [a, b]"))
    assert caught.value.context == ('/l/1: "b" must be integer  (prod.yaml:1)',)
