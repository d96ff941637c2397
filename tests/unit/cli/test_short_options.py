"""Options of one letter."""

from __future__ import annotations

import click
import pytest

from bundler.cli.commands.list import list_command


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
    given = list_command.make_context("list", words).params
    assert (given["namespace"], given["output"]) == ("prod", "json")


def test_letters_of_flags_may_be_written_together() -> None:
    given = list_command.make_context("list", ["-qAvv"]).params
    assert (given["quiet"], given["all_namespaces"], given["verbose"]) == (True, True, 2)


@pytest.mark.parametrize("words", [["-x"], ["-nA", "-x"], ["-Ax"]])
def test_a_letter_that_is_no_option_is_named(words: list[str]) -> None:
    with pytest.raises(click.NoSuchOption) as caught:
        list_command.make_context("list", words)
    assert caught.value.option_name == "-x"
    assert not caught.value.possibilities
