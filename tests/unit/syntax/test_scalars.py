from __future__ import annotations

import copy
import json
import math
import pickle
import re

import pytest
from hypothesis import example, given, strategies as st

from bundler.syntax.scalars import YamlFloat, resolve_plain

TYPED = [
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False),
    ("null", None), ("Null", None), ("NULL", None), ("~", None), ("", None),
    ("0", 0), ("-0", 0), ("1000", 1000), ("+5", 5), ("-17", -17), ("20161216", 20161216),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("0o17", 15), ("0x1F", 31), ("0xff", 255),
    (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("1.5E-3", 0.0015), ("-2.5", -2.5), ("0.10", 0.1), ("0e1", 0.0),
    (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf),
]  # fmt: skip
STRINGS = [
    "yes", "no", "y", "n", "on", "off", "Yes", "tRue", "nULL",
    "007", "-007", "00", "08", "0123e4", "01.5", "1234e567", "1_000", "0b101", "0O17", "-0x1F", "12:30:00", "190:20:30",
    "2001-01-01", "2001-12-14t21:59:43.10-05:00", "1.2.3", "1e", "e3", ".", "..", "-", "+", "--1", "1-2", "0x", "0o8",
    "nan", "inf", "infinity", "-.nan", "10Gi", "500m", "\u0663", "\uff19",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), TYPED)
def test_core_spellings_have_their_type(text: str, value: object) -> None:
    read = resolve_plain(text)
    assert read == value
    assert isinstance(read, type(value))


@pytest.mark.parametrize("text", STRINGS)
def test_everything_else_stays_the_string_it_is(text: str) -> None:
    assert resolve_plain(text) == text
    assert isinstance(resolve_plain(text), str)


def test_not_a_number_is_a_float() -> None:
    read = resolve_plain(".NaN")
    assert isinstance(read, float)
    assert math.isnan(read)


def test_a_number_of_more_digits_than_we_convert_stays_a_string() -> None:
    assert resolve_plain("9" * 5000) == "9" * 5000


@pytest.mark.parametrize("text", ["1.10", "1e3", "0.50", "1.", ".5", "-0.0"])
def test_a_float_keeps_its_text(text: str) -> None:
    number = resolve_plain(text)
    assert isinstance(number, YamlFloat)
    assert str(number) == f"{number}" == text
    assert number == float(text)
    assert f"{number:.3f}" == f"{float(text):.3f}"
    assert json.loads(json.dumps([number])) == [float(text)]
    for twin in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
        assert (twin, str(twin)) == (number, text)


INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
NUMBER_LIKE = st.text(st.sampled_from("0189+-.eE_xXoabIiNnFf \n\u0663"), min_size=1, max_size=7)


def _expected_type(text: str) -> type:
    """Return what the patterns of the core schema make of a text, but for a leading zero and what is not a finite float."""
    if INT.fullmatch(text) or RADIX.fullmatch(text):
        return int
    is_float = FLOAT.fullmatch(text) and not LEADING_ZERO.match(text) and math.isfinite(float(text))
    return YamlFloat if is_float or NOT_FINITE.fullmatch(text) else str


@given(NUMBER_LIKE)
@example("1\n")
@example("0x1F\n")
@example(".inf\n")
@example("1e999")
@example("1_0")
@example("-0x1")
def test_a_text_is_a_number_where_the_patterns_of_the_core_schema_say_so(text: str) -> None:
    read = resolve_plain(text)
    assert type(read) is _expected_type(text)
    assert isinstance(read, int) or str(read).lower() == text.lower()


@pytest.mark.parametrize("text", [*(text for text, value in TYPED if type(value) in (int, float)), *STRINGS])
def test_the_tables_say_what_the_patterns_say(text: str) -> None:
    assert type(resolve_plain(text)) is _expected_type(text)
