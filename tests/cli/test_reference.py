"""docs/reference/ leaves nothing out."""

from __future__ import annotations

import pytest

from bundler.expressions.functions import make_filters, make_globals, make_tests
from tool.site import reference
from tool.site.function_examples import FILTERS, FUNCTIONS, OTHER_NAMES, TESTS


@pytest.mark.parametrize(
    ("examples", "names"),
    [(FILTERS, set(make_filters())), (TESTS, set(make_tests()) - OTHER_NAMES), (FUNCTIONS, set(make_globals()))],
    ids=["filters", "tests", "functions"],
)
def test_every_function_has_an_example_that_uses_it(examples, names):
    assert set(examples) == names
    assert [name for name, text in examples.items() if name not in text] == []


def test_every_example_works_but_the_one_that_is_to_fail():
    lines = reference.pages()["functions.md"].splitlines()
    assert [line.split("`")[1] for line in lines if "`error: " in line] == ["fail"]


def test_every_exit_code_of_an_error_is_explained():
    assert {kind.exit_code for kind in reference.error_kinds().values()} <= set(reference.EXIT_CODES)


def test_every_variable_that_is_read_is_explained_and_no_other():
    assert reference.read_variables() == set(reference.OURS)
