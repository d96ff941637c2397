"""When orders are looked at; the clock is a test's own, and nothing sleeps."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from bundler import ObjectRef
from bundler.controller.queue import FIRST_SPREAD_S, LookQueue
from tests.lib.clocks import FakeClock

SHOP = ObjectRef("bundler.dev", "Release", "prod", "shop")
OTHER = ObjectRef("bundler.dev", "Release", "prod", "other")


def queue() -> tuple[LookQueue, FakeClock]:
    clock = FakeClock()
    return LookQueue(clock), clock


def test_what_rings_in_a_bunch_is_looked_at_once_and_soon() -> None:
    looks, clock = queue()
    for _ in range(10):
        looks.ring(SHOP)
        clock.advance(0.02)
    assert looks.take() is None
    clock.advance(0.1)
    look = looks.take()
    assert look is not None
    assert look.key == SHOP
    looks.done(look, None)
    clock.advance(100.0)
    assert looks.take() is None


@pytest.mark.parametrize("puts_back", [False, True])
def test_a_hundred_rings_a_second_make_one_look_in_five_also_where_each_look_puts_something_back(puts_back) -> None:
    looks, clock = queue()
    began = []
    for _ in range(2000):
        looks.ring(SHOP)
        if puts_back and began and clock.monotonic() >= began[-1] + 0.5:
            looks.settle(SHOP)
        look = looks.take()
        if look is not None:
            began.append(clock.monotonic())
            looks.done(look, 600.0)
        clock.advance(0.01)
    assert len(began) <= 20 / 5
    assert all(later - earlier >= 5.0 - 1e-6 for earlier, later in pairwise(began))


def test_what_may_be_drift_does_not_wait_for_a_look_at_health_alone() -> None:
    looks, clock = queue()
    looks.ring(SHOP, is_brief=True)
    clock.advance(1.0)
    look = looks.take()
    assert look is not None
    assert look.is_brief
    looks.done(look, 600.0)
    looks.ring(SHOP)
    clock.advance(1.0)
    thorough = looks.take()
    assert thorough is not None
    assert not thorough.is_brief


def test_a_ring_soon_after_a_look_is_answered_at_once() -> None:
    looks, clock = queue()
    looks.begin([SHOP])
    look = looks.take()
    assert look is not None
    looks.done(look, 600.0)
    clock.advance(0.5)
    looks.ring(SHOP)
    clock.advance(0.25)
    assert looks.take() is not None


def test_what_was_put_back_is_looked_at_soon_while_little_rings() -> None:
    looks, clock = queue()
    looks.ring(SHOP)
    clock.advance(0.25)
    look = looks.take()
    assert look is not None
    looks.done(look, 600.0)
    looks.ring(SHOP, is_brief=True)
    looks.settle(SHOP)
    clock.advance(0.25)
    look = looks.take()
    assert look is not None
    assert not look.is_brief
    looks.done(look, 600.0)
    clock.advance(100.0)
    assert looks.take() is None


def test_no_order_is_looked_at_twice_at_a_time() -> None:
    looks, clock = queue()
    looks.ring(SHOP)
    clock.advance(1.0)
    look = looks.take()
    assert look is not None
    looks.ring(SHOP)
    looks.hurry(SHOP)
    clock.advance(60.0)
    assert looks.take() is None
    looks.done(look, 600.0)
    assert looks.take() is not None


def test_another_order_is_looked_at_meanwhile() -> None:
    looks, clock = queue()
    looks.ring(SHOP)
    looks.ring(OTHER)
    clock.advance(1.0)
    assert {one.key for one in (looks.take(), looks.take()) if one} == {SHOP, OTHER}


def test_a_change_that_is_over_is_looked_at_at_once() -> None:
    looks, _ = queue()
    looks.ring(SHOP)
    looks.hurry(SHOP)
    assert looks.take() is not None


def test_rings_of_health_alone_make_a_brief_look_until_something_else_rings() -> None:
    looks, clock = queue()
    looks.ring(SHOP, is_brief=True)
    looks.ring(SHOP, is_brief=True)
    clock.advance(1.0)
    look = looks.take()
    assert look is not None
    assert look.is_brief
    looks.done(look, None)
    looks.ring(SHOP, is_brief=True)
    looks.ring(SHOP)
    clock.advance(6.0)
    look = looks.take()
    assert look is not None
    assert not look.is_brief


def test_a_quiet_order_is_looked_at_each_interval_more_or_less() -> None:
    looks, clock = queue()
    looks.begin([SHOP])
    pauses = []
    for _ in range(20):
        look = looks.take()
        assert look is not None
        looks.done(look, 600.0)
        pauses.append(looks.rest_s())
        clock.advance(looks.rest_s())
    assert all(540 <= pause <= 660 for pause in pauses)
    assert len({round(pause) for pause in pauses}) > 3


def test_pauses_grow_while_looks_fail_and_start_again_once_one_succeeds() -> None:
    looks, clock = queue()
    looks.begin([SHOP])
    pauses = []
    for _ in range(9):
        look = looks.take()
        assert look is not None
        pauses.append(looks.failed(look))
        clock.advance(400.0)
    assert pauses == sorted(pauses[:6]) + pauses[6:]
    assert 4 <= pauses[0] <= 6
    assert all(pause <= 360 for pause in pauses)
    look = looks.take()
    assert look is not None
    looks.done(look, 1.0)
    clock.advance(1.0)
    look = looks.take()
    assert look is not None
    assert looks.failed(look) <= 6


def test_the_first_looks_of_many_orders_are_spread_over_a_minute() -> None:
    looks, clock = queue()
    keys = [ObjectRef("bundler.dev", "Release", "prod", f"r{number}") for number in range(1000)]
    looks.begin(keys)
    at_once = sum(looks.take() is not None for _ in range(1000))
    clock.advance(FIRST_SPREAD_S / 2)
    half = sum(looks.take() is not None for _ in range(1000))
    clock.advance(FIRST_SPREAD_S / 2)
    rest = sum(looks.take() is not None for _ in range(1000))
    assert at_once == 1
    assert 450 < half < 550
    assert at_once + half + rest == 1000


def test_depth_and_age_say_what_waits() -> None:
    looks, clock = queue()
    looks.ring(SHOP)
    assert (looks.depth, looks.oldest_s) == (0, 0.0)
    clock.advance(3.0)
    assert (looks.depth, looks.oldest_s) == (1, 2.75)


def test_a_thread_that_waits_is_woken() -> None:
    looks, _ = queue()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(looks.wait(lambda: False)))
    thread.start()
    looks.hurry(SHOP)
    thread.join(60.0)
    assert taken[0].key == SHOP
    assert looks.wait(lambda: True) is None


def test_objects_whose_health_flaps_do_not_put_off_the_thorough_look() -> None:
    looks, clock = queue()
    looks.begin([SHOP])
    look = looks.take()
    assert look is not None
    looks.done(look, 600.0)
    thorough, end_s = 0, clock.monotonic() + 1400.0
    while clock.monotonic() < end_s:
        looks.ring(SHOP, is_brief=True)
        clock.advance(5.0)
        look = looks.take()
        if look is not None:
            thorough += not look.is_brief
            looks.done(look, 600.0)
    assert thorough == 2
