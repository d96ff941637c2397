"""Bare expressions, and texts with {{ … }}."""

from __future__ import annotations

import pytest

from bundler.errors import BundlerError
from bundler.errors.bundle import ExpressionError, TemplateLimitError, UndefinedValueError
from bundler.expressions.bounds import Bounds
from bundler.expressions.expression import compile_expression, compile_text, evaluate_text
from bundler.model.manifest import Source

SOURCE = Source("bundle.yaml", 12)
VALUES = {
    "qps": 1000,
    "db": {"name": "shop", "port": 5432},
    "ports": [{"name": "http", "port": 80}, {"name": None}],
    "items": {"k": 1},
    "labels": {"a": "b"},
}


def evaluate(text: str, **names: object) -> object:
    return compile_expression(text, source=SOURCE).evaluate({"values": VALUES, **names})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(values.qps / 250) | ceil | clamp(2, 50)", 4),
        ("(values.qps * 2) | millicores", "2"),
        ("1500 | millicores", "1500m"),
        ("values.db", {"name": "shop", "port": 5432}),
        ("values.ports | map(attribute='name') | list", ["http", None]),
        ("(1, 2)", [1, 2]),
        ("range(3)", [0, 1, 2]),
        ("values.items.k", 1),
        ("values.labels.items() | list", [["a", "b"]]),
        ("values.labels | items | list", [["a", "b"]]),
        ("values.labels.get('zz')", None),
        ("values['db']['port'] + 1", 5433),
        ("values.ports[-2].port", 80),
        ("values.a.b.c | default(3)", 3),
        ("values.a.b.c is defined", False),
        ("values.ports[9].name | default('x')", "x"),
        ("values.db.name is defined and values.qps > 5", True),
        ("values.qps ~ '/' ~ true ~ '/' ~ none", "1000/true/null"),
        ("'abc'.upper()", "ABC"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("'http' in values.ports | map(attribute='name')", True),
        ("'x' not in values.db", True),
        ("2 ** 10", 1024),
        ("'%s-%03d' % ('a', 7)", "a-007"),
        ("values.ports[1].name is none", True),
        ("10 // 3", 3),
    ],
)
def test_an_expression_keeps_its_own_type(text: str, expected: object) -> None:
    assert evaluate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ values.qps }}", 1000),
        ("{{ values.db }}", {"name": "shop", "port": 5432}),
        ("{{ values.qps > 5 }}", True),
        ("n{{ values.qps }}", "n1000"),
        ("{{ values.qps }} ", "1000 "),
        ("{{ 1 }}{{ 2 }}", "12"),
        ("{{ '}}' }}", "}}"),
        ("{% if values.qps %}yes{% endif %}", "yes"),
        ("a: {{ values.labels | to_yaml }}", "a:\n  a: b"),
    ],
)
def test_a_text_that_is_exactly_one_expression_keeps_its_type(text: str, expected: object) -> None:
    result = evaluate_text(text, {"values": VALUES}, source=SOURCE)
    assert (type(result), result) == (type(expected), expected)


def test_a_text_without_expressions_needs_no_compiling() -> None:
    assert compile_text("{ plain }", source=SOURCE) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("values.qps", {("values", "qps")}),
        ("values.a.b + values['c']['d-e']", {("values", "a", "b"), ("values", "c", "d-e")}),
        ("values.list[0].x", {("values", "list")}),
        ("values[values.key].x", {("values",), ("values", "key")}),
        ("values.db.items() | list", {("values", "db")}),
        ("release.name ~ values.x if site.domain else 1", {("release", "name"), ("values", "x"), ("site", "domain")}),
        ("f(values.a, b=values.b)", {("f",), ("values", "a"), ("values", "b")}),
        ("values | to_json", {("values",)}),
        ("1 + 1", set()),
    ],
)
def test_paths_are_those_written_in_the_expression(text: str, expected: set[tuple[str, ...]]) -> None:
    assert compile_expression(text, source=SOURCE).paths == expected


