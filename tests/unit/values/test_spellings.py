"""What 60 spellings mean in a values file, and after --set under each type of the schema."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors.bundle import ValuesInvalidError
from tests.unit.values.builders import bundle, compute, layer

NO = "must be"
"""The value is refused."""
GONE = "deleted"
SAME = "same text"
INF = float("inf")
BIG = 123456789012345678901234567890

# spelling: (in a file, --set without a type, string, integer, number, boolean)
SPELLINGS: dict[str, tuple[Any, ...]] = {
    "0": (0, 0, SAME, 0, 0, NO),
    "1": (1, 1, SAME, 1, 1, NO),
    "-1": (-1, -1, SAME, -1, -1, NO),
    "-0": (0, SAME, SAME, 0, 0, NO),
    "+5": (5, SAME, SAME, 5, 5, NO),
    "1000": (1000, 1000, SAME, 1000, 1000, NO),
    "20161216": (20161216, 20161216, SAME, 20161216, 20161216, NO),
    "1234567": (1234567, 1234567, SAME, 1234567, 1234567, NO),
    "9007199254740993": (2**53 + 1, 2**53 + 1, SAME, 2**53 + 1, 2**53 + 1, NO),
    "123456789012345678901234567890": (BIG, BIG, SAME, BIG, BIG, NO),
    "007": (SAME, SAME, SAME, 7, 7, NO),
    "00": (SAME, SAME, SAME, 0, 0, NO),
    "-012": (SAME, SAME, SAME, -12, -12, NO),
    "0x1F": (31, SAME, SAME, 31, 31, NO),
    "0xfg": (SAME, SAME, SAME, NO, NO, NO),
    "0o17": (15, SAME, SAME, 15, 15, NO),
    "0b11": (SAME, SAME, SAME, NO, NO, NO),
    "1_000": (SAME, SAME, SAME, NO, NO, NO),
    "1,000": (SAME, SAME, SAME, NO, NO, NO),
    "1.5": (1.5, 1.5, SAME, NO, 1.5, NO),
    "-2.25": (-2.25, -2.25, SAME, NO, -2.25, NO),
    "1.10": (1.1, SAME, SAME, NO, 1.1, NO),
    "1.0": (1.0, 1.0, SAME, 1, 1, NO),
    "5.": (5.0, SAME, SAME, 5, 5, NO),
    ".5": (0.5, SAME, SAME, NO, 0.5, NO),
    "+.5": (0.5, SAME, SAME, NO, 0.5, NO),
    "1e3": (1000.0, SAME, SAME, 1000, 1000, NO),
    "1E+3": (1000.0, SAME, SAME, 1000, 1000, NO),
    "12e-1": (1.2, SAME, SAME, NO, 1.2, NO),
    "1e999": (SAME, SAME, SAME, NO, NO, NO),
    "5e324": (SAME, SAME, SAME, NO, NO, NO),
    ".inf": (INF, SAME, SAME, NO, NO, NO),
    "-.inf": (-INF, SAME, SAME, NO, NO, NO),
    "inf": (SAME, SAME, SAME, NO, NO, NO),
    "NaN": (SAME, SAME, SAME, NO, NO, NO),
    "Infinity": (SAME, SAME, SAME, NO, NO, NO),
    "12:30:00": (SAME, SAME, SAME, NO, NO, NO),
    "190:20:30": (SAME, SAME, SAME, NO, NO, NO),
    "2026-11-22": (SAME, SAME, SAME, NO, NO, NO),
    "2026-11-22T07:00:00Z": (SAME, SAME, SAME, NO, NO, NO),
    "1.2.3": (SAME, SAME, SAME, NO, NO, NO),
    "v1": (SAME, SAME, SAME, NO, NO, NO),
    "true": (True, True, SAME, NO, NO, True),
    "false": (False, False, SAME, NO, NO, False),
    "True": (True, SAME, SAME, NO, NO, True),
    "TRUE": (True, SAME, SAME, NO, NO, True),
    "False": (False, SAME, SAME, NO, NO, False),
    "tRUE": (SAME, SAME, SAME, NO, NO, NO),
    "yes": (SAME, SAME, SAME, NO, NO, NO),
    "no": (SAME, SAME, SAME, NO, NO, NO),
    "y": (SAME, SAME, SAME, NO, NO, NO),
    "on": (SAME, SAME, SAME, NO, NO, NO),
    "Off": (SAME, SAME, SAME, NO, NO, NO),
    "null": (GONE, GONE, SAME, GONE, GONE, GONE),
    "~": (GONE, SAME, SAME, NO, NO, NO),
    "NULL": (GONE, SAME, SAME, NO, NO, NO),
    "": (GONE, SAME, SAME, NO, NO, NO),
    "None": (SAME, SAME, SAME, NO, NO, NO),
    "1e": (SAME, SAME, SAME, NO, NO, NO),
    "C:\\a\\b": (SAME, SAME, SAME, NO, NO, NO),
    "a,b=c": (SAME, SAME, SAME, NO, NO, NO),
    "٣": (SAME, SAME, SAME, NO, NO, NO),
    "-x": (SAME, SAME, SAME, NO, NO, NO),
    "500m": (SAME, SAME, SAME, NO, NO, NO),
}
TYPES = ("none", "string", "integer", "number", "boolean")


def test_the_table_has_sixty_spellings() -> None:
    assert len(SPELLINGS) >= 60


def _agrees(data: Any, expected: Any, spelling: str) -> bool:
    if expected == GONE:
        return "v" not in data
    wanted = spelling if expected == SAME else expected
    is_number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    return bool(data["v"] == wanted) and (is_number or type(data["v"]) is type(wanted))


@pytest.mark.parametrize(("spelling", "meanings"), SPELLINGS.items())
def test_a_file_means_yaml_1_2_and_loses_nothing(spelling: str, meanings: tuple[Any, ...]) -> None:
    data = compute(bundle("other: 1\nv: before"), layer(f"v: {spelling}")).data
    assert _agrees(data, meanings[0], spelling)


@pytest.mark.parametrize(("spelling", "meanings"), SPELLINGS.items())
def test_set_means_what_the_schema_asks_for(spelling: str, meanings: tuple[Any, ...]) -> None:
    for kind, expected in zip(TYPES, meanings[1:], strict=True):
        made = bundle("", schema={"properties": {"v": {} if kind == "none" else {"type": kind}}})
        if expected == NO:
            with pytest.raises(ValuesInvalidError) as caught:
                compute(made, sets=[f"v={spelling}"])
            assert f"v must be {kind} (schema values.schema.json#/properties/v)" in caught.value.context[0]
        else:
            data = compute(made, sets=[f"v={spelling}"]).data
            assert _agrees(data, expected, spelling), kind


@pytest.mark.parametrize(
    ("schema", "text", "meaning"),
    [
        ({"type": ["integer", "string"]}, "80", 80),
        ({"type": ["integer", "string"]}, "080", "080"),
        ({"type": ["integer", "string"]}, "http", "http"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "80", 80),
        ({"oneOf": [{"type": "boolean"}, {"const": "auto"}]}, "true", True),
        ({"oneOf": [{"type": "boolean"}, {"const": "auto"}]}, "auto", "auto"),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({"enum": [1, "auto"]}, "1", 1),
        ({"enum": [1, "1"], "type": ["string", "integer"]}, "1", 1),
        ({"const": "true"}, "true", "true"),
        ({"$ref": "#/$defs/port"}, "080", 80),
        ({"allOf": [{"$ref": "#/$defs/port"}]}, "80", 80),
        ({"type": "number"}, "1.10", 1.1),
        ({"type": ["boolean", "integer"]}, "true", True),
        ({"type": ["string", "number"]}, "1.5", 1.5),
        ({"type": ["string", "boolean"], "enum": ["true", "false"]}, "true", "true"),
    ],
)
def test_set_understands_composed_types(schema: Any, text: str, meaning: Any) -> None:
    made = bundle("", schema={"$defs": {"port": {"type": "integer"}}, "properties": {"v": schema}})
    value = compute(made, sets=[f"v={text}"]).data["v"]
    assert value == meaning
    assert isinstance(value, bool) == isinstance(meaning, bool)


def test_null_is_a_string_only_where_the_schema_asks_for_nothing_else() -> None:
    def data(kind: Any) -> Any:
        return compute(bundle("v: x", schema={"properties": {"v": {"type": kind}}}), sets=["v=null"]).data

    assert data("string") == {"v": "null"}
    assert data(["string", "null"]) == {}


def test_a_number_keeps_its_text() -> None:
    made = bundle("", schema={"properties": {"v": {"type": "number"}}})
    assert str(compute(made, sets=["v=1.10"]).data["v"]) == "1.10"
