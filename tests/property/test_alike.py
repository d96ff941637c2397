"""Documents that are alike are read as the parser reads them, or as wrong as it finds them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from bundler.syntax.events import DEFAULT_LIMITS, YamlSyntaxError, open_events, translating
from bundler.syntax.objects import ObjectDocument, _FastReader, _NeedsCareError, _read_with_care, read_objects
from tests.lib.laws import examples

SHAPES = [
    "kind: A\nmetadata:\n  name: n\n  labels: {a: b}\ndata: {k: v}\n",
    "kind: A\nmetadata: {name: n, labels: {app: x, tier: y}, annotations: {}}\nspec:\n  - {name: http, port: 80}\n  - 1\n",
    "# a comment, before\nkind: A # and after\nmetadata:\n  annotations:\n    # inside\n    x.io/y: 'single'\n  name: \"double\"\n",
    "kind: A\nmetadata:\n  name: a b  c\nspec:\n- - 1\n  - x: y\n    z: [1, 2.5, ~, null, yes, 0x1f]\n-\n- k:\n",
    "kind: A\nmetadata:\n  labels: null\nspec: |\n  block a\n  b\nlast: >-\n  folded\n",
    "kind: A\nmetadata:\n  name: \"es\\x41c\"\nspec: 'it''s'\n",
    "kind: A\nmetadata:\n  name: over\n    two lines\n",
    "kind: A\nmetadata:\n  labels: &one {a: b}\nspec: *one\n",
    "kind: A\nmetadata: {a: 1, b: 2, c: 3}\nspec: {a: {a: {a: {}}}, b: []}\n",
    "kind: A\nmetadata:\n  name: ünïcode-x\nspec: {üa: 1}\n",
    "a word\n",
    "- kind: A\n- metadata: {name: x}\n",
    "# nothing but a comment\n",
    "",
    "kind: !!str A\n",
    "kind: [A\n",
    "a: b: c\n",
]
WORDS = st.sampled_from(
    ["a", "b", "x1", "1", "12", "0", "true", "null", "_", "A9_z", "metadata", "labels", "kind", "1e3"]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Sixty documents of a few shapes, their words changed at random; a separator of any spelling."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    changes = draw(st.booleans())
    pieces = []
    for number in range(60):
        shape = shapes[number % len(shapes)]
        if changes and draw(st.integers(0, 3)) == 0:
            new = draw(WORDS)
            spots = [match.span() for match in re.finditer("[A-Za-z0-9_]+", shape)]
            if spots:
                begin, end = draw(st.sampled_from(spots))
                shape = shape[:begin] + new + shape[end:]
        pieces.append(shape)
    first = draw(st.sampled_from(["", "---\n", "# top\n---\n", "\n\n"]))
    between = draw(st.sampled_from(["---\n", "--- # note\n", "---\n\n", "---\t\n"]))
    return first + between.join(pieces) + draw(st.sampled_from(["", "\n", "---\n"]))


def as_parsed(text: str) -> list[ObjectDocument] | tuple[str, int, int]:
    try:
        with translating(text):
            return _FastReader(open_events(text, DEFAULT_LIMITS), text, DEFAULT_LIMITS).documents()
    except _NeedsCareError:
        try:
            return _read_with_care(text, DEFAULT_LIMITS)
        except YamlSyntaxError as error:
            return error.problem, error.line, error.column
    except YamlSyntaxError as error:
        return error.problem, error.line, error.column


def as_read(text: str) -> list[ObjectDocument] | tuple[str, int, int]:
    try:
        return read_objects(text)
    except YamlSyntaxError as error:
        return error.problem, error.line, error.column


@settings(max_examples=examples(150), deadline=None)
@given(texts())
def test_documents_that_are_alike_are_read_as_the_parser_reads_them(text: str) -> None:
    assert as_read(text) == as_parsed(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_repeated_reads_as_the_parser_reads_it(shape: str) -> None:
    text = "---\n" + "---\n".join(shape.replace("A", f"A{number}") for number in range(60))
    assert as_read(text) == as_parsed(text)


@pytest.mark.parametrize(
    "odd",
    [
        "kind: A\r\nb: c\n",
        "kind: A\n...\n",
        "%YAML 1.2\n---\nkind: A\n",
        f"{'k' * 1100}: v\n",
        f"{'k ' * 600}: v\n",
        "kind: A\x85b: c\n",
    ],
)
def test_what_no_eye_could_split_is_left_to_the_parser(odd: str) -> None:
    text = "---\n" + "---\n".join(["kind: A\n"] * 60 + [odd] * 3)
    assert as_read(text) == as_parsed(text)


def test_keys_that_become_the_same_are_found() -> None:
    text = "---\n".join([f"a{number}: 1\nb: 2\n" for number in range(60)] + ["b: 1\nb: 2\n"])
    with pytest.raises(YamlSyntaxError, match=r"duplicate|twice|already"):
        read_objects(text)


def test_types_come_from_the_words_of_each_document() -> None:
    words = ["1", "x", "true", "null", "0x10", "1e3", "007"] * 10
    text = "---\n".join(f"kind: {word}\nplain: '{word}'\n" for word in words)
    values = [document.value for document in read_objects(text)]
    assert values == [
        {"kind": one, "plain": word}
        for word, one in zip(words, [1, "x", True, None, 16, 1000.0, "007"] * 10, strict=True)
    ]
