from __future__ import annotations

import pytest
import yaml

from bundler.syntax.events import Mark, YamlSyntaxError
from bundler.syntax.limits import Limits
from bundler.syntax.reader import read_document, read_documents, read_first


def value_of(text: str) -> object:
    return read_document(text).value


def test_documents_are_read_with_their_start_and_the_line_of_every_value() -> None:
    first, second = read_documents("a:\n  b: [1, 2]\n  c/d~e: x\n---\n# note\n- y\n-\n  z: 1\n")
    assert first.value == {"a": {"b": [1, 2], "c/d~e": "x"}}
    assert first.lines == {"": 1, "/a": 1, "/a/b": 2, "/a/b/0": 2, "/a/b/1": 2, "/a/c~1d~0e": 3}
    assert (first.start_line, second.start_line) == (1, 4)
    assert second.value == ["y", {"z": 1}]
    assert second.lines["/1/z"] == 8


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a note\n", None),
        ("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
        ("8080: x\ntrue: y\nyes: z\n~: n\n", {"8080": "x", "true": "y", "yes": "z", "~": "n"}),
        (
            "a: 'yes'\nb: yes\nc: \"1\"\nd: !!str 1\ne: ! 1\nf: !!int 1\n",
            {"a": "yes", "b": "yes", "c": "1", "d": "1", "e": "1", "f": 1},
        ),
        ("a: !!map {}\nb: !!seq []\nc: !!null ~\n", {"a": {}, "b": [], "c": None}),
        ("base: &b {x: 1}\ncopy: *b\n", {"base": {"x": 1}, "copy": {"x": 1}}),
        ("&k key: 1\nother: *k\n", {"key": 1, "other": "key"}),
        ("&k key: {*k : 1}\n", {"key": {"key": 1}}),
        ("'<<': 1\n", {"<<": 1}),
        ("'': 1\n", {"": 1}),
        ("d: 2001-01-01\n", {"d": "2001-01-01"}),
    ],
)
def test_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}),
        ("b: {y: 3, <<: {x: 1, y: 2}}\n", {"b": {"x": 1, "y": 3}}),
        ("b: {<<: [{x: 1}, {x: 2, y: 2}]}\n", {"b": {"x": 1, "y": 2}}),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n",
            {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 2}},
        ),
        ("a: &a {d: {x: 1}}\nb: {<<: *a, d: {y: 2}}\n", {"a": {"d": {"x": 1}}, "b": {"d": {"y": 2}}}),
        ("b: {<<: []}\n", {"b": {}}),
        ("b: {'<<': 1}\n", {"b": {"<<": 1}}),
    ],
)
def test_merge_keys_are_read_as_other_readers_do(text: str, value: object) -> None:
    assert value_of(text) == value == yaml.safe_load(text)


def test_what_a_merge_key_brings_stands_in_its_line() -> None:
    document = read_document("a: &a {x: 1}\nb:\n  y: 2\n  <<: *a\n")
    assert (document.lines["/b/x"], document.lines["/b/y"]) == (4, 3)


def test_merge_keys_count_against_the_limit_of_aliases() -> None:
    text = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{b: {{<<: *a{n - 1}}}, c: {{<<: *a{n - 1}}}}}\n" for n in range(1, 30)
    )
    with pytest.raises(YamlSyntaxError, match="aliases stand for more than"):
        read_document(text)


