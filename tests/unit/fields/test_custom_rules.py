"""What the schema of a custom kind asks beside types, and its defaults; the contract holds them against a real server."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bundler.fields.custom_rules import custom_problems, with_custom_defaults
from bundler.fields.kinds import schema_from_crd
from tests.lib.typical_objects import GIZMO, GIZMO_CRD

SCHEMA = schema_from_crd(GIZMO_CRD, "v1")


def gizmo(**spec: Any) -> dict[str, Any]:
    body = copy.deepcopy(GIZMO)
    body["spec"] |= spec
    return body


def problems(**spec: Any) -> list[str]:
    assert SCHEMA is not None
    return list(custom_problems(gizmo(**spec), SCHEMA))


def test_a_right_object_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize("field", ["size", "title", "on", "amount", "words", "labels", "part", "free", "ports", "tags"])
def test_null_is_refused_where_the_definition_does_not_allow_it(field: str) -> None:
    (found,) = problems(**{field: None})
    assert found.startswith(f'spec.{field}: Invalid value: "null": spec.{field} in body must be of type ')


def test_null_is_refused_inside_lists_and_maps() -> None:
    found = problems(words=[None], labels={"a": None}, part={"a": None}, ports=[{"port": None}])
    assert [one.partition(":")[0] for one in found] == [
        "spec.words[0]",
        "spec.labels.a",
        "spec.part.a",
        "spec.ports[0].port",
    ]


@pytest.mark.parametrize("field", ["maybe", "ratio", "maybeAmount", "maybeWords", "maybeLabels", "maybePart"])
def test_null_stands_where_the_definition_says_so(field: str) -> None:
    assert problems(**{field: None}) == []
    assert problems(maybeWords=[None], maybeLabels={"a": None}) == []


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"size": -1}, "spec.size"),
        ({"size": 101}, "spec.size"),
        ({"size": 1.5}, "spec.size"),
        ({"amount": 1.5}, "spec.amount"),
        ({"level": 0}, "spec.level"),
        ({"level": 1}, "spec.level"),
        ({"level": 0.35}, "spec.level"),
        ({"title": ""}, "spec.title"),
        ({"title": "n" * 9}, "spec.title"),
        ({"mode": "other"}, "spec.mode"),
        ({"words": ["a", "b", "c"]}, "spec.words"),
        ({"part": {"b": 1}}, "spec.part.a"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_place(spec: dict[str, Any], place: str) -> None:
    (found,) = problems(**spec)
    assert found.startswith(f"{place}: ")


def test_defaults_are_filled_in_where_a_field_is_missing_or_null_without_leave() -> None:
    assert SCHEMA is not None
    body = gizmo(mode=None, maybeDefault=None, ports=[{"port": 1}])
    spec: Any = with_custom_defaults(body, SCHEMA)["spec"]
    assert (spec["mode"], spec["maybeDefault"], spec["ports"]) == ("fast", None, [{"port": 1, "protocol": "TCP"}])
    del body["spec"]["mode"], body["spec"]["maybeDefault"]
    spec = with_custom_defaults(body, SCHEMA)["spec"]
    assert (spec["mode"], spec["maybeDefault"]) == ("fast", "x")
