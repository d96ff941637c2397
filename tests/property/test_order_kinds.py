"""Laws of kinds of orders: any schema becomes a definition that is structural, and nothing is stored by itself."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from bundler.menu.definition import spec_schema
from bundler.menu.offer import order_kind
from tests.lib.order_kinds import bundle_of, composed

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 70000), st.floats(-2, 2), st.text("ab.0", max_size=4))
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
RULES = {
    "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
    "enum": st.lists(SCALARS, min_size=1, max_size=3),
    "const": SCALARS,
    "minimum": st.integers(-5, 5),
    "exclusiveMaximum": st.floats(1, 9),
    "multipleOf": st.integers(1, 7),
    "pattern": st.sampled_from(["^a", r"\d+$", "(?=x)", "[^0-9]{2,3}"]),
    "maxLength": st.integers(0, 5),
    "default": SCALARS,
    "format": st.sampled_from(["ipv4", "iri", "date-time"]),
    "uniqueItems": st.booleans(),
    "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
    "writeOnly": st.booleans(),
    "$ref": st.sampled_from(["#/$defs/port", "#/$defs/tree"]),
}
PLAIN = st.fixed_dictionaries({}, optional=RULES)
PLACED = ("properties", "allOf", "anyOf", "oneOf", "not", "items", "additionalProperties")
VALIDATIONS = ("allOf", "anyOf", "oneOf", "not")


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return schemas with other schemas in them."""
    several = st.lists(inner, min_size=1, max_size=3)
    places = {
        "properties": st.dictionaries(st.sampled_from(["a", "b", "c", "x.y"]), inner, max_size=3),
        "items": inner,
        "additionalProperties": st.one_of(st.booleans(), inner),
        "not": inner,
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), several),
    }
    return st.builds(lambda one, more: {**one, **more}, PLAIN, st.fixed_dictionaries({}, optional=places))


SCHEMAS = st.recursive(PLAIN, around, max_leaves=12)


def parts(schema: Any, *, is_validation: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield each schema in a schema, and whether it stands inside of a junctor."""
    yield schema, is_validation
    for keyword in ("properties", *VALIDATIONS, "items", "additionalProperties"):
        inner = schema.get(keyword)
        below = is_validation or keyword in VALIDATIONS
        found = inner.values() if keyword == "properties" and inner else inner if isinstance(inner, list) else [inner]
        for one in found:
            if isinstance(one, dict):
                yield from parts(one, is_validation=below)


@pytest.mark.medium
@given(SCHEMAS)
def test_every_schema_becomes_a_structural_one(schema: Any) -> None:
    for one, is_validation in parts(spec_schema(order_kind(bundle_of({"value": schema})))):
        assert "default" not in one
        assert "$ref" not in one
        if is_validation:
            assert one.keys().isdisjoint(("type", "description", "nullable", "additionalProperties"))
        else:
            typed = "type" in one or one.get("x-kubernetes-int-or-string")
            assert typed or one["x-kubernetes-preserve-unknown-fields"]
            assert not ("properties" in one and "additionalProperties" in one)
            assert one.get("type") != "array" or "items" in one


@pytest.mark.medium
@given(st.integers(0, 10_000))
def test_translating_twice_gives_the_same(seed: int) -> None:
    first, second = (order_kind(bundle_of(composed(random.Random(seed)))) for _ in range(2))
    assert first == second
