"""What is hidden, what stays readable."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from bundler.model.json import canonical_json
from bundler.storage.encoding import encode_revision
from bundler.storage.sensitive import LITERAL, NUMBER, REFERENCE, Hider, Secrets, reveal
from bundler.syntax.scalars import YamlFloat
from tests.unit.storage.builders import decode, known_of, make_entry, make_revision, make_secret, visible_bytes

if TYPE_CHECKING:
    from bundler.model.json import JSONValue

TOKEN = "Tr0ub4dor&3-is-a-long-one"


def hidden(value: JSONValue, *sensitive: str, public: tuple[str, ...] = (), whole: bool = False) -> JSONValue:
    hider = Hider(Secrets(sensitive, public), are_whole_hidden=whole)
    found = hider.hide(value)
    assert reveal(found, hider.taken) == value
    return reveal(found, None)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"postgres://u:{TOKEN}@db/x",
        base64.b64encode(TOKEN.encode()).decode(),
        base64.b64encode(f"a{TOKEN}b".encode()).decode(),
        base64.b64encode(f"ab{TOKEN}b".encode()).decode(),
        base64.b64encode(f"abc{TOKEN}b".encode()).decode(),
        TOKEN.upper(),
        f"postgres://u:{quote(TOKEN, safe='')}@db/x",
    ],
)
def test_a_leaf_that_holds_a_sensitive_string_is_hidden(text: str) -> None:
    assert hidden({"a": [text, "b"]}, TOKEN) == {"a": ["***", "b"]}


def test_a_line_of_a_long_secret_is_found_though_it_was_indented_anew() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END KEY-----\n"
    assert hidden({"file": "tls:\n    MIIEvQIBADANBgkqhkiG9w0\n"}, key) == {"file": "***"}


def test_a_short_secret_is_hidden_only_as_a_whole_value() -> None:
    assert hidden({"a": "abc", "b": "abcdef"}, "abc") == {"a": "***", "b": "abcdef"}


def test_a_string_that_the_record_shows_anyway_is_not_searched_for() -> None:
    value = {"label": "shop", "image": "r.example/shop:1"}
    assert hidden(value, "shop", public=("shop-db",)) == value
    assert hidden({"password": "shop"}, "shop", public=("shop-db",), whole=True) == {"password": "***"}


def test_a_public_name_that_is_a_secret_in_another_case_stays() -> None:
    assert hidden({"name": "shop-db-1"}, "Shop-DB-1", public=("shop-db-1",)) == {"name": "shop-db-1"}


def test_numbers_that_equal_a_secret_are_hidden_where_that_means_something() -> None:
    assert hidden({"pin": 123456, "port": 5432, "on": True}, "123456", "5432", "true") == {
        "pin": "***",
        "port": 5432,
        "on": True,
    }
    assert hidden({"pin": 7}, "7", whole=True) == {"pin": "***"}


def test_a_mapping_with_a_long_secret_as_key_is_hidden_as_a_whole() -> None:
    assert hidden({"users": {TOKEN: 1}}, TOKEN) == {"users": "***"}
    assert hidden({"users": {"shortsecret": 1}}, "secret") == {"users": {"shortsecret": 1}}


@pytest.mark.parametrize(
    "value",
    [
        {REFERENCE: "/a"},
        {LITERAL: {REFERENCE: "/a"}},
        {LITERAL: {LITERAL: {"x": {REFERENCE: 1}}}},
        {REFERENCE: "/a", "more": [{LITERAL: None}]},
    ],
)
def test_a_mapping_that_looks_like_ours_survives(value: JSONValue) -> None:
    assert hidden(value) == value
    revision = make_revision(
        make_entry("odd", {"data": value}), make_entry("s", {"data": value}, kind="Secret"), user_values={"v": value}
    )
    assert decode(encode_revision(revision, {})) == revision


def test_every_leaf_of_a_secret_is_kept_apart_though_nobody_named_it() -> None:
    body = {"data": {"a": "eHh4eHh4", "b": ""}, "stringData": {"c": "ccccc"}}
    revision = make_revision(make_entry("s", body, kind="Secret"), user_values={}, sensitive=frozenset())
    encoded = encode_revision(revision, {})
    assert b"eHh4eHh4" not in visible_bytes(encoded)
    assert b"ccccc" not in visible_bytes(encoded)
    assert decode(encoded) == revision
    shown = decode(encoded, with_sensitive=False).inventory[0].manifest
    assert shown is not None
    assert shown.body["data"] == {"a": "***", "b": "***"}


def test_a_rotated_password_changes_no_pack() -> None:
    first = encode_revision(
        make_revision(make_secret(text="one-long-password"), user_values={}, sensitive=frozenset()), {}
    )
    second = encode_revision(
        make_revision(make_secret(text="two-long-password"), user_values={}, sensitive=frozenset(), revision=2),
        known_of(first),
    )
    assert second.packs == ()
    assert second.sensitive[0].data != first.sensitive[0].data


def test_a_number_of_the_user_keeps_its_text_and_what_looks_like_one_is_wrapped() -> None:
    value: JSONValue = {"a": YamlFloat("1.30"), "b": [YamlFloat(".5"), 1.5], "c": {NUMBER: "x"}}
    hider = Hider(Secrets((), ()), are_whole_hidden=True)
    stored = json.loads(canonical_json(hider.hide(value)))
    assert stored["a"] == {NUMBER: "1.30"}
    assert stored["c"] == {LITERAL: {NUMBER: "x"}}
    found = reveal(stored, {})
    assert found == value
    assert isinstance(found, dict)
    assert str(found["a"]) == "1.30"


def test_a_secret_number_keeps_its_text() -> None:
    hider = Hider(Secrets(("1.3",), ()), are_whole_hidden=True)
    stored = hider.hide({"pin": YamlFloat("1.30")})
    taken = json.loads(canonical_json(hider.taken))
    assert str(reveal(stored, taken)["pin"]) == "1.30"
