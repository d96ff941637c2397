from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bundler.model.digits import parse_digits


@given(st.integers(0, 2**63))
def test_what_digits_spell_is_read(number: int) -> None:
    assert parse_digits(str(number)) == parse_digits(str(number).encode()) == number
    assert parse_digits(f"{number:o}", base=8) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "²",
        "٣",
        "\uff11",
        "0x1",
        "1e3",
        "9" * 5000,
        b"-7",
        b"\xb2",
        b"\xd9\xa3",
    ],
)
def test_what_python_alone_takes_for_a_number_is_none(text: str | bytes) -> None:
    assert parse_digits(text) is None
    assert parse_digits(text, base=8) is None


def test_octal_digits_end_at_seven() -> None:
    assert parse_digits("18", base=8) is None
