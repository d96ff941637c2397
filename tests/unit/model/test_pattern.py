"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from bundler.model.pattern import LazyPattern


def test_a_lazy_pattern_finds_what_a_compiled_one_finds() -> None:
    lazy, compiled, text = LazyPattern("a(b?)", re.IGNORECASE), re.compile("a(b?)", re.IGNORECASE), "xABa"
    assert (lazy.match(text), lazy.fullmatch(text)) == (None, None)
    assert [found and found.span() for found in (lazy.match(text, 1), lazy.fullmatch("aB"), lazy.search(text))] == [
        (1, 3),
        (0, 2),
        (1, 3),
    ]
    assert [found.span() for found in lazy.finditer(text)] == [found.span() for found in compiled.finditer(text)]
    assert lazy.findall(text) == compiled.findall(text)
    assert lazy.split(text) == compiled.split(text)
    assert lazy.sub(r"<\1>", text) == compiled.sub(r"<\1>", text)


def test_a_lazy_pattern_is_compiled_when_it_is_first_used() -> None:
    broken = LazyPattern("(")
    with pytest.raises(re.error):
        broken.search("x")
