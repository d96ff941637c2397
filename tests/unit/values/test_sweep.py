"""What a value is set to in turn."""

from __future__ import annotations

import pytest

from bundler.errors.bundle import ValuesPathError
from bundler.values.sweep import MAX_POINTS, parse_sweep


@pytest.mark.parametrize(
    ("text", "path", "points"),
    [
        ("qps=100..20000", "qps", "100 200 500 1000 2000 5000 10000 20000"),
        ("qps=150..4000", "qps", "150 200 500 1000 2000 4000"),
        ("web.replicas=1..8", "web.replicas", "1 2 3 4 5 6 7 8"),
        ("n=1..3", "n", "1 2 3"),
        ("n=0..70", "n", "0 10 20 30 40 50 60 70"),
        ("n=-7..7", "n", "-7 -5 -3 -1 1 3 5 7"),
        ("share=0.0..0.7", "share", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7"),
        ("n=0..100/3", "n", "0 50 100"),
        ("n=1..10000/5", "n", "1 10 100 1000 10000"),
        ("n=1,5,1", "n", "1 5"),
        ("cache.enabled=true,false", "cache.enabled", "true false"),
        ("host=a..b", "host", "a..b"),
    ],
)
def test_ranges_are_stepped_through_and_lists_taken_as_typed(text: str, path: str, points: str) -> None:
    sweep = parse_sweep(text)
    assert (sweep.path, " ".join(sweep.points)) == (path, points)


def test_a_chart_gets_more_points_than_a_table() -> None:
    assert len(parse_sweep("qps=100..20000", is_fine=True).points) == 64


@pytest.mark.parametrize(
    "text", ["", "qps", "qps=", "=1..2", "n=5..2", "n=2..2", "n=1..2/1", "n=1..2/0", f"n=1..2/{MAX_POINTS + 1}"]
)
def test_what_is_no_sweep_is_refused(text: str) -> None:
    with pytest.raises(ValuesPathError):
        parse_sweep(text)
