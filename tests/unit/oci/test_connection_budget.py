"""Once a connection was cut, little is sent in vain, wherever a proxy cuts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from bundler.oci.connection_budget import FIRST_BYTES, LEAST_BYTES, WORTH_BYTES, ConnectionBudget

MEGABYTE = 1_000_000


def moved(connection_budget: ConnectionBudget, *, size: int, cut_after: int, carried: int = 0) -> tuple[int, int]:
    """Send one blob through a proxy that cuts, to a registry that forgets what was cut.

    Returns how many bytes went out, and how many the last connection carried; the next blob continues with that one.
    """
    offset = sent = 0
    for _ in range(10_000):
        rest, limit = size - offset, connection_budget.ceiling
        if limit and limit - carried < min(rest, WORTH_BYTES):
            carried = 0
        count = min(rest, limit - carried) if limit else rest
        if carried + count > cut_after:
            sent += cut_after - carried
            connection_budget.was_cut(cut_after)
            offset = carried = 0
            continue
        sent, offset, carried = sent + count, offset + count, carried + count
        connection_budget.carried(carried)
        if offset == size:
            return sent, carried
    raise AssertionError("it never ends")


@pytest.mark.medium
@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 3_000 * MEGABYTE), min_size=1, max_size=6),
    st.integers(int(1.5 * FIRST_BYTES), 1_000 * MEGABYTE),
)
def test_one_cut_is_lost_and_no_more(sizes: list[int], cut_after: int) -> None:
    connection_budget, carried, sent = ConnectionBudget(), 0, 0
    for size in sizes:
        more, carried = moved(connection_budget, size=size, cut_after=cut_after, carried=carried)
        sent += more
    assert sent <= sum(sizes) + cut_after


@given(st.integers(10 * LEAST_BYTES, FIRST_BYTES), st.integers(0, 100 * MEGABYTE))
def test_even_where_less_than_the_first_bytes_pass_it_ends(cut_after: int, size: int) -> None:
    connection_budget = ConnectionBudget()
    first, carried = moved(connection_budget, size=size, cut_after=cut_after)
    assert first <= size + 4 * FIRST_BYTES
    assert moved(connection_budget, size=size, cut_after=cut_after, carried=carried)[0] <= size + 4 * FIRST_BYTES


def test_without_cuts_every_blob_goes_whole() -> None:
    connection_budget, carried = ConnectionBudget(), 0
    for _ in range(3):
        sent, carried = moved(connection_budget, size=100 * MEGABYTE, cut_after=10**12, carried=carried)
        assert (sent, connection_budget.ceiling) == (100 * MEGABYTE, 0)


def test_a_registry_that_starts_anew_is_no_limit() -> None:
    connection_budget = ConnectionBudget()
    for _ in range(2):
        connection_budget.was_cut(1000)
    assert connection_budget.ceiling == FIRST_BYTES
