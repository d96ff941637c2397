"""Laws of the YAML reader and writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given, settings, strategies as st

from bundler.syntax.objects import read_objects
from bundler.syntax.reader import YamlSyntaxError, read_document, read_documents
from bundler.syntax.scalars import resolve_plain
from bundler.syntax.writer import dump_documents, dump_yaml
from tests.lib.laws import examples

if TYPE_CHECKING:
    from collections.abc import Callable

_TRICKY = st.text(
    alphabet=st.sampled_from("0123456789+-._:eExXoObBnyYNTZ~<= #\n\r\t'\"{}[],&*!|>%@`é\x85\u2028\ufeff\x00\x7f\\/")
)
TEXTS = st.one_of(st.text(), _TRICKY, st.text(alphabet="0123456789.eE+-_:"), st.text(alphabet="a \n"))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def typed(value: object) -> object:
    """Tell 1 from True and from 1.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    kind = next(kind for kind in (bool, int, float, str, type(None)) if isinstance(value, kind))
    return (kind.__name__, value)


@given(VALUES, st.integers(0, 8))
@settings(max_examples=examples(400))
def test_what_is_written_reads_back_alike_in_yaml_1_1_and_1_2(value: object, indent: int) -> None:
    text = " " * indent + dump_yaml(value, indent=indent)
    assert typed(read_document(text).value) == typed(value)
    assert typed(yaml.load(text, yaml.CSafeLoader)) == typed(value)


@given(TEXTS)
@settings(max_examples=examples(500))
def test_text_stays_text_in_any_position(text: str) -> None:
    value = {"a": text, "b": [text, [text]], text: {"c": text}}
    dumped = dump_yaml(value)
    assert read_document(dumped).value == value
    assert yaml.load(dumped, yaml.CSafeLoader) == value


@given(TEXTS)
@settings(max_examples=examples(500))
def test_a_plain_scalar_loses_no_character(text: str) -> None:
    value = resolve_plain(text)
    if isinstance(value, float | str):
        assert str(value).lower() == text.lower()


@settings(max_examples=examples(100))
@given(
    st.lists(
        st.one_of(
            VALUES,
            st.fixed_dictionaries(
                {"kind": TEXTS, "metadata": st.dictionaries(st.sampled_from(["name", "labels", "annotations"]), VALUES)}
            ),
        ),
        max_size=4,
    )
)
def test_the_fast_reader_agrees_with_the_careful_one(values: list[object]) -> None:
    text = dump_documents(values)
    documents = [one for one in read_documents(text) if one.value is not None]
    objects = read_objects(text)
    assert [(one.value, one.start_line) for one in objects] == [(one.value, one.start_line) for one in documents]
    assert all(one.detail() == document for one, document in zip(objects, documents, strict=True))


@given(st.text(alphabet="ab:- \n\t{}[],&*!|>'\"#?1<\ufeff\x00%@`"))
@settings(max_examples=examples(1000))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    careful, fast = (outcome(read, text) for read in (read_documents, read_objects))
    assert careful == fast
    assert not isinstance(careful, tuple) or min(careful[0], careful[1]) >= 1


def outcome(read: Callable[[str], list[Any]], text: str) -> object:
    try:
        return [one.value for one in read(text) if one.value is not None]
    except YamlSyntaxError as error:
        return (error.line, error.column, error.problem)
