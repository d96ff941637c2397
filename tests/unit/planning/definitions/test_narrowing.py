"""What a new schema of a kind takes away, in a table."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.planning.definitions.narrowing import narrowings


def of(**spec: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
FREE = {"x-kubernetes-preserve-unknown-fields": True}
EITHER = {"x-kubernetes-int-or-string": True}
ITEMS = {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}}
RULE = {"x-kubernetes-validations": [{"rule": "self > 0", "message": "be positive"}]}

WIDER = {
    "a new field": (of(), of(a=TEXT)),
    "whole numbers become numbers": (of(a=WHOLE), of(a=NUMBER)),
    "text becomes text or a number": (of(a=TEXT), of(a=EITHER)),
    "null is taken": (of(a=TEXT), of(a={**TEXT, "nullable": True})),
    "a larger maximum": (of(a={**WHOLE, "maximum": 1}), of(a={**WHOLE, "maximum": 2})),
    "a smaller minimum": (of(a={**WHOLE, "minimum": 1}), of(a={**WHOLE, "minimum": 0})),
    "the maximum itself": (
        of(a={**WHOLE, "maximum": 1, "exclusiveMaximum": True}),
        of(a={**WHOLE, "maximum": 1}),
    ),
    "a pattern goes": (of(a={**TEXT, "pattern": "^a"}), of(a=TEXT)),
    "another word": (of(a={"enum": ["a"]}), of(a={"enum": ["b", "a"]})),
    "every word": (of(a={"enum": ["a"]}), of(a={})),
    "less is required": ({**of(), "required": ["spec"]}, of()),
    "a rule goes": (of(a={**WHOLE, **RULE}), of(a=WHOLE)),
    "everything is taken": (of(a=TEXT), of(a=FREE)),
    "unknown fields are kept": (of(a={"type": "object"}), of(a={"type": "object", **FREE})),
    "a map of any names": (of(a={"type": "object"}), of(a={"type": "object", "additionalProperties": TEXT})),
    "a multiple of less": (of(a={**NUMBER, "multipleOf": 0.2}), of(a={**NUMBER, "multipleOf": 0.1})),
    "a wider format": (of(a={**WHOLE, "format": "int32"}), of(a={**WHOLE, "format": "int64"})),
    "one more alternative": (of(a={"anyOf": [TEXT]}), of(a={"anyOf": [TEXT, WHOLE]})),
    "no least length": (of(a=TEXT), of(a={**TEXT, "minLength": 0})),
}

NARROWER = {
    "a field goes": (of(a=TEXT), of(), ".spec.a", "is not known any more"),
    "another type": (of(a=TEXT), of(a=WHOLE), ".spec.a", "takes no string any more"),
    "no fractions": (of(a=NUMBER), of(a=WHOLE), ".spec.a", "takes no number any more"),
    "no null": (of(a={**TEXT, "nullable": True}), of(a=TEXT), ".spec.a", "takes no null any more"),
    "no text": (of(a=EITHER), of(a=WHOLE), ".spec.a", "takes no string any more"),
    "a type at all": (of(a=FREE), of(a=TEXT), ".spec.a", "takes only string now"),
    "required": (of(a=TEXT), {**of(a=TEXT), "required": ["spec"]}, ".spec", "is required now"),
    "a lower maximum": (of(a={**WHOLE, "maximum": 2}), of(a={**WHOLE, "maximum": 1}), ".spec.a", "maximum 2 becomes 1"),
    "a first minimum": (of(a=WHOLE), of(a={**WHOLE, "minimum": 0}), ".spec.a", "minimum 0 is new"),
    "without the maximum": (
        of(a={**WHOLE, "maximum": 1}),
        of(a={**WHOLE, "maximum": 1, "exclusiveMaximum": True}),
        ".spec.a",
        "itself is excluded",
    ),
    "longer": (of(a=TEXT), of(a={**TEXT, "minLength": 2}), ".spec.a", "minLength 2 is new"),
    "shorter": (of(a={**TEXT, "maxLength": 3}), of(a={**TEXT, "maxLength": 2}), ".spec.a", "maxLength 3 becomes 2"),
    "a pattern": (of(a=TEXT), of(a={**TEXT, "pattern": "^a"}), ".spec.a", "pattern ^a is new"),
    "another pattern": (
        of(a={**TEXT, "pattern": "a"}), of(a={**TEXT, "pattern": "b"}), ".spec.a", "pattern b is another",
    ),
    "a word less": (of(a={"enum": ["a", "b"]}), of(a={"enum": ["a"]}), ".spec.a", "does not take b any more"),
    "true is not 1": (of(a={"enum": [True]}), of(a={"enum": [1]}), ".spec.a", "does not take True any more"),
    "only words": (of(a=TEXT), of(a={**TEXT, "enum": ["a"]}), ".spec.a", "takes only a"),
    "a rule": (of(a=WHOLE), of(a={**WHOLE, **RULE}), ".spec.a", "the rule 'self > 0' is new"),
    "unknown fields are dropped": (
        of(a={"type": "object", **FREE}), of(a={"type": "object"}), ".spec.a.*", "is not known any more",
    ),
    "a field of a free map": (
        of(a={"type": "object", **FREE}),
        of(a={"type": "object", **FREE, "properties": {"b": TEXT}}),
        ".spec.a.b",
        "takes only string now",
    ),
    "values of a map": (
        of(a={"type": "object", "additionalProperties": TEXT}),
        of(a={"type": "object", "additionalProperties": {**TEXT, "maxLength": 1}}),
        ".spec.a.*",
        "maxLength 1 is new",
    ),
    "items": (of(a=ITEMS), of(a={"type": "array", "items": {"type": "object"}}), ".spec.a[].name", "is not known"),
    "a set": (of(a=ITEMS), of(a={**ITEMS, "x-kubernetes-list-type": "set"}), ".spec.a", "is merged as a set"),
    "a map by name": (
        of(a=ITEMS),
        of(a={**ITEMS, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
        ".spec.a",
        "is merged as a map by name, no longer as one value",
    ),
    "one value": (
        of(a={"type": "object"}),
        of(a={"type": "object", "x-kubernetes-map-type": "atomic"}),
        ".spec.a",
        "is merged as atomic",
    ),
    "no default": (
        {**of(), "required": ["spec"], "properties": {"spec": {"type": "object", "default": {}}}},
        {**of(), "required": ["spec"]},
        ".spec",
        "has no default any more",
    ),
    "a multiple": (of(a=NUMBER), of(a={**NUMBER, "multipleOf": 2}), ".spec.a", "multipleOf 2 is new"),
    "a format": (of(a=TEXT), of(a={**TEXT, "format": "date-time"}), ".spec.a", "format date-time is new"),
    "an alternative less": (of(a={"anyOf": [TEXT, WHOLE]}), of(a={"anyOf": [TEXT]}), ".spec.a", "anyOf takes less"),
    "names": (
        of(),
        {**of(), "properties": {**of()["properties"], "metadata": {
            "type": "object", "properties": {"name": {**TEXT, "maxLength": 9}}}}},
        ".metadata.name",
        "maxLength 9 is new",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WIDER)
def test_what_takes_more_is_no_narrowing(case: str):
    old, new = WIDER[case]
    assert narrowings(old, new) == []
    assert narrowings(new, new) == []


@pytest.mark.parametrize("case", NARROWER)
def test_what_takes_less_is_found_at_its_place(case: str):
    old, new, path, what = NARROWER[case]
    (found,) = narrowings(old, new)
    assert found.path == path
    assert what in found.what
    assert narrowings(new, new) == []


def test_a_field_that_is_required_with_a_default_is_no_narrowing():
    old = {"type": "object", "properties": {"size": WHOLE}}
    new = {"type": "object", "properties": {"size": {**WHOLE, "default": 1}}, "required": ["size"]}
    assert narrowings(old, new) == []
