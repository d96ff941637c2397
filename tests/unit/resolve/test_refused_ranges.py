"""Ranges and versions that say nothing clear."""

from __future__ import annotations

import pytest

from bundler.errors.bundle import VersionRangeError
from bundler.resolve.versions import parse_kubernetes_version, parse_range, parse_version


@pytest.mark.parametrize(
    "text", ["*.1", "1.x.5", "x.1.x", "*.*.3", "12.3.34~ 1.2.3", "1.2^3", "1.2.3!2", ">=1 ~", "1.2.3~1.2"]
)
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(VersionRangeError):
        parse_range(text)


@pytest.mark.parametrize("text", [">=1<2", ">=1,<2", ">= 1.2 , <3", "1.x", "1.x.x", "*.*.*", "~> 1.2", "!=1.2 !=1.3"])
def test_a_range_that_is_clear_is_read(text: str) -> None:
    parse_range(text)


@pytest.mark.parametrize("text", ["9" * 5000 + ".0.0", "1.0.0-" + "9" * 5000, "1." + "9" * 101 + ".0"])
def test_a_version_of_thousands_of_digits_is_refused_not_a_crash(text: str) -> None:
    for read, said in (parse_version, text), (parse_range, f">={text}"), (parse_kubernetes_version, "9" * 5000 + ".1"):
        with pytest.raises(VersionRangeError) as raised:
            read(said)
        assert len("".join(raised.value.context)) < 250
