"""Laws that hold for all values."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import pointer_tokens
from bundler.model.values import LayerKind, UserLayers
from bundler.syntax.written_path import Match, format_path
from bundler.values.compute import compute_values
from bundler.values.flatten import leaves_of, whole_data
from bundler.values.merge import fold_layers, make_layer, merge_all, merge_values, without_nulls
from bundler.values.paths import parse_path, pointer_to
from bundler.values.quick_check import is_surely_valid
from bundler.values.user import recorded_layer
from tests.lib.laws import examples
from tests.unit.values.builders import bundle, user

KEYS = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["", "x", "long text"]), st.floats(-2, 2))
ITEMS = st.lists(st.one_of(SCALARS, st.dictionaries(KEYS, SCALARS, max_size=2)), max_size=2)
LEAVES = st.one_of(SCALARS, st.none(), ITEMS)
VALUES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6),
    max_size=3,
)
ANY_VALUE = st.recursive(
    st.one_of(SCALARS, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=examples(100))
@given(VALUES)
def test_merging_with_nothing_changes_nothing(values: dict[str, Any]) -> None:
    assert merge_values(values, {}) == values == merge_values({}, values)


@settings(max_examples=examples(100))
@given(VALUES)
def test_merging_with_itself_changes_nothing(values: dict[str, Any]) -> None:
    assert merge_values(values, values) == values


@settings(max_examples=examples(100))
@given(VALUES, VALUES)
def test_merging_leaves_its_inputs_alone(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    before = copy.deepcopy((lower, upper))
    merge_values(lower, upper)
    fold_layers([make_layer(lower, LayerKind.DEFAULTS, "low"), make_layer(upper, LayerKind.FILE, "up")])
    assert (lower, upper) == before


@settings(max_examples=examples(100))
@given(VALUES, VALUES)
def test_the_later_leaf_wins(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    merged = leaves_of(merge_values(lower, upper))
    for pointer, value in leaves_of(upper).items():
        if value != {}:
            assert merged[pointer] == value


@settings(max_examples=examples(100))
@given(st.lists(VALUES, max_size=4))
def test_folding_with_origins_gives_the_same_values(layers: list[dict[str, Any]]) -> None:
    made = [make_layer(data, LayerKind.FILE, f"{index}.yaml") for index, data in enumerate(layers)]
    fold = fold_layers(made)
    assert fold.data == merge_all(made)
    assert set(leaves_of(fold.data)) <= set(fold.origins)


@settings(max_examples=examples(100))
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_the_origin_of_a_leaf_is_the_last_layer_that_says_it(layers: list[dict[str, Any]]) -> None:
    fold = fold_layers([make_layer(data, LayerKind.FILE, str(index)) for index, data in enumerate(layers)])
    for pointer, value in leaves_of(fold.data).items():
        owner = layers[int(fold.origins[pointer].source)]
        said = leaves_of(owner)
        assert pointer in said, (pointer, value, owner)


@settings(max_examples=examples(100))
@given(VALUES)
def test_no_null_is_left(values: dict[str, Any]) -> None:
    assert "None" not in repr(without_nulls(values))


STEPS = st.one_of(
    st.text(max_size=6),
    st.integers(0, 99),
    st.builds(Match, st.sampled_from(["name", "x-y"]), st.text(st.characters(exclude_characters="]"), max_size=4)),
)


@settings(max_examples=examples(100))
@given(st.lists(STEPS, min_size=1, max_size=4).map(tuple))
def test_a_path_reads_back_as_it_was_written(path: tuple[str | int | Match, ...]) -> None:
    assert parse_path(format_path(path)) == path


@settings(max_examples=examples(100))
@given(st.lists(st.text(max_size=5), max_size=4))
def test_a_pointer_reads_back_as_it_was_written(keys: list[str]) -> None:
    assert pointer_tokens(pointer_to(keys)) == tuple(keys)


TYPES = ["string", "integer", "number", "boolean", "null", "object", "array"]
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(
            st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)
        ),
        "enum": st.lists(ANY_VALUE, min_size=1, max_size=3),
        "const": ANY_VALUE,
        "required": st.lists(KEYS, max_size=2, unique=True),
        "minimum": st.integers(-2, 2),
        "exclusiveMaximum": st.floats(-2, 2),
        "multipleOf": st.sampled_from([2, 0.5]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 5),
        "pattern": st.sampled_from(["^x", "t$", "[0-9]"]),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 2),
        "description": st.just("about it"),
        "$ref": st.sampled_from(["#/$defs/small", "#/$defs/pair"]),
        "unevaluatedProperties": st.booleans(),
    },
)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=2)
    applied = st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(KEYS, inner, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "propertyNames": inner,
            "items": inner,
            "prefixItems": some,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
        },
    )
    return st.builds(lambda plain, wide: {**plain, **wide}, KEYWORDS, applied)


SCHEMAS = st.recursive(KEYWORDS, _around, max_leaves=5)
DEFINITIONS = {
    "small": {"type": "integer", "maximum": 2},
    "pair": {"type": "object", "properties": {"a": {"$ref": "#/$defs/small"}}, "required": ["a"]},
}


@settings(max_examples=examples(200), deadline=None)
@given(SCHEMAS, ANY_VALUE)
def test_what_the_quick_check_calls_valid_is_valid_to_jsonschema(schema: dict[str, Any], value: Any) -> None:
    schema = {**schema, "$defs": DEFINITIONS}
    if is_surely_valid(schema, value):
        assert list(Draft202012Validator(schema).iter_errors(value)) == []


LAYERED = bundle(
    "a: {a: 1, b: {c: 2}}\nb: [1, 2]\ndb: {c: 3}\n",
    components={"db": bundle("a: {a: 1, b: {c: 2}}\nb: 1\nc: {}\n", name="db")},
    derive={"c.a": "7"},
)
WITH_COMPONENT = st.builds(
    lambda own, below: {**own, **below},
    VALUES,
    st.dictionaries(st.just("db"), st.one_of(st.none(), VALUES), max_size=1),
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(WITH_COMPONENT, max_size=3))
def test_recorded_values_alone_give_what_the_layers_gave(layers: list[dict[str, Any]]) -> None:
    given_layers = tuple(make_layer(data, LayerKind.FILE, f"{index}.yaml") for index, data in enumerate(layers))
    first = compute_values(LAYERED, user(*given_layers))
    again = compute_values(LAYERED, UserLayers(layers=(recorded_layer(first.user.data, 1),)))
    assert again.data == first.data
    assert again.components is not None
    assert first.components is not None
    assert again.components["db"].data == first.components["db"].data
    assert again.user.data == first.user.data


OPERATED = bundle(
    "a: [1, {a: 1}]\nb: {c: [x]}\nc: [[1], {a: 1, b: [2]}]\ndb: {b: [{a: 1}]}\n",
    components={"db": bundle("a: [1]\nb: [2]\nc: {a: [1]}\n", name="db")},
)
ITEM = st.one_of(SCALARS, st.dictionaries(st.sampled_from(["a", "b", "b+"]), st.lists(SCALARS, max_size=2), max_size=2))
OPERATORS = st.fixed_dictionaries(
    {},
    optional={
        "a+": st.lists(ITEM, max_size=3),
        "a[0]": st.one_of(st.none(), ITEM),
        "b": st.fixed_dictionaries({}, optional={"c+": st.lists(ITEM, max_size=2), "c": ITEMS}),
        "c[0]+": st.lists(SCALARS, max_size=2),
        "c[1]": st.fixed_dictionaries({}, optional={"b+": st.lists(SCALARS, max_size=2), "a": st.none()}),
        "db": st.fixed_dictionaries({}, optional={"a+": st.lists(SCALARS, max_size=2), "b[0]": SCALARS}),
    },
)


@settings(max_examples=examples(100))
@given(st.lists(ITEM, max_size=3), st.lists(ITEM, max_size=3))
def test_appending_and_reading_is_concatenation(below: list[Any], above: list[Any]) -> None:
    low, high = make_layer({"a": below}, LayerKind.FILE, "low"), make_layer({"a+": above}, LayerKind.FILE, "high")
    merged = compute_values(OPERATED, user(low, high))
    assert merged.data["a"] == [*below, *above]
    makers = [merged.origins[f"/a/{index}"].source for index in range(len(below) + len(above))]
    assert makers == ["low"] * len(below) + ["high"] * len(above)


@settings(deadline=None)
@given(st.lists(OPERATORS, max_size=3))
def test_recorded_values_alone_give_what_operators_gave(layers: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(layers)
    given_layers = [make_layer(data, LayerKind.FILE, f"{index}.yaml") for index, data in enumerate(layers)]
    try:
        first = compute_values(OPERATED, user(*given_layers))
    except ValuesPathError:
        return  # a patch removed, or replaced, what the next one names
    assert layers == before
    again = compute_values(OPERATED, user(recorded_layer(first.user.data, 1)))
    assert whole_data(again) == whole_data(first)
    assert again.user.data == first.user.data


@settings(deadline=None)
@given(OPERATORS)
def test_parts_of_a_list_that_an_operator_leaves_keep_their_origins(data: dict[str, Any]) -> None:
    plain, changed = (
        compute_values(OPERATED, UserLayers()),
        compute_values(OPERATED, user(make_layer(data, LayerKind.FILE, "prod.yaml"))),
    )
    if "a[0]" not in data:
        for pointer in ("/a/0", "/a/1/a"):
            assert changed.origins[pointer] == plain.origins[pointer]
    assert plain.components is not None
    older = {*plain.origins.values(), *plain.components["db"].origins.values()}
    assert {origin for origin in changed.origins.values() if origin.source != "prod.yaml"} <= older
