from __future__ import annotations

from typing import Any

import pytest

from bundler.errors.bundle import ValuesPathError
from bundler.syntax.written_path import Match, format_path
from bundler.values.paths import (
    get_value,
    parse_path,
    pointer_as_path,
    pointer_to,
    pointer_tokens,
    set_value,
    unset_value,
)

PATHS: list[tuple[str, tuple[Any, ...]]] = [
    ("a", ("a",)),
    ("a.b", ("a", "b")),
    ("a-b.c_d", ("a-b", "c_d")),
    ('a["x.y/z"]', ("a", "x.y/z")),
    ("a['x.y/z']", ("a", "x.y/z")),
    ('["a b"].c', ("a b", "c")),
    ('a["say \\"hi\\""]', ("a", 'say "hi"')),
    ("list[2]", ("list", 2)),
    ("list[0].f", ("list", 0, "f")),
    ("list[1][2]", ("list", 1, 2)),
    ("list[name=web]", ("list", Match("name", "web"))),
    ("list[name=web].ports[0]", ("list", Match("name", "web"), "ports", 0)),
    ("list[name=a b.c]", ("list", Match("name", "a b.c"))),
    ("a.0", ("a", "0")),
    ("größe", ("größe",)),
]


@pytest.mark.parametrize(("text", "steps"), PATHS)
def test_a_path_is_read(text: str, steps: tuple[Any, ...]) -> None:
    assert parse_path(text) == steps
    assert parse_path(format_path(steps)) == steps


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[-1]", "a[x]", "a b", 'a["x]', "a]", "a\\.b", "=", "a[1]b"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValuesPathError) as caught:
        parse_path(text)
    assert "column" in caught.value.context[0]
    assert caught.value.hint


def test_a_backslash_as_helm_writes_it_gets_the_hint_for_dots() -> None:
    with pytest.raises(ValuesPathError) as caught:
        parse_path("annotations.a\\.b")
    assert caught.value.hint == 'write a key with a dot as a["x.y"]'


def test_a_pointer_escapes_slashes_and_tildes() -> None:
    assert pointer_to(["a/b", "c~d", 0]) == "/a~1b/c~0d/0"
    assert pointer_tokens("/a~1b/c~0d/0") == ("a/b", "c~d", "0")
    assert pointer_as_path("/a~1b/0", {"a/b": [1]}) == "a/b[0]"


VALUES: dict[str, Any] = {"a": {"b": 1}, "list": [{"name": "web", "f": 1}, {"name": "db"}, {"name": "db"}]}


def test_a_value_is_set_where_its_path_leads_and_nothing_else_moves() -> None:
    changed = set_value(VALUES, parse_path("list[name=web].f"), 2)
    assert changed == {"a": {"b": 1}, "list": [{"name": "web", "f": 2}, {"name": "db"}, {"name": "db"}]}
    assert VALUES["list"][0]["f"] == 1


def test_missing_mappings_are_made() -> None:
    assert set_value({"a": 1}, parse_path("a.b.c"), 2) == {"a": {"b": {"c": 2}}}


def test_a_missing_value_is_none() -> None:
    assert get_value(VALUES, parse_path("a.x.y")) is None
    assert get_value(VALUES, parse_path("list[1].name")) == "db"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("list[3]", "list: it has 3 items, the first is number 0"),
        ("list[name=cache].f", "list: no item has name=cache (there are: db, web)"),
        ("list[name=db].f", "list: 2 items have name=db"),
        ("a[0]", "a: it is not a list"),
        ("nothing[0]", "nothing: it is not set"),
    ],
)
def test_a_step_that_leads_nowhere_says_what_is_there(path: str, found: str) -> None:
    with pytest.raises(ValuesPathError) as caught:
        set_value(VALUES, parse_path(path), 1)
    assert caught.value.context == (found,)


def test_unsetting_takes_empty_mappings_away() -> None:
    assert unset_value({"a": {"b": {"c": 1}}, "d": 2}, ["a", "b", "c"]) == {"d": 2}
    assert unset_value({"a": {"b": 1, "c": None}}, ["a", "c"]) == {"a": {"b": 1}}


def test_unsetting_what_is_not_recorded_is_an_error() -> None:
    with pytest.raises(ValuesPathError) as caught:
        unset_value({"qps": 1}, ["qqs"])
    assert caught.value.context == ("recorded here: qps",)
