"""Names that carry the content of an object."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings, strategies as st

from bundler.errors.bundle import ExpressionError, UndefinedValueError
from bundler.expressions import content_names
from bundler.expressions.content_names import digest_name
from bundler.expressions.expression import compile_expression
from bundler.model.manifest import Source
from bundler.model.names import is_dns_label

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,90}[a-z0-9])?", fullmatch=True)
DATA = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4)


def evaluate(text: str, **names: object) -> object:
    return compile_expression(text, source=Source("bundle.yaml", 1)).evaluate(names)


def test_a_name_is_the_same_for_ever() -> None:
    """These names are in clusters: another one would make a new object, and new pods, of every release."""
    assert digest_name("shop-web", {"PORT": "8080", "LEVEL": "info"}) == "shop-web-0f1a9be7"
    assert digest_name("shop-web", {}) == "shop-web-8ca004b3"
    assert digest_name("shop-web", {"text": "größer\n", "0": ""}) == "shop-web-ec48a469"


@settings(max_examples=50)
@given(NAMES, DATA)
def test_a_name_is_a_label_of_its_stem_and_eight_digits_whatever_the_order_of_keys(name: str, data: dict) -> None:
    made = digest_name(name, data)
    assert made == digest_name(name, dict(reversed(data.items())))
    assert is_dns_label(made)
    assert len(made) <= 63
    assert re.fullmatch(r"(.*)-[0-9a-f]{8}", made)[1] == name[:54].rstrip("-")


@pytest.mark.medium
def test_another_content_and_another_stem_have_another_name() -> None:
    contents = [{}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {"a": "1b"}, {"a1": ""}]
    long = "a" * 60
    stems = ["a", "b", long, f"{long}b", f"{long}c", f"{long}-"]
    made = {digest_name(stem, data) for stem in stems for data in contents}
    assert len(made) == len(stems) * len(contents)


def test_numbers_and_booleans_count_as_they_are_printed() -> None:
    made = evaluate("digest_name('a', {'n': 1.10, 'b': true, 'i': 5, 7: 'x'})")
    assert made == digest_name("a", {"n": "1.10", "b": "true", "i": "5", "7": "x"})


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("digest_name('a', ['x'])", "takes a mapping of texts, not a list"),
        ("digest_name('a', 'x')", "takes a mapping of texts, not a text"),
        ("digest_name('a', none)", "takes a mapping of texts, not null"),
        ("digest_name('a', {'ports': [1]})", "takes a mapping of texts; ports is a list"),
        ("digest_name('a', {'ports': {}})", "takes a mapping of texts; ports is a mapping"),
        ("digest_name('a', {'ports': none})", "takes a mapping of texts; ports is null"),
        ("digest_name('', {})", "takes a name and the content of a ConfigMap or Secret"),
        ("digest_name({}, 'a')", "takes a name and the content of a ConfigMap or Secret"),
    ],
)
def test_what_is_no_name_and_no_mapping_of_texts_is_refused(call: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(call)
    assert problem in caught.value.context[0]
    assert caught.value.hint


@pytest.mark.parametrize(
    "call", ["digest_name(values.x, {})", "digest_name('a', values.x)", "digest_name('a', {'b': values.x})"]
)
def test_what_is_not_set_is_named_by_its_path(call: str) -> None:
    with pytest.raises(UndefinedValueError, match="expression") as caught:
        evaluate(call, values={})
    assert "values.x is not set" in caught.value.context[0]


def test_the_error_does_not_quote_a_value() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("digest_name('a', v)", v={"token": ["hunter2hunter2"]})
    assert "hunter2" not in str(caught.value.context)


def test_a_secret_name_depends_on_what_it_is_made_of_alone_and_is_not_the_plain_one() -> None:
    login = {"token": "t0p-s3cret-enough"}
    made = digest_name("shop-login", login, secret=True)
    assert made == digest_name("shop-login", dict(login), secret=True) == "shop-login-726cf118"
    assert made != digest_name("shop-login", login)
    assert made != digest_name("shop-login", {"token": "t0p-s3cret-enougi"}, secret=True)


def test_a_guess_at_a_secret_content_costs_milliseconds_and_equal_contents_do_not_look_equal() -> None:
    secret = {"pin": "0000"}
    content_names._slow_digest.cache_clear()
    began = time.perf_counter()
    made = {digest_name(f"shop-{number}", secret, secret=True)[-8:] for number in range(10)}
    assert time.perf_counter() - began > 0.01
    assert len(made) == 10
    assert len({digest_name(f"shop-{number}", secret)[-8:] for number in range(10)}) == 10


def test_a_template_says_which_content_is_secret() -> None:
    made = evaluate("digest_name('a', {'b': 'c'}, secret=true)")
    assert made == digest_name("a", {"b": "c"}, secret=True)
    with pytest.raises(ExpressionError) as caught:
        evaluate("digest_name('a', {'b': 'c'}, secret='yes')")
    assert "takes true or false, not a text" in caught.value.context[0]
    with pytest.raises(UndefinedValueError):
        evaluate("digest_name('a', {'b': 'c'}, secret=values.x)", values={})
