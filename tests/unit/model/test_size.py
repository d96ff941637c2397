from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bundler.model.size import parse_bytes, roomy, shown_bytes, shown_excess


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3_328_599_654, "3.1 GiB"),
        (1 << 50, "1024 TiB"),
    ],
)
def test_sizes_are_shown_in_units(count: int, text: str) -> None:
    assert shown_bytes(count) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("700M", 700 << 20),
        ("4G", 4 << 30),
        ("4 GiB", 4 << 30),
        ("4gb", 4 << 30),
        ("2T", 2 << 40),
        ("64k", 65536),
    ],
)
def test_sizes_are_read_as_people_type_them(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "4X", "G", "1" * 13])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("found", "limit", "shown"),
    [
        (12_900_000, 10 << 20, ("12.3 MiB", "10.0 MiB")),
        ((10 << 20) + 1, 10 << 20, ("10485761 bytes", "10485760 bytes")),
    ],
)
def test_a_size_is_told_apart_from_the_limit_that_it_exceeds(found: int, limit: int, shown: tuple[str, str]) -> None:
    assert shown_excess(found, limit) == shown


@given(st.integers(min_value=0, max_value=1 << 45))
def test_what_is_proposed_for_a_size_holds_it_and_can_be_typed(count: int) -> None:
    assert count <= parse_bytes(roomy(count)) <= max(2 * count, 1 << 20)
