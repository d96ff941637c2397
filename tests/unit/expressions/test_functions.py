"""The filters: a table of what goes in and what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import compile_expression
from bundler.expressions.functions import make_filters, make_globals, make_tests
from bundler.model.manifest import Source
from bundler.syntax.scalars import resolve_plain

SOURCE = Source("bundle.yaml", 1)


def evaluate(text: str, **names: object) -> object:
    return compile_expression(text, source=SOURCE).evaluate(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2 | ceil", 2),
        ("-1.2 | ceil", -1),
        ("1.8 | floor", 1),
        ("2.5 | round", 2),
        ("2.567 | round(2)", 2.57),
        ("7 | clamp(1, 5)", 5),
        ("0 | clamp(1, 5)", 1),
        ("0.1 | millicores", "1m"),
        ("2000 | millicores", "2"),
        ("0 | millicores", "0"),
        ("512 | mebibytes", "512Mi"),
        ("2048 | mebibytes", "2Gi"),
        ("0.5 | gibibytes", "512Mi"),
        ("3 | gibibytes", "3Gi"),
        ("'2Gi' | quantity", 2 * 2**30),
        ("'500m' | quantity", 0.5),
        ("'1.5k' | quantity", 1500),
        ("2 | quantity", 2),
        ("'12' | int", 12),
        ("'x' | int(0)", 0),
        ("1.9 | int", 1),
        ("true | int", 1),
        ("'1.5' | float", 1.5),
        ("'x' | float(0.5)", 0.5),
        ("true | string", "true"),
        ("none | string", "null"),
        ("'ü' | b64encode", "w7w="),
        ("'w7w=' | b64decode", "ü"),
        ("'' | sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("{'b': 1, 'a': [true, none]} | to_json", '{"b": 1, "a": [true, null]}'),
        ("{'a': 1} | to_json(indent=2)", '{\n  "a": 1\n}'),
        ("{'a': {'b': 'yes'}} | to_yaml", 'a:\n  b: "yes"'),
        ("'a\"b\\u0085' | quote", '"a\\"b\\u0085"'),
        ("5 | quote", '"5"'),
        ("'a\nb\n\nc' | indent(2)", "a\n  b\n\n  c"),
        ("'a\nb' | indent(2, true)", "  a\n  b"),
        ("'a long sentence' | truncate(9)", "a..."),
        ("5 | truncate(9)", "5"),
        ("'a.b.c' | replace('.', '-')", "a-b-c"),
        ("'a.b.c' | replace('.', '-', 1)", "a-b.c"),
        ("'feature/foo_1' | regex_replace('[^a-z0-9]+', '-')", "feature-foo-1"),
        ("'v1.2' | regex_replace('v([0-9])[.]([0-9])', '\\\\2.\\\\1')", "2.1"),
        ("'abcdef-ghi' | trunc(7)", "abcdef"),
        ("'My Shop_v2' | kebab", "my-shop-v2"),
        ("'myShop' | kebab", "my-shop"),
        ("['a', 1, true] | join(',')", "a,1,true"),
        ("[{'n': 'a'}, {'n': 'b'}] | join('+', attribute='n')", "a+b"),
        ("'a' | center(3)", " a "),
        ("'%s=%d' | format('a', 3)", "a=3"),
        ("'' | default('x')", ""),
        ("'' | default('x', true)", "x"),
        ("'a' | required('gone')", "a"),
        ("[3, 1, 2] | sort", [1, 2, 3]),
        ("[1, 2, 3] | select('gt', 1) | list", [2, 3]),
        ("{'b': 2, 'a': 1} | dictsort", [["a", 1], ["b", 2]]),
        ("[1, 1, 2] | unique | list", [1, 2]),
        ("[[1, 2], [3]] | sum(start=[])", [1, 2, 3]),
        ("' a ' | trim", "a"),
    ],
)
def test_a_filter_gives_what_its_table_says(text: str, expected: object) -> None:
    result = evaluate(text)
    assert (isinstance(result, type(expected)), result) == (True, expected)


def test_numbers_keep_the_text_they_were_written_with() -> None:
    assert evaluate("v ~ ''", v=resolve_plain("1.10")) == "1.10"
    assert evaluate("v | to_yaml", v={"a": resolve_plain("1.10")}) == "a: 1.10"


def test_required_says_the_authors_own_message_and_the_path() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("values.host | required('a host is needed')", values={})
    assert caught.value.context[0] == ("bundle.yaml:1: a host is needed (values.host is not set (values is empty))")


def test_json_holds_no_infinite_number() -> None:
    with pytest.raises(ExpressionError, match="expression") as caught:
        evaluate("[v] | to_json", v=resolve_plain(".inf"))
    assert caught.value.context[0] == "bundle.yaml:1: JSON has no infinite numbers and no NaN"


def test_a_list_printed_as_it_is_is_refused_with_a_hint() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("'a' ~ [1]")
    assert "to_yaml" in caught.value.hint


def test_every_filter_test_and_function_is_in_the_manual() -> None:
    manual = Path(__file__).parents[3].joinpath("docs/templates.md").read_text("utf-8")
    aliases = {"d", "tojson", "equalto", "greaterthan", "lessthan", "undefined", "==", "!=", ">", ">=", "<", "<="}
    names = {*make_filters(), *make_tests(), *make_globals()} - aliases
    assert [name for name in sorted(names) if not re.search(rf"`(?:is )?{name}[`(]", manual)] == []
