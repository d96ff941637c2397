from __future__ import annotations

import pytest

from bundler.syntax.events import Mark, YamlSyntaxError
from bundler.syntax.objects import ANNOTATIONS, LABELS, METADATA, ROOT, read_objects
from bundler.syntax.reader import read_documents

TEXTS = {
    "block": "# head\nkind: A\nmetadata:\n  name: x\n  labels:\n    a: b\n  annotations: {c: d}\n",
    "two": "---\n# s\nkind: A\nmetadata: {name: x, labels: {}}\n---\nkind: B\nmetadata:\n    name: y\n",
    "empty between": "---\n---\n# nothing\n---\nkind: B\nmetadata: {name: b}\n...\n---\n- 1\n",
    "anchors": "---\nkind: A\nmetadata: &m\n  name: x\n  labels: !!map {a: &v b}\n---\nkind: B\nmetadata:\n  name: y\n",
    "indented": "---\n  kind: A\n  metadata:\n    name: x\n    labels:\n      - no\n",
    "odd": "kind: A\nmetadata:\n  labels: *x\n".replace("*x", "null"),
    "json": '{"kind": "A", "metadata": {"name": "x", "annotations": {"a": "b"}}}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_fast_reader_agrees_with_the_careful_one(text: str) -> None:
    objects = read_objects(text)
    documents = [document for document in read_documents(text) if document.value is not None]
    assert [one.value for one in objects] == [document.value for document in documents]
    for one, document in zip(objects, documents, strict=True):
        for path, mark in one.marks.items():
            assert mark == document.marks["".join(f"/{step}" for step in path)]
        assert one.start_line == document.start_line
        assert one.detail() == document


def test_marks_say_where_to_splice() -> None:
    text = TEXTS["block"]
    (one,) = read_objects(text)
    assert one.marks == {
        ROOT: Mark(text.index("kind"), 2, 0),
        METADATA: Mark(text.index("name: x"), 4, 2),
        LABELS: Mark(text.index("a: b"), 6, 4),
        ANNOTATIONS: Mark(text.index("{"), 7, 15, is_flow=True),
    }


def test_an_alias_has_no_mark() -> None:
    (one,) = read_objects("x: &l {a: b}\nmetadata:\n  labels: *l\n")
    assert set(one.marks) == {ROOT, METADATA}


def test_lines_count_in_the_whole_text_and_fall_back_to_the_parent() -> None:
    _, second = read_objects("kind: A\n---\nkind: B\nspec:\n  ports:\n  - 1\n  - 2\n")
    assert second.detail().line_of("/spec/ports/1") == 7
    assert second.detail().line_of("/spec/ports/9/name") == 5
    assert second.detail().line_of("/nothing") == 3


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 1\nb: 2\n", "? [a]\n: 1\n", "a: 1\n<<: 2\n", "?\n: 1\n", "[" * 200])
def test_what_is_wrong_is_explained_by_the_careful_reader(text: str) -> None:
    with pytest.raises(YamlSyntaxError) as fast:
        read_objects(text)
    with pytest.raises(YamlSyntaxError) as careful:
        read_documents(text)
    assert str(fast.value) == str(careful.value)


def test_many_lines_of_dashes_are_no_documents() -> None:
    dashes = "----\n" * 60
    with pytest.raises(YamlSyntaxError):
        read_objects(f"a: 1\n{dashes}")
    assert [one.value for one in read_objects(dashes)] == [" ".join(["----"] * 60)]
