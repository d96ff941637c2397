"""Laws of the comparison of two schemas: what is called compatible is, and what is wider is never refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft4Validator

from bundler.planning.definitions.misfits import misfits
from bundler.planning.definitions.narrowing import narrowings
from bundler.planning.definitions.structure import root_of
from tests.lib.laws import examples

NAMES = ("a", "b", "c")
KEEPS = "x-kubernetes-preserve-unknown-fields"


def bounds(*words: str, low: int, high: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={word: st.integers(low, high) for word in words})


def scalars() -> st.SearchStrategy[dict[str, Any]]:
    edges = st.fixed_dictionaries({}, optional={"exclusiveMinimum": st.booleans(), "exclusiveMaximum": st.booleans()})
    numbers = st.builds(
        lambda kind, limits, open_: {
            "type": kind, **limits, **{k: v for k, v in open_.items() if k[9:].lower() in limits},
        },
        st.sampled_from(["integer", "number"]),
        bounds("minimum", "maximum", "multipleOf", low=1, high=4),
        edges,
    )  # fmt: skip
    texts = st.builds(
        lambda limits, extra: {"type": "string", **limits, **extra},
        bounds("minLength", "maxLength", low=0, high=3),
        st.fixed_dictionaries(
            {},
            optional={
                "pattern": st.sampled_from(["^a", "b$", "^[ab]*$"]),
                "enum": st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=1, unique=True),
            },
        ),
    )
    others = st.sampled_from(
        [{"type": "boolean"}, {KEEPS: True}, {"x-kubernetes-int-or-string": True}, {"anyOf": [{"type": "string"}]}]
    )
    return st.one_of(numbers, texts, others)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    def grow(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        maps = st.builds(
            lambda known, required, free, extra: {
                "type": "object", "properties": known,
                **({"required": sorted(required & known.keys())} if required & known.keys() else {}),
                **({KEEPS: True} if free else {}), **extra,
            },
            st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
            st.frozensets(st.sampled_from(NAMES)),
            st.booleans(),
            bounds("minProperties", "maxProperties", low=0, high=2),
        )  # fmt: skip
        free = inner.map(lambda one: {"type": "object", "additionalProperties": one})
        lists = st.builds(
            lambda items, limits: {"type": "array", "items": items, **limits},
            inner,
            bounds("minItems", "maxItems", low=0, high=2),
        )
        return st.one_of(maps, free, lists)

    whole = st.recursive(scalars(), grow, max_leaves=4)
    return st.builds(lambda one, null: {**one, "nullable": True} if null else one, whole, st.booleans())


def values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(0, 5),
        st.sampled_from([0.5, 1.5]),
        st.sampled_from(["", "a", "b", "ab", "aba"]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.dictionaries(st.sampled_from((*NAMES, "d")), inner, max_size=2)
        ),
        max_leaves=4,
    )  # fmt: skip


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": schema}}


def as_draft_4(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema as JSON Schema has it, where unknown fields are refused instead of dropped."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "nullable"}
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if "type" in made and schema.get("nullable"):
        made["type"] = [*(made["type"] if isinstance(made["type"], list) else [made["type"]]), "null"]
    if "enum" in made and schema.get("nullable"):
        made["enum"] = [*made["enum"], None]
    if "properties" in made:
        made["properties"] = {name: as_draft_4(one) for name, one in made["properties"].items()}
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = as_draft_4(made["additionalProperties"])
    elif not schema.get(KEEPS):
        made["additionalProperties"] = False
    if "items" in made:
        made["items"] = as_draft_4(made["items"])
    return made


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    return Draft4Validator(as_draft_4(schema)).is_valid(value)


@given(schemas(), values())
def test_an_object_is_a_misfit_exactly_where_json_schema_says_so(schema, value):
    assert (not any(misfits(value, schema))) == is_valid(value, schema)


EDITS = (
    lambda one: one,
    lambda one: {key: value for key, value in one.items() if key not in {"minimum", "maximum", "required", "enum"}},
    lambda one: {**one, "nullable": True},
    lambda one: {**one, "type": "number"} if one.get("type") == "integer" else one,
    lambda one: {**one, KEEPS: True} if one.get("type") == "object" else one,
    lambda one: {**one, "maxLength": 3} if one.get("type") == "string" else one,
)


def edited(schema: dict[str, Any], edit: Any) -> dict[str, Any]:
    made = edit(schema)
    if "properties" in made:
        made = {**made, "properties": {name: edited(one, edit) for name, one in made["properties"].items()}}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made = {**made, key: edited(made[key], edit)}
    return made


@given(schemas(), st.one_of(st.sampled_from(EDITS), schemas()), st.lists(values(), min_size=1, max_size=5))
def test_where_nothing_is_narrower_every_object_of_the_old_schema_fits_the_new_one(old, change, tried):
    new = change if isinstance(change, dict) else edited(old, change)
    if narrowings(whole(old), whole(new)):
        return
    for value in tried:
        if is_valid(value, old):
            assert is_valid(value, new), (value, old, new)


def _grown(keyword: str, by: int) -> Any:
    return lambda one: {**one, keyword: one[keyword] + by} if keyword in one else one


def _without(*keywords: str) -> Any:
    return lambda one: {key: value for key, value in one.items() if key not in keywords}


WIDENINGS = {
    "null": lambda one: {**one, "nullable": True},
    "no bounds": _without("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "no sizes": _without("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    "no words": _without("enum", "pattern", "anyOf"),
    "nothing required": _without("required"),
    "numbers": lambda one: {**one, "type": "number"} if one.get("type") == "integer" else one,
    "another field": lambda one: (
        {**one, "properties": {**one["properties"], "z": {"type": "string"}}}
        if "properties" in one and KEEPS not in one
        else one
    ),
    "unknown fields": lambda one: {**one, KEEPS: True} if one.get("type") == "object" else one,
    "larger": _grown("maximum", 1),
    "longer": _grown("maxLength", 1),
    "smaller": _grown("minimum", -1),
    "more words": lambda one: {**one, "enum": [*one["enum"], "more"]} if "enum" in one else one,
    "rules go": _without("x-kubernetes-validations", "format"),
}


@pytest.mark.parametrize("how", WIDENINGS)
@settings(max_examples=examples(40))
@given(schemas())
def test_what_is_wider_is_never_refused(how, schema):
    wider = edited(schema, WIDENINGS[how])
    if how == "unknown fields" and "additionalProperties" in str(schema):
        return  # the two say which fields there may be, and are not given together
    assert narrowings(whole(schema), whole(wider)) == []


@given(schemas())
def test_a_schema_takes_what_it_takes_itself(schema):
    assert narrowings(whole(schema), whole(schema)) == []
    assert not any(misfits({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "a"}}, root_of(whole(schema))))
