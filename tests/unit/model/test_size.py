from __future__ import annotations

import pytest

from bundler.model.size import parse_bytes, shown_bytes


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
    with pytest.raises(ValueError, match="is no size"):
        parse_bytes(text)
