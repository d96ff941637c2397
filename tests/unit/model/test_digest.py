"""Content digests."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from bundler.model.digest import digest_of, is_digest, is_sha256_hex

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        "",
        HEX[1:],
        HEX + "0",
        HEX + "\n",
        HEX[1:] + "\n",
        HEX.upper(),
        HEX[1:] + "\u0663",
        HEX[1:] + "g",
        " " + HEX[1:],
    ],
)
def test_a_sha256_in_hex_is_what_the_pattern_says(text: str) -> None:
    assert is_sha256_hex(text) == (re.fullmatch("[0-9a-f]{64}", text) is not None)


def test_a_digest_is_one() -> None:
    assert is_sha256_hex(digest_of(b"").removeprefix("sha256:"))


@given(st.text("sha256:0123456789abcdefG\n", max_size=80) | st.from_regex(r"sha256:[0-9a-f]{60,66}\n?", fullmatch=True))
def test_a_digest_is_what_the_pattern_says(text: str) -> None:
    assert is_digest(text) == (re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None)
