"""What lint says about values schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bundler.actions.author.schema_rules import schema_remarks
from bundler.model.bundle import BundleFile
from bundler.model.lean import replace
from tests.unit.values.builders import bundle


def remarks(schema: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    text = json.dumps(schema, indent=1)
    files = {"values.schema.json": BundleFile(path="values.schema.json", content=text.encode())}
    made = replace(bundle("a: 1", schema=schema), files=files)
    return [(one.file, one.line, one.rule, one.hint) for one in schema_remarks(made)]


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