@pytest.mark.parametrize(
    "text",
    [
        "values.zz",
        "values.zz + 1",
        "1 - values.zz",
        "values.zz * 'a'",
        "-values.zz",
        "not values.zz",
        "values.zz and 1",
        "values.zz == 1",
        "1 != values.zz",
        "values.zz < 1",
        "values.zz in [1]",
        "values.zz in []",
        "1 in values.zz",
        "values.zz not in {}",
        "values.zz ~ 'a'",
        "'%s' % values.zz",
        "[values.zz] | to_json",
        "{'a': values.zz} | to_yaml",
        "[values.zz]",
        "values.zz | upper",
        "values.zz | length",
        "values.zz | list",
        "values.zz | int",
        "values.zz | int(3)",
        "'a' | replace('a', values.zz)",
        "values.zz is none",
        "values.zz is string",
        "values.zz()",
        "values.zz.items()",
        "values.db[values.zz]",
        "range(values.zz)",
        "values.zz | sort | first",
    ],
)
def test_an_undefined_value_fails_wherever_it_is_used(text: str) -> None:
    with pytest.raises(UndefinedValueError) as caught:
        evaluate(text)
    assert "values.zz is not set (values exists with keys: db, items, labels, ports, qps)" in caught.value.context[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("values.db.host", "values.db.host is not set (values.db exists with keys: name, port)"),
        ("values.db.host.zone", "values.db.host.zone is not set (values.db exists with keys: name, port)"),
        ("values.ports[1].name.x", "values.ports[1].name.x is not set (values.ports[1].name is null)"),
        ("values.ports[7]", "values.ports[7] is not set (values.ports is a list of 2)"),
        ("values.db.name.x", "values.db.name.x is not set (values.db.name is a text and has no keys)"),
        ("values.qps.x", "values.qps.x is not set (values.qps is a plain value and has no keys)"),
        ("values.labels['x/y']", "values.labels['x/y'] is not set (values.labels exists with keys: a)"),
        ("nothing", "nothing is not defined"),
        ("valeus.a", "valeus is not defined"),
    ],
)
def test_a_missing_value_is_named_with_its_whole_path_and_what_is_there_instead(text: str, sentence: str) -> None:
    with pytest.raises(UndefinedValueError) as caught:
        evaluate(text)
    assert caught.value.context[0] == f"bundle.yaml:12: {sentence}"


def test_a_misspelt_root_name_gets_a_suggestion() -> None:
    with pytest.raises(UndefinedValueError) as caught:
        evaluate("value.qps")
    assert caught.value.hint.startswith("did you mean values?")


def test_a_method_without_parentheses_is_explained() -> None:
    with pytest.raises(UndefinedValueError) as caught:
        evaluate("values.db.items")
    assert "values.db.items()" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "values.qps +",
        "values.qps | nofilter",
        "values.qps is notest",
        "1 2",
        "(lambda: 1)",
        "",
        "'a' + 1",
        "1 / 0",
        "'abc' | int",
        "values",
        "fail('no')",
        "values.db()",
        "values.db.name()",
        "'x' | b64decode",
        "values.db | ceil",
        "5 | clamp(9, 1)",
        "'' | required('give it')",
        "none | required",
        "'a' | regex_replace('(a+)+', 'x')",
        "'a' | regex_replace('(?=a)', 'x')",
        "(1e308 * 10) | ceil",
        "namespace(a=1)",
        "'%s' % [range]",
        "'%r' % range",
        "[range] | upper",
        "{'a': range} | urlencode",
    ],
)
def test_a_failing_expression_is_an_error_in_three_parts(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text) if text != "values" else evaluate("range")
    assert caught.value.context[0].startswith("bundle.yaml:12: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__",
        "values.__class__",
        "values.update({'a': 1})",
        "''.format.__globals__",
        "values.ports.append(1)",
        "'{0.__class__}'.format(values)",
        "range.__self__",
        "dict.fromkeys([1])",
        "values['__class__']",
        "values.ports[0].pop('name')",
        "'a' | attr('__class__')",
        "[1] | random",
        "lipsum()",
        "cycler('a')",
        "values.db.values.__self__",
        "'' | urlize",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    with pytest.raises((ExpressionError, UndefinedValueError)):
        evaluate(text)
    assert VALUES["ports"] == [{"name": "http", "port": 80}, {"name": None}]


@pytest.mark.parametrize(
    "text",
    [
        "'a' * 100000000",
        "100000000 * 'a'",
        "[1] * 100000000",
        "(range(900000) | list) + (range(900000) | list)",
        "9 ** 9 ** 9 ** 9 ** 9",
        "10 ** 5000",
        "(2 ** 2000) * (2 ** 2000) * (2 ** 2000)",
        "range(2000000)",
        "range(900000) | list | length + range(900000) | list | length",
        "'%99999d' % 1",
        "'%*d' % (99999, 1)",
        "'a' | replace('a', 'b' * 1000000) | replace('b', 'c' * 1000000)",
        "[1] | slice(100000000) | list",
        "[1] | batch(100000000, 0) | list",
        "(['a' * 1000000] * 100) | join",
        "('aaaaaaaaaa' * 20) | regex_replace('a*a*a*a*b', 'x')",
        "('a\n' * 1000000) | indent(900)",
        "'9' * 9000000 ~ '9' * 9000000",
    ],
)
def test_growth_is_bounded_by_counts(text: str) -> None:
    with pytest.raises(TemplateLimitError) as caught:
        evaluate(text)
    assert caught.value.hint


def test_bounds_can_be_given() -> None:
    expression = compile_expression("range(10) | list | length", source=SOURCE)
    assert expression.evaluate({}) == 10
    with pytest.raises(TemplateLimitError):
        expression.evaluate({}, bounds=Bounds(max_steps=5))


def test_widths_out_of_range_are_refused() -> None:
    for text in ("'a' | center(100000000)", "'a' | indent(100000000)", "1.5 | round(-100000000)"):
        with pytest.raises(BundlerError):
            evaluate(text)


def test_values_are_never_changed() -> None:
    before = repr(VALUES)
    evaluate("values.ports | sort(attribute='port', reverse=true) | list if false else values.ports | reverse | list")
    assert repr(VALUES) == before
