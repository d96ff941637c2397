"""A controller that begins before its kinds are defined lists orders as soon as they are."""

from __future__ import annotations

import time

from bundler import ListQuery, Session
from bundler.controller import watches
from bundler.controller.bells import Bells
from bundler.controller.definitions import define_kinds
from bundler.controller.watches import Watches

RELEASES = ListQuery(group="bundler.dev", kind="Release", namespace="")
GADGETS = ListQuery(group="example.dev", kind="Gadget", namespace="")


def test_orders_are_listed_as_soon_as_their_kind_is_defined(monkeypatch):
    monkeypatch.setattr(watches, "AFTER_ERROR_S", 0.05)
    refused, rung = [], []
    with Session.sandbox() as session:
        made = Watches(
            session.cluster,
            Bells(lambda key, is_brief: None),
            on_restart=lambda kind: None,
            on_error=lambda query, error: refused.append(query),
        )
        orders = made.watch(RELEASES, lambda body, before: None, rung.append)
        made.watch(GADGETS, lambda body, before: None)
        eventually(lambda: refused.count(RELEASES) > 2)
        assert not orders.is_listed
        define_kinds(session.cluster)
        eventually(lambda: orders.is_listed)
        made.close()
    assert [list(one) for one in rung] == [[]]
    assert refused.count(GADGETS) == 1  # what is not essential is not asked for again and again


def eventually(is_so):
    end_s = time.monotonic() + 15.0
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)
