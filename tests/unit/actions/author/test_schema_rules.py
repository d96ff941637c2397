"""What lint says about values schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bundler.actions.author.schema_rules import schema_findings
from bundler.model.bundle import BundleFile
from bundler.model.finding import Level
from bundler.model.lean import replace
from tests.unit.values.builders import bundle


def remarks(schema: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    text = json.dumps(schema, indent=1)
    files = {"values.schema.json": BundleFile(path="values.schema.json", content=text.encode())}
    made = replace(bundle("a: 1", schema=schema), files=files)
    return [(one.file, one.line, one.rule, one.hint) for one in schema_findings(made)]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "(a+)+$"}}},
        {"patternProperties": {"(a+)+$": {}}},
        {"properties": {"pattern": {"items": [{"pattern": "(a+)+$"}]}}},
    ],
)
def test_a_pattern_that_can_take_minutes_is_named_with_its_line(schema: dict[str, Any]) -> None:
    ((file, line, rule, hint),) = remarks(schema)
    assert (file, line > 1, rule, hint) == ("values.schema.json", True, "slow-pattern", "let each text fit in one way")


def test_a_misspelt_keyword_is_named_with_the_one_that_was_meant() -> None:
    schema = {"properties": {"minimun": {"minimun": 1, "x-minimun": 2, "additionalProperty": False, "meta": 1}}}
    assert remarks(schema) == [
        ("values.schema.json", 3, "schema-keyword", "did you mean minimum?"),
        ("values.schema.json", 6, "schema-keyword", "did you mean additionalProperties?"),
    ]


def test_names_of_values_and_data_are_no_keywords() -> None:
    schema = {"properties": {"titel": {"default": {"minimun": 1}, "enum": [{"typ": 1}]}}, "$defs": {"requird": {}}}
    assert remarks(schema) == []


WEB = {"type": "object", "properties": {"replicas": {"type": "integer"}, "tier": {"type": "string"}}}
OPEN = {"type": "object", "additionalProperties": True}


def moved(to: Any, **more: Any) -> dict[str, Any]:
    return {"type": "integer", "deprecated": True, "x-moved-to": to, **more}


def moved_messages(old: dict[str, Any], **more: Any) -> list[str]:
    schema = {"properties": {"a": {}, "web": WEB, "open": OPEN, "old": old}, **more}
    inner = bundle("size: 1", name="db", schema={"properties": {"size": {"type": "integer"}}})
    made = bundle("a: 1", schema=schema, components={"db": inner})
    found = [one for one in schema_findings(made) if one.rule == "moved-value"]
    assert all(one.level is Level.ERROR for one in found)
    return [one.message for one in found]


@pytest.mark.parametrize("path", ["web.replicas", "db.size", "open.anything", 'web["replicas"]'])
def test_a_new_path_that_the_bundle_or_a_component_has_is_fine(path: str) -> None:
    assert moved_messages(moved(path)) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("web.replcas", 'did you mean "web.replicas"?'),
        ("nothing", 'unknown key "nothing"'),
        ("db.sice", 'did you mean "size"?'),
        ("web..replicas", "is not a path"),
        ("", "is not a string"),
        (3, "is not a string"),
        ("a[0]", "leads into a list"),
        ("old", "is its old one"),
        ("web.tier", "of another type (integer there, string here)"),
    ],
)
def test_a_new_path_that_cannot_take_the_old_value_is_an_error_of_lint(path: Any, said: str) -> None:
    (message,) = moved_messages(moved(path))
    assert said in message


def test_a_new_path_that_has_moved_again_is_named() -> None:
    schema = {"properties": {"a": moved("b"), "b": moved("c"), "c": {"type": "integer"}}}
    found = [one for one in schema_findings(bundle("c: 1", schema=schema)) if one.rule == "moved-value"]
    assert [(one.message.partition(",")[0], one.hint) for one in found] == [("the new path of a", "name c at once")]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"old": {"x-moved-to": "a"}}}, "without `deprecated: true`"),
        ({"properties": {"l": {"items": {"properties": {"o": moved("a")}}}}}, "from the root down"),
        ({"properties": {"w": {"deprecated": True, "properties": {"o": moved("a")}}}}, "from the root down"),
    ],
)
def test_a_new_path_where_nothing_is_carried_over_from_is_an_error_too(schema: dict[str, Any], said: str) -> None:
    schema["properties"]["a"] = {"type": "integer"}
    (found,) = (one for one in schema_findings(bundle("a: 1", schema=schema)) if one.rule == "moved-value")
    assert said in found.message
