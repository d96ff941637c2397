"""Targets, links and parts."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bundler.oci.hosts import target_of
from bundler.oci.requests import Answer, next_page, part_of, with_query


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ""),
        ('</v2/a/tags/list?n=2&last=b>; rel="next"', "/v2/a/tags/list?n=2&last=b"),
        ("</next>; rel=next", "/next"),
        ('</first>; rel="first", </second>; rel="next"', "/second"),
        ('</first>; rel="first"\n</second>; rel="next"', "/second"),
        ('</first>; rel="prev"', ""),
        ("nonsense", ""),
    ],
)
def test_the_next_page_is_found(header: str, expected: str) -> None:
    assert next_page(header) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a/b/c?d=e#f", "/b/c?d=e"),
        ("https://a", "/"),
        ("https://a?b=c", "/?b=c"),
        ("https://a:5000/b?c=d%2Fe", "/b?c=d%2Fe"),
    ],
)
def test_a_target_is_what_comes_after_the_host(url: str, expected: str) -> None:
    assert target_of(url) == expected


def test_a_query_is_added_to_one_that_is_there() -> None:
    assert with_query("/a", digest="sha256:0") == "/a?digest=sha256:0"
    assert with_query("/a?state=b%2Fc", digest="sha256:0") == "/a?state=b%2Fc&digest=sha256:0"


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 300))
def test_a_part_is_the_beginning(pieces: list[bytes], size: int) -> None:
    assert b"".join(part_of(iter(pieces), size)) == b"".join(pieces)[:size]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ""),
        (b"<html>busy</html>", ""),
        (b'{"errors":[{"code":"DENIED","message":"no\\nway"},{"code":"X"}]}', "DENIED: no way; X"),
        (b'{"errors":[{"code":"A","message":"b","detail":{"Tag":"x"}}]}', "A: b"),
        (b'{"errors": "all"}', ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_words_of_a_registry_are_read_as_far_as_they_can_be(body: bytes, expected: str) -> None:
    assert Answer(status=400, headers={}, body=body).says == expected


def test_what_is_said_in_plain_text_is_read_too() -> None:
    body = b"Client sent an HTTP request\nto an HTTPS server.\n" + b"x" * 1000
    said = Answer(status=400, headers={"content-type": "text/plain; charset=utf-8"}, body=body).says
    assert said.startswith("Client sent an HTTP request to an HTTPS server. x")
    assert len(said) <= 300