def test_the_first_document_is_read_as_go_does() -> None:
    assert read_first("---\na: !!binary dG9rZW4=\n---\n: [broken\n") == {"a": "token"}
    assert read_first("") is None
    with pytest.raises(YamlSyntaxError, match="base64"):
        read_first("a: !!binary '?'\n")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'duplicate key "a"; first set in line 1'),
        ("x:\n  1: a\n  '1': b\n", 3, 3, 'duplicate key "1"; first set in line 2'),
        ("c:\n  <<: text\n", 2, 7, "as a merge key it takes a mapping"),
        ("c:\n  <<: [{a: 1}, 2]\n", 2, 7, "as a merge key it takes a mapping"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", 4, 3, 'duplicate key "<<"; first set in line 3'),
        ("?\n: x\n", 1, 2, "a key is missing"),
        ("a: !!binary aGk=\n", 1, 4, "the tag !!binary"),
        ("a: !mine x\n", 1, 4, "quote a text that begins with !"),
        ("a: !!int x\n", 1, 4, "the tag !!int"),
        ("a: !!set {b}\n", 1, 4, "the tag !!set"),
        ("a: *x\n", 1, 4, "no anchor before it"),
        ("a: &x [*x]\n", 1, 8, "no anchor before it"),
        ("a: {{ values.x }}\n", 1, 5, "quote a value that starts with {{"),
        ("? [a]\n: b\n", 1, 3, "cannot be a key"),
        ("k: &x [1]\n*x : b\n", 2, 1, "must stand for a string"),
        ("a: [1\n", 2, 1, "expected"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("\ta: 1\n", 1, 1, "cannot start any token"),
        ("a: 1\nb: \x01\n", 2, 4, "U+0001"),
        ("é: 1\nb: x\ud800\n", 2, 5, "U+D800"),
    ],
)
def test_broken_text_is_refused_with_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(YamlSyntaxError, match=r"line \d+, column \d+: .+") as caught:
        read_documents(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.problem


@pytest.mark.parametrize(
    "text", ["*Zx9secretQ1", "!Zx9secretQ1", "!Zx9secretQ1 rest", "!Zx9secretQ1 {a: 1}", "!<Zx9secretQ1> x"]
)
def test_a_password_without_the_quotes_it_needs_is_not_told(text: str) -> None:
    with pytest.raises(YamlSyntaxError) as caught:
        read_documents(f"password: {text}\n")
    assert "Zx9secretQ1" not in str(caught.value)
    assert caught.value.line == 1


def test_a_second_document_in_a_file_of_one_is_refused() -> None:
    with pytest.raises(YamlSyntaxError) as caught:
        read_document("a: 1\n---\nb: 1\n")
    assert caught.value.line == 2


def test_nesting_is_bounded() -> None:
    assert read_documents("[" * 100 + "]" * 100)
    with pytest.raises(YamlSyntaxError, match="limit of 100"):
        read_documents("[" * 102 + "]" * 102)
    with pytest.raises(YamlSyntaxError):
        read_documents("[" * 100_000)


def test_aliases_are_bounded_by_what_they_stand_for() -> None:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(YamlSyntaxError, match="aliases stand for more than 10000 values"):
        read_documents("\n".join(levels))
    assert read_documents("a: &a [1, 2]\nb: [*a, *a]\n", limits=Limits(max_alias_nodes=6))
    with pytest.raises(YamlSyntaxError):
        read_documents("a: &a [1, 2]\nb: [*a, *a]\n", limits=Limits(max_alias_nodes=5))


def test_size_is_bounded_in_bytes() -> None:
    limits = Limits(max_bytes=10)
    assert read_documents("a: éé\n", limits=limits)
    with pytest.raises(YamlSyntaxError, match="limit of 10 bytes"):
        read_documents("a: éééé\n", limits=limits)


def test_marks_are_at_the_value_itself_whatever_stands_before_it() -> None:
    text = "a: &x !!map\n  k: 1\nb: !!map {q: 1}\nc: &y\n  [1]\n"
    marks = read_document(text).marks
    assert marks["/a"] == Mark(text.index("k:"), 2, 2)
    assert marks["/b"] == Mark(text.index("{"), 3, 9, is_flow=True)
    assert marks["/c"] == Mark(text.index("["), 5, 2, is_flow=True)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, {y: 'z'}]\n---\n- é\n- |\n  t\n",
        "a: &x {b: 1}\nc: *x\n",
        "a: 1\na: 2\n",
        "a: [1\n",
        "b: \x01\n",
        "c: \ud800\n",
    ],
)
def test_a_pyyaml_without_its_c_parser_reads_alike(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    fast = outcome(text)
    monkeypatch.setattr("bundler.syntax.events._PARSER", yaml.SafeLoader)
    assert outcome(text) == fast


def outcome(text: str) -> object:
    try:
        return [(document.value, document.lines, document.marks) for document in read_documents(text)]
    except YamlSyntaxError as error:
        return error.line
