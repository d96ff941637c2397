"""Values, schemas and formulas that multiply end: soon, and with an error that names the place."""

from __future__ import annotations

from typing import Any

import pytest
from referencing import Registry

from bundler.errors.bundle import BundleInvalidError, DeriveError, ValuesInvalidError
from bundler.model.values import LayerKind
from bundler.values.bounded_schema import bounded_validator
from bundler.values.deep_check import find_violations
from bundler.values.quick_check import has_only_unique, is_surely_valid
from tests.unit.values.builders import bundle, compute, layer

FILE = "values.schema.json"


def doubled(levels: int, last: dict[str, Any], keyword: str = "allOf") -> dict[str, Any]:
    """Definitions that each refer twice to the next one: 2 to the power of ``levels`` ways."""
    definitions: dict[str, Any] = {
        f"l{n}": {keyword: [{"$ref": f"#/$defs/l{n + 1}"}] * 1 + [{"$ref": f"#/$defs/l{n + 1}", "title": "b"}]}
        for n in range(levels)
    }
    return {"properties": {"a": {"$ref": "#/$defs/l0"}}, "$defs": {**definitions, f"l{levels}": last}}


@pytest.mark.medium
def test_a_reverse_chain_of_more_than_a_thousand_formulas_is_computed() -> None:
    rules = {f"v{n}": f"values.v{n + 1} + 1" for n in range(1200)}
    assert compute(bundle("v1200: 0", derive=rules)).data["v0"] == 1200


def test_a_formula_sees_what_was_derived_before_it_and_what_the_user_put_over_it() -> None:
    made = bundle(
        "web: {a: 1, b: 2}\nx: 1",
        derive={"web.more": "{'a': values.x, 'b': 5}", "web.none": "none", "seen": "values.web"},
    )
    given = [layer("web: {a: null}\nx: 2"), layer("web: {more: {b: 7, c: 8}}")]
    assert compute(made, *given).data["seen"] == {"b": 2, "more": {"a": 2, "b": 7, "c": 8}}


def test_what_the_user_deleted_as_a_whole_and_set_afresh_is_what_formulas_see() -> None:
    made = bundle("web: {a: 1}", derive={"seen": "values.web"})
    assert compute(made, layer("web: null"), layer("web: {b: 1}")).data["seen"] == {"b": 1}


def test_every_circle_of_formulas_is_named_once() -> None:
    with pytest.raises(DeriveError) as caught:
        compute(bundle("x: 1", derive={"a.b": "values.a", "c": "values.c"}))
    assert "a.b → a.b" in caught.value.context[0]


@pytest.mark.medium
@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_definitions_that_double_forty_times_are_checked_at_once(keyword: str) -> None:
    schema = doubled(40, {"type": "string", "minLength": 3}, keyword)
    assert compute(bundle("a: text", schema=doubled(40, {"type": "string"}, "anyOf"))).data == {"a": "text"}
    with pytest.raises(ValuesInvalidError):
        compute(bundle("a: {}", schema=schema))
    with pytest.raises(ValuesInvalidError):
        compute(bundle("a: x", schema=schema))


def test_definitions_that_double_under_unevaluated_properties_are_refused_by_their_place() -> None:
    schema = doubled(40, {"properties": {"b": {"not": {"const": 1}}}}) | {"unevaluatedProperties": False}
    schema["properties"]["a"]["unevaluatedProperties"] = False
    with pytest.raises(BundleInvalidError, match="reading the schema") as caught:
        find_violations(schema, {"a": {"b": 1}}, FILE)
    assert caught.value.context[0].startswith(
        f"{FILE}#/properties/a: its references lead to other schemas in more than"
    )


def test_a_check_that_takes_too_many_steps_names_the_place_in_the_schema() -> None:
    schema = {"properties": {"list": {"items": {"not": {"required": ["x"], "properties": {"x": {"const": 1}}}}}}}
    validator = bounded_validator(schema, Registry(), FILE, max_steps=1000)
    with pytest.raises(BundleInvalidError) as caught:
        list(validator.iter_errors({"list": [{"x": 2} for _ in range(500)]}))
    place, _, said = caught.value.context[0].partition(": ")
    assert place.startswith(f"{FILE}#/properties/list/items/not")
    assert said == "the check takes more than 1,000 steps"


@pytest.mark.medium
def test_a_long_chain_of_references_is_no_circle() -> None:
    chain = {f"l{n}": {"$ref": f"#/$defs/l{n + 1}"} for n in range(1000)}
    schema = {"properties": {"a": {"$ref": "#/$defs/l0"}}, "$defs": {**chain, "l1000": {"type": "string"}}}
    assert is_surely_valid(schema, {"a": "x"})
    assert [found.pointer for found in find_violations(schema, {"a": 1}, FILE)] == ["/a"]


