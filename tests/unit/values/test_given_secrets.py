"""Secrets that a user gives are known before anything is said."""

from __future__ import annotations

from bundler.values.given_secrets import sensitive_texts
from tests.unit.values.builders import bundle, layer, user

SCHEMA = {
    "properties": {
        "users": {"type": "array", "items": {"properties": {"name": {}, "password": {"writeOnly": True}}}},
        "tokens": {"type": "array", "writeOnly": True},
    }
}


def test_secrets_in_lists_and_list_operators_are_known() -> None:
    made = bundle("", schema=SCHEMA)
    first = layer("users: [{name: a, password: one}]\ntokens: [two]")
    second = layer("users+: [{name: b, password: three}]\nusers[name=a]: {password: four}\ntokens[0]: five")
    given = user(first, second, sets=["users[0].password=six"])
    assert sensitive_texts(made, given) == {"one", "two", "three", "four", "five", "six"}
