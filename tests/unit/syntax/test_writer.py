from __future__ import annotations

import math
import re

import pytest
import yaml
from hypothesis import example, given, strategies as st

from bundler.syntax.reader import read_document, read_documents
from bundler.syntax.scalars import YamlFloat
from bundler.syntax.writer import dump_documents, dump_yaml

RETYPED = [
    "y",
    "Y",
    "n",
    "N",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
    "true",
    "True",
    "false",
    "False",
    "null",
    "Null",
    "NULL",
    "~",
    "=",
    "<<",
    "0",
    "-1",
    "+1",
    "1000",
    "1_000",
    "007",
    "0o17",
    "0x1F",
    "0b101",
    "12:30:00",
    "190:20:30.15",
    "1:2",
    "1e5",
    "1E5",
    "1e+5",
    "1.5",
    ".5",
    "5.",
    "1.10",
    "1.2.3",
    ".inf",
    "-.inf",
    ".nan",
    ".NaN",
    "2001-01-01",
    "2001-1-1T1:1:1Z",
    "0777",
    "1234e567",
    "8080",
    "10.0.0.1",
    "-",
    "--",
    "---",
    "...",
    "?",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    "&",
    "*",
    "!",
    "|",
    ">",
    "'",
    '"',
    "%",
    "@",
    "`",
]
RETYPED += [
    "",
    " ",
    " a",
    "a ",
    "a: b",
    "a:",
    "a #b",
    "- a",
    "? a",
    "#a",
    "&a",
    "*a",
    "!a",
    "{{ x }}",
    "[a]",
    "\t",
    "a\tb",
    "a\rb",
    "\x07",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufeff",
    "2001-01-01 10:00",
]


@pytest.mark.parametrize("text", RETYPED)
def test_what_some_reader_would_retype_is_quoted(text: str) -> None:
    dumped = dump_yaml({text: text, "list": [text]})
    assert dumped.startswith(('"', "'"))
    assert yaml.load(dumped, yaml.CSafeLoader) == read_document(dumped).value == {text: text, "list": [text]}


@pytest.mark.parametrize(
    "text",
    [
        "web",
        "10Gi",
        "500m",
        "nginx:1.27-alpine",
        "a/b",
        "/healthz",
        "app.kubernetes.io/name",
        "hello world",
        "http://x:80/a#b",
        "1.27-alpine",
        "é",
        "a,b",
        "it's",
        "$(HOME)",
        "a{b}",
    ],
)
def test_ordinary_text_is_plain(text: str) -> None:
    assert dump_yaml({"k": text}) == f"k: {text}\n"


def test_block_style_keeps_the_order_and_looks_like_kubectl() -> None:
    value = {"b": {"z": 1, "x": [{"name": "a", "ports": [80, 443]}, [1, [2]], {}, [], None, True]}, "a": {}, "e": ""}
    assert dump_yaml(value) == (
        "b:\n  z: 1\n  x:\n  - name: a\n    ports:\n    - 80\n    - 443\n  - - 1\n    - - 2\n  - {}\n  - []\n  - null\n  - true\n"
        'a: {}\ne: ""\n'
    )


def test_every_line_but_the_first_is_indented() -> None:
    assert (
        dump_yaml({"a": 1, "b": ["x"], "c": "1\n2\n"}, indent=4)
        == "a: 1\n    b:\n    - x\n    c: |\n      1\n      2\n"
    )
    assert dump_yaml("one\n\ntwo", indent=2) == "|-\n    one\n\n    two\n"


@pytest.mark.parametrize(
    ("text", "style"),
    [("a\nb\n", "|"), ("a\nb", "|-"), ("a\n\n\n", "|+"), ("a\n  b\n\n c", "|-"), ("---\n...\n", "|"), ("a\n#b", "|-"),
     (" a\nb", '"'), ("\na", '"'), ("a\n  \nb", '"'), ("a\r\nb", '"'), ("\n", '"'), ("a\nb\n ", '"'), ("a\x85\nb", '"')],
)  # fmt: skip
def test_text_of_several_lines_is_a_literal_block_where_that_is_exact(text: str, style: str) -> None:
    for value in ({"k": text}, [text], text, {"k": [text, {"j": text, "z": 1}], "l": 1}):
        dumped = dump_yaml(value)
        assert yaml.load(dumped, yaml.CSafeLoader) == read_document(dumped).value == value
    assert dump_yaml({"k": text})[3:].startswith(style)


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.5, "1.5"), (YamlFloat("1.10"), "1.10"), (YamlFloat("1e3"), "1.0e+3"), (YamlFloat("-1.5E-3"), "-1.5e-3"),
     (YamlFloat(".5"), ".5"), (1e16, "1.0e+16"), (1e-7, "1.0e-07"), (math.inf, ".inf"), (-math.inf, "-.inf"),
     (YamlFloat("5."), "5."), (0.0, "0.0")],
)  # fmt: skip
def test_floats_are_floats_for_every_reader(number: float, text: str) -> None:
    assert dump_yaml(number) == f"{text}\n"
    assert yaml.load(dump_yaml(number), yaml.CSafeLoader) == read_document(dump_yaml(number)).value == number
    assert dump_yaml(math.nan) == ".nan\n"


def test_a_very_long_key_is_written_explicitly() -> None:
    for item in (1, [1, 2], {"a": 1}, "x\ny\n"):
        value = {"a": {"k" * 2000: item, "z": 1}}
        dumped = dump_yaml(value)
        assert yaml.load(dumped, yaml.CSafeLoader) == read_document(dumped).value == value


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert read_document(dump_yaml("x\ud800")).value == "x\ufffd"


@pytest.mark.parametrize("mark", ["\u061c", "\u200f", "\u202e", "\u2066", "\x9b", "\x7f"])
def test_marks_that_steer_a_terminal_are_written_as_escapes(mark: str) -> None:
    for text in (f"a{mark}b", f"first\n{mark}second\n"):
        written = dump_yaml({text: text})
        assert mark not in written
        assert read_documents(written)[0].value == {text: text}


def test_documents_are_separated() -> None:
    text = dump_documents([{"a": 1}, "x\ny\n\n", None, []])
    assert [document.value for document in read_documents(text)] == [{"a": 1}, "x\ny\n\n", None, []]


PLAIN = re.compile(
    r"""(?x)(?!\.\.\.)[\w/.$(+]
    (?: [\w/.$()+@%=,;~*&!<>|{}\[\]'"^\\?`-] | :(?=[^\s]) | [ ](?=[^\s\#]) | \#(?<![ ]\#) )*"""
)
ANY_CHAR = st.characters() | st.sampled_from(":: ##  ..-'\"[]{}!&*\t\n\u00a0\u0663\u00b2\u2028")


@given(st.text(ANY_CHAR, max_size=6))
@example(" #")
@example(":\n")
@example("...")
@example("\u00e9: ")
def test_a_text_stands_without_quotes_where_the_pattern_lets_it(text: str) -> None:
    for whole in (f"zz{text}", f"{text}zz"):  # neither is a word or a number to any reader
        assert (dump_yaml(whole) == f"{whole}\n") == (PLAIN.fullmatch(whole) is not None)


def test_each_latin_character_is_plain_or_not_as_the_pattern_says() -> None:
    texts = [text for code in range(0x180) for text in (f"{chr(code)}zz", f"z{chr(code)}z", f"zz{chr(code)}")]
    wrong = [text for text in texts if (dump_yaml(text) == f"{text}\n") != (PLAIN.fullmatch(text) is not None)]
    assert wrong == []
