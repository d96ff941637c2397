"""The one door to stdout and stderr."""

from __future__ import annotations

import errno
import io
import json

import pytest

from bundler.cli.output.errors import error_lines
from bundler.cli.terminal.screen import Looks, ReaderGoneError, Screen
from bundler.cli.terminal.text import Line
from bundler.errors import OutputError
from bundler.errors.change import ReleaseError
from bundler.model.lean import replace
from bundler.model.redaction import Redactor

SECRET = "s3cret-pass phrase"


class Streams:
    def __init__(self, *, is_terminal: bool = False, has_color: bool = False, is_quiet: bool = False) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        redactor = Redactor()
        redactor.learn(SECRET)
        looks = Looks(out_is_terminal=is_terminal, err_is_terminal=is_terminal, has_color=has_color)
        self.screen = Screen(self.out, self.err, looks=looks, redactor=redactor, is_quiet=is_quiet)


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_a_document_never_steers_the_terminal(output: str) -> None:
    streams = Streams(is_terminal=True)
    streams.screen.document({"a\x9b31m": ["\u202eevil", "\x1b[31m", "\u2066x"]}, output)
    assert streams.out.getvalue().replace("\n", "").isprintable()


def test_every_way_out_masks_what_is_sensitive():
    streams = Streams()
    screen = streams.screen
    screen.text(f"a {SECRET}\n")
    screen.lines([Line(f"b {SECRET}")])
    screen.document({"c": [SECRET], SECRET: 1}, "json")
    screen.document({"c": [SECRET], SECRET: 1}, "yaml")
    screen.say(f"d {SECRET}")
    screen.say_lines([Line(f"e {SECRET}")])
    screen.warn(f"f {SECRET}")
    screen.complain(error_lines(ReleaseError(f"g {SECRET}", context=[SECRET], hint=SECRET)))
    screen.ask(f"h {SECRET}? ")
    everything = streams.out.getvalue() + streams.err.getvalue()
    assert SECRET not in everything
    assert everything.count("***") == 13
    assert all(SECRET not in warning for warning in screen.warnings)


def test_masked_documents_stay_json():
    streams = Streams()
    streams.screen.document({"a": f'"{SECRET}"', "n": 1}, "json")
    assert json.loads(streams.out.getvalue()) == {"a": '"***"', "n": 1}


def test_secrets_are_shown_once_somebody_asked():
    streams = Streams()
    streams.screen.show_secrets()
    streams.screen.text(SECRET)
    assert streams.out.getvalue() == SECRET


def test_data_is_cleaned_for_terminals_alone():
    piped, seen = Streams(), Streams(is_terminal=True)
    for streams in (piped, seen):
        streams.screen.text("a: \x1b[31mred\n")
    assert piped.out.getvalue() == "a: \x1b[31mred\n"
    assert seen.out.getvalue() == "a: red\n"


@pytest.mark.parametrize(
    ("is_terminal", "has_color", "expected"),
    [(True, True, "\x1b[31mx\x1b[0m\n"), (True, False, "x\n"), (False, True, "x\n")],
)
def test_colours_need_a_terminal_and_no_objection(is_terminal, has_color, expected):
    streams = Streams(is_terminal=is_terminal, has_color=has_color)
    streams.screen.lines([Line("x", "red")])
    assert streams.out.getvalue() == expected


def test_colours_that_are_asked_for_need_no_terminal():
    streams = Streams()
    streams.screen.looks = replace(streams.screen.looks, forces_color=True)
    streams.screen.lines([Line("x", "red")])
    assert streams.out.getvalue() == "\x1b[31mx\x1b[0m\n"


def test_quiet_keeps_errors_and_warnings():
    streams = Streams(is_quiet=True)
    streams.screen.say("chatter")
    streams.screen.say_lines([Line("more")])
    streams.screen.warn("careful")
    streams.screen.complain([Line("error")])
    assert streams.err.getvalue() == "warning: careful\nerror\n"


def test_the_same_warning_is_told_once():
    streams = Streams()
    for text in ("a", "b", "a"):
        streams.screen.warn(text)
    assert streams.err.getvalue() == "warning: a\nwarning: b\n"


def test_a_closed_stdout_is_told_and_a_closed_stderr_is_not():
    """A change must not stop half way because no one reads about it."""
    looks = Looks(out_is_terminal=False, err_is_terminal=False, has_color=False)
    screen = Screen(Closed(), Closed(), looks=looks, redactor=Redactor(), is_quiet=False)
    screen.say("no one hears")
    screen.complain([Line("no one hears")])
    with pytest.raises(ReaderGoneError):
        screen.text("data")


def test_foreign_lines_keep_their_style_on_each_line():
    streams = Streams(is_terminal=True, has_color=True)
    streams.screen.lines([Line("a\nb", "green")])
    assert streams.out.getvalue() == "\x1b[32ma\x1b[0m\n\x1b[32mb\x1b[0m\n"


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_output_that_cannot_be_written_is_an_error_and_no_bug():
    streams = Streams()
    screen = Screen(Full(), streams.err, looks=streams.screen.looks, redactor=Redactor(), is_quiet=False)
    with pytest.raises(OutputError) as caught:
        screen.text("data")
    assert caught.value.context == ("No space left on device",)


def test_a_change_goes_on_when_stderr_is_full():
    streams = Streams()
    screen = Screen(streams.out, Full(), looks=streams.screen.looks, redactor=Redactor(), is_quiet=False)
    screen.say("applying")
    screen.text("data")
    assert streams.out.getvalue() == "data"