def test_a_circle_of_references_is_named_with_its_steps() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/$defs/x"}},
        "$defs": {"x": {"allOf": [{"$ref": "#/$defs/y"}]}, "y": {"$ref": "#/$defs/x"}},
    }
    with pytest.raises(BundleInvalidError, match="reading the schema") as caught:
        find_violations(schema, {"a": 1}, FILE)
    assert "#/$defs/y → #/$defs/x" in caught.value.context[0]


def test_a_schema_that_refers_to_its_root_in_its_properties_is_no_circle_and_stays_counted() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"a": {"$ref": "#"}, "n": {"type": "integer"}},
    }
    assert [found.pointer for found in find_violations(schema, {"a": {"a": {"n": "x"}}}, FILE)] == ["/a/a/n"]
    validator = bounded_validator(schema, Registry(), FILE, max_steps=20)
    deep: Any = {}
    for _ in range(30):
        deep = {"a": deep}
    with pytest.raises(BundleInvalidError, match="against the schema"):
        list(validator.iter_errors(deep))


def test_draft_07_ignores_what_stands_beside_a_reference() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"$ref": "#/definitions/text", "minLength": 5}, "b": {"$ref": "#/definitions/text"}},
        "definitions": {"text": {"type": "string"}},
    }
    assert [found.pointer for found in find_violations(schema, {"a": "x", "b": 1}, FILE)] == ["/b"]


def test_alternatives_of_which_one_is_false_say_what_the_others_ask_for() -> None:
    for keyword in ("anyOf", "oneOf"):
        schema = {"properties": {"a": {keyword: [False, {"type": "integer"}]}, "b": {keyword: [False]}, "c": False}}
        found = find_violations(schema, {"a": "x", "b": 1, "c": 2}, FILE)
        assert [(one.pointer, one.rule) for one in found] == [
            ("/a", "{value} must be integer"),
            ("/b", "{value} is not allowed: the schema says false"),
            ("/c", "{value} is not allowed: the schema says false"),
        ]


def test_defaults_that_references_multiply_are_refused_by_their_place() -> None:
    links = {f"to{n}": {"$ref": f"#/$defs/d{n}"} for n in range(9)}
    definitions = {f"d{n}": {"properties": {**links, "size": {"default": n}}} for n in range(9)}
    schema = {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    with pytest.raises(BundleInvalidError) as caught:
        compute(bundle("x: 1", schema=schema | {"additionalProperties": True}))
    assert "values.schema.json#/$defs/d" in caught.value.context[0]
    assert "defaults" in caught.value.context[0]


def test_definitions_that_all_refer_to_each_other_are_read_at_once() -> None:
    links = {f"to{n}": {"$ref": f"#/$defs/d{n}"} for n in range(12)}
    definitions = {f"d{n}": {"type": "object", "properties": links} for n in range(12)}
    schema = {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    assert compute(bundle("a: {to1: {to2: {}}}", schema=schema)).sensitive == frozenset()


@pytest.mark.medium
def test_items_are_unique_as_json_says() -> None:
    assert has_only_unique([1, True, "1", None, [1], {"a": 1}, {"a": True}, [True], [[1]]])
    assert not has_only_unique([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}])
    many = [{"name": f"n{n}"} for n in range(10_000)]
    schema = {"properties": {"list": {"uniqueItems": True}}}
    assert is_surely_valid(schema, {"list": many})
    found = find_violations(schema, {"list": [*many, many[0]]}, FILE)
    assert [(one.pointer, one.rule) for one in found] == [("/list", "has an item twice")]


def test_only_the_first_unknown_keys_come_with_a_suggestion() -> None:
    schema = {"properties": {f"known{n}": {} for n in range(50)}}
    with pytest.raises(ValuesInvalidError) as caught:
        compute(bundle("", schema=schema), layer("\n".join(f"knwon{n}: 1" for n in range(50)), LayerKind.FILE))
    assert sum("did you mean" in line for line in caught.value.context) == 10
    assert sum("unknown key" in line for line in caught.value.context) == 50


@pytest.mark.parametrize("reference", ["#/allOf/²", "#/allOf/٣", "#/allOf/" + "9" * 5000, "#/allOf/1_0"])
def test_a_reference_with_an_index_that_is_none_leads_nowhere(reference: str) -> None:
    with pytest.raises(BundleInvalidError) as caught:
        find_violations({"allOf": [{"$ref": reference}]}, {"a": 1}, FILE)
    assert "leads nowhere" in caught.value.context[0]
