"""A controller that begins before its kinds are defined, or before it has its rights: what is listed when."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager

from bundler import ListQuery, Session
from bundler.controller import watches
from bundler.controller.bells import Bells
from bundler.controller.definitions import define_kinds
from bundler.controller.watch_health import WatchHealth
from bundler.controller.watches import Watches
from bundler.errors.cluster import ForbiddenError
from bundler.library.system_clock import SystemClock
from tests.lib.faulty import FaultyCluster
from tests.lib.keeping import instruments
from tests.lib.sandboxes import open_sandbox

RELEASES = ListQuery(group="bundler.dev", kind="Release", namespace="")
GADGETS = ListQuery(group="example.dev", kind="Gadget", namespace="")
CONFIGS = ListQuery(group="", kind="ConfigMap", namespace="default")


@contextmanager
def watching(cluster):
    log = io.StringIO()
    observed = instruments(SystemClock(), log)
    made = Watches(cluster, Bells(lambda key, is_brief: None), WatchHealth(observed, "tests"))
    made.log, made.metrics = log, lambda: observed.metrics.page().content.decode()
    yield made
    made.close()


def test_orders_are_listed_as_soon_as_their_kind_is_defined(monkeypatch):
    monkeypatch.setattr(watches, "AFTER_ERROR_S", 0.05)
    rung = []
    with Session.sandbox() as session, watching(session.cluster) as made:
        orders = made.watch(RELEASES, lambda body, before: None, rung.append)
        made.watch(GADGETS, lambda body, before: None)
        eventually(lambda: 'bundler_unwatched{kind="Release"} 1.0' in made.metrics())
        eventually(lambda: 'bundler_unwatched{kind="Gadget"} 1.0' in made.metrics())
        assert not orders.is_listed
        define_kinds(session.cluster)
        eventually(lambda: orders.is_listed)
        eventually(lambda: 'bundler_unwatched{kind="Release"} 0.0' in made.metrics())
    assert [list(one) for one in rung] == [[]]
    said = made.log.getvalue()
    assert said.count("orders are not watched") == 1
    assert said.count("a kind is not watched") == 1


def test_a_right_to_orders_that_is_revoked_is_said_once_and_so_is_that_it_is_back(monkeypatch):
    monkeypatch.setattr(watches, "AFTER_ERROR_S", 0.02)
    monkeypatch.setattr(watches, "POLL_S", 0.02)
    cluster, refused = FaultyCluster(open_sandbox(), counts=lambda verb, dry: verb == "list"), []
    no = ForbiddenError("listing", context=["no"], hint="ask")
    cluster.fail_when(lambda call: bool(refused), before=no, is_lasting=True)
    with watching(cluster) as made:
        orders = made.watch(CONFIGS, lambda body, before: None, lambda keys: None)
        eventually(lambda: orders.is_listed)
        refused.append("now")
        eventually(lambda: not orders.is_listed)
        eventually(lambda: made._health.trouble(CONFIGS) == "listing: no")
        refused.clear()
        eventually(lambda: orders.is_listed and not made._health.trouble(CONFIGS))
    assert made.log.getvalue().count("orders are not watched") == 1
    assert made.log.getvalue().count("is watched again") == 1


def eventually(is_so):
    end_s = time.monotonic() + 60.0
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)
