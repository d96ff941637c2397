"""Options of one letter."""

from __future__ import annotations

from copy import copy

import click
import pytest

from bundler.cli.commands.list import list_command


def _read(words: list[str]) -> click.Context:
    # a copy: click keeps the option for help that a command had at first, and here it stands below no root
    return copy(list_command).make_context("list", words)


@pytest.mark.parametrize(
    "words",
    [
        ["-n", "prod", "-o", "json"],
        ["-nprod", "-ojson"],
        ["-n=prod", "-o=json"],
        ["--namespace", "prod", "--output=json"],
    ],
)
def test_a_value_may_follow_a_letter_with_a_space_without_one_or_after_an_equals_sign(words: list[str]) -> None:
    given = _read(words).params
    assert (given["namespace"], given["output"]) == ("prod", "json")


def test_letters_of_flags_may_be_written_together() -> None:
    given = _read(["-qAvv"]).params
    assert (given["quiet"], given["all_namespaces"], given["verbose"]) == (True, True, 2)


@pytest.mark.parametrize("words", [["-x"], ["-nA", "-x"], ["-Ax"]])
def test_a_letter_that_is_no_option_is_named(words: list[str]) -> None:
    with pytest.raises(click.NoSuchOption) as caught:
        _read(words)
    assert caught.value.option_name == "-x"
    assert not caught.value.possibilities
