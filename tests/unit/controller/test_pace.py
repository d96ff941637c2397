"""How soon an order is looked at after something rang, for any rings: nothing sleeps, and the times are made up."""

from __future__ import annotations

from itertools import cycle, islice, pairwise

import pytest
from hypothesis import given, strategies as st

from bundler.controller.queue import DEBOUNCE_S, QUICK, SPACING_S, Pace

NEARLY_S = 1e-6


def looks_at(rings: list[float]) -> list[float]:
    """Return when looks begin, where each begins as soon as it is due and takes no time."""
    pace, begun, due_s = Pace(), [], None
    for ring_s in [*rings, float("inf")]:
        if due_s is not None and due_s <= ring_s:
            pace.begin(due_s)
            begun.append(due_s)
            due_s = None
        if ring_s < float("inf"):
            asked_s = pace.rung_s(ring_s)
            due_s = asked_s if due_s is None else min(due_s, asked_s)
    return begun


def rings_of(pauses_s: list[float]) -> list[float]:
    """Return the times of rings with these pauses between them."""
    times = [100.0]
    for pause_s in pauses_s:
        times.append(times[-1] + pause_s)
    return times


@pytest.mark.parametrize(
    ("rings", "looks"),
    [
        pytest.param([0.0], [0.25], id="one ring is answered at once"),
        pytest.param([0.0, 0.1, 0.2], [0.25], id="a bunch is looked at once"),
        pytest.param([0.0, 1.0, 2.0], [0.25, 1.25, 2.25], id="one thing after the other, each at once"),
        pytest.param([n / 100 for n in range(1500)], [0.25, 5.25, 10.25, 15.25], id="a storm, once in five seconds"),
        pytest.param([n / 100 for n in range(100)] + [6.5], [0.25, 5.25, 6.75], id="after a storm, quiet is rewarded"),
    ],
)
def test_a_ring_is_answered_at_once_and_a_storm_once_in_a_while(rings, looks):
    assert looks_at(rings) == pytest.approx(looks)


@given(st.lists(st.floats(0.001, 70.0), max_size=20))
def test_every_ring_is_answered_by_a_look_that_begins_after_it_and_soon(pauses_s):
    rings = rings_of(pauses_s)
    begun = looks_at(rings)
    for ring_s in rings:
        answer_s = min(look_s for look_s in begun if look_s >= ring_s - NEARLY_S)
        assert answer_s <= ring_s + SPACING_S + DEBOUNCE_S + NEARLY_S


@given(st.lists(st.floats(SPACING_S, 1000.0), max_size=20))
def test_who_rings_less_than_once_in_five_seconds_is_always_answered_at_once(pauses_s):
    rings = rings_of(pauses_s)
    assert looks_at(rings) == pytest.approx([ring_s + DEBOUNCE_S for ring_s in rings])


@given(st.lists(st.floats(0.005, 0.02), min_size=1, max_size=5))
def test_looks_of_a_storm_are_five_seconds_apart_however_its_rings_are_spread(pauses_s):
    begun = looks_at(rings_of([*islice(cycle(pauses_s), 1000)]))
    assert all(later - earlier >= SPACING_S - NEARLY_S for earlier, later in pairwise(begun))


@given(st.lists(st.floats(0.001, 4.9), min_size=1, max_size=40))
def test_rings_that_do_not_end_get_a_few_quick_answers_and_one_in_five_seconds(pauses_s):
    rings = rings_of(pauses_s)
    assert len(looks_at(rings)) <= QUICK + 2 + (rings[-1] - rings[0]) / SPACING_S
