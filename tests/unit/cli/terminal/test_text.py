"""Text that is safe on a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from bundler.cli.terminal.text import clean, escaped, paint, table
from bundler.model.durations import parse_duration
from bundler.model.size import seconds


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\rest", "rest"),
        ("\x1bP1$r\x1b\\rest", "rest"),
        ("over\rwritten", "overwritten"),
        ("windows\r\nlines", "windows\nlines"),
        ("bell\x07 nul\x00 del\x7f c1\x9b31m", "bell nul del c131m"),
        ("\u202eright to left\u2069", "right to left"),
        ("unfinished \x1b]0;title", "unfinished "),
        ("\x1b", ""),
        ("Grüße, 世界 🎂", "Grüße, 世界 🎂"),
        ("[red]no markup[/red]", "[red]no markup[/red]"),
    ],
)
def test_control_sequences_are_taken_out(given_text, shown):
    assert clean(given_text) == shown


@given(st.text())
def test_an_escaped_document_says_the_same_and_steers_nothing(text):
    document = escaped(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(document) == {text: [text]}
    assert clean(document) == document


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_clean_holds_nothing_that_steers_and_stays_clean(text):
    cleaned = clean(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned)
    assert not any(0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert clean(cleaned) == cleaned


@given(st.text())
def test_printable_text_is_left_alone(text):
    assert not text.isprintable() or clean(text) == text


def test_paint_needs_colours():
    assert paint("x", "red", has_color=True) == "\x1b[31mx\x1b[0m"
    assert paint("x", "red", has_color=False) == "x"
    assert paint("", "red", has_color=True) == ""


def test_a_table_is_as_wide_as_its_cells_and_one_line_a_row():
    lines = [line.text for line in table([("a", "long cell"), ("longer", "x\ny\x1b[31m")], heads=("ONE", "TWO"))]
    assert lines == ["ONE     TWO", "a       long cell", "longer  x y"]


def test_a_table_fits_the_terminal_and_never_cuts_a_timestamp():
    row = ("a-namespace", "b" * 40, "2026-11-29 18:30:00Z", "c" * 90)
    heads = ("NAMESPACE", "BUNDLE", "UPDATED", "DESCRIPTION")
    shown = table([row], heads=heads, columns=80, shrinking={"BUNDLE", "DESCRIPTION"})
    assert max(len(line.text) for line in shown) == 80
    assert "2026-11-29 18:30:00Z" in shown[1].text
    assert "…" in shown[1].text
    assert "c" * 90 in table([row], heads=heads)[1].text, "what is piped is whole"


@pytest.mark.parametrize(
    ("value_s", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (65, "1 m 05 s"), (3600, "60 m 00 s")]
)
def test_durations_are_shown_as_people_read_them(value_s, shown):
    assert seconds(value_s) == shown


@pytest.mark.parametrize(
    ("text", "value_s"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("500ms", 0.5), ("0", 0), ("1.5m", 90)]
)
def test_durations_are_read(text, value_s):
    assert parse_duration(text) == value_s


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "-5s", "1h 30m x", "1e3s", "10mm"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
