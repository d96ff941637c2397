"""The controller as a process: who leads, who waits, and what a kubelet and Prometheus are answered."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from bundler import ObjectRef, Session, SessionOptions
from bundler.controller.conditions import conditions_in
from bundler.controller.log import Level, Log, LogSettings, LogStream
from bundler.controller.metrics import Metrics
from bundler.controller.process import ControllerProcess, Instruments, readiness
from bundler.controller.pulse import Pulse
from bundler.controller.web import Address, Answer, WebServer, parse_address
from bundler.errors import UsageError
from bundler.errors.cluster import ForbiddenError
from bundler.library.system_clock import SystemClock
from bundler.model.redaction import Redactor
from tests.lib.clocks import FakeClock

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LEASE = ObjectRef("coordination.k8s.io", "Lease", "default", "bundler-controller")


def log_to(stream, *, least=Level.INFO, is_json=True, redact=str):
    return Log(LogStream(stream, LogSettings(redact=redact, now=lambda: NOON, least=least, is_json=is_json)))


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_line_of_the_log_is_a_json_object_without_secrets():
    stream, redactor = io.StringIO(), Redactor()
    redactor.learn("hunter2-longer")
    log = log_to(stream, redact=redactor.redact).about(namespace="prod", release="shop")
    log.info("password hunter2-longer\nwas refused", revision=3, found=["hunter2-longer"])
    log.debug("left out")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "time": "2026-11-30T12:00:00Z",
        "level": "info",
        "msg": "password ***\nwas refused",
        "namespace": "prod",
        "release": "shop",
        "revision": 3,
        "found": ["***"],
    }


def test_at_a_terminal_a_line_of_the_log_is_for_people_and_moves_no_cursor():
    stream = io.StringIO()
    log = log_to(stream, is_json=False, least=Level.DEBUG).about(namespace="prod", release="shop")
    log.warning("it \x1b[2Jfails\nhere", revision=3)
    log.debug("more")
    assert stream.getvalue() == (
        "12:00:00 warning prod/shop: it  [2Jfails here (revision=3)\n12:00:00 debug   prod/shop: more\n"
    )


def test_a_log_whose_reader_is_gone_stops_no_one():
    stream = io.StringIO()
    stream.close()
    log_to(stream).info("no one hears it")


def test_a_thread_that_is_silent_for_longer_than_its_own_bound_is_named_until_it_is_heard_of_or_ends():
    clock = FakeClock()
    pulse = Pulse(clock)
    pulse.beat("queue")
    pulse.beat("look")
    pulse.beat("watch", within_s=600)
    clock.sleep(59)
    pulse.beat("look")
    assert pulse.silent() == ()
    clock.sleep(2)
    assert pulse.silent() == ("queue",)
    pulse.forget("queue")
    assert pulse.silent() == ()
    clock.sleep(600)
    assert pulse.silent() == ("look", "watch")
    pulse.beat("watch")
    assert pulse.silent() == ("look",)


def test_a_thread_that_an_exception_ends_is_named_at_once_and_one_that_may_end_is_not():
    pulse = Pulse(FakeClock())
    with pulse.thread("watch"):
        pass
    with pytest.raises(KeyError), pulse.thread("count"):
        raise KeyError
    assert pulse.silent() == ("count",)
    with pulse.thread("count"):
        assert pulse.silent() == ()


@pytest.mark.parametrize(
    ("is_ready", "troubles", "status", "text"),
    [
        (True, (), 200, "ok\n"),
        (False, (), 503, "not everything is listed yet\n"),
        (True, ("watching Release: no",), 200, "ok\nwatching Release: no\n"),
        (False, ("listing Release: no", "watching Shop: no"), 503, "listing Release: no\nwatching Shop: no\n"),
    ],
)
def test_a_leader_is_ready_once_all_orders_are_listed_and_says_what_is_not_watched(is_ready, troubles, status, text):
    assert readiness(is_ready=is_ready, troubles=troubles) == Answer(status, text.encode())


@pytest.mark.parametrize(
    ("text", "address"),
    [(":8080", ("", 8080)), ("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:80", ("::1", 80))],
)
def test_an_address_is_read_as_people_write_it(text, address):
    assert parse_address(text, "--health") == address


@pytest.mark.parametrize("text", ["8080", "", ":", ":http", ":65536", ":-1"])
def test_what_is_no_address_is_refused_with_its_option(text):
    with pytest.raises(UsageError, match="--health"):
        parse_address(text, "--health")


def test_pages_are_answered_and_an_address_that_is_taken_is_named():
    server = WebServer(Address("127.0.0.1", 0), {"/livez": lambda: Answer(200, b"ok\n")}, "--health")
    try:
        assert get(server.port, "/livez?verbose") == (200, "ok\n")
        assert get(server.port, "/other") == (404, "not found\n")
        with pytest.raises(UsageError, match="--health"):
            WebServer(Address("127.0.0.1", server.port), {}, "--health")
    finally:
        server.close()


def test_metrics_have_the_names_that_dashboards_use():
    metrics = Metrics()
    metrics.lead(is_leader=True)
    metrics.reconciled("compare", 0.2)
    metrics.changed("correct", "Succeeded", 3.0, corrected=2)
    metrics.queue(5, 1.5)
    metrics.watch_restarted("Deployment")
    for request in (("patch", 200), ("patch", 200, 3), ("watch", 0)):
        metrics.requested(*request)
    for watch, is_watched in (("a", True), ("b", True), ("a", False), ("b", False), ("a", True)):
        metrics.watched(watch, "Secret", is_watched=is_watched)
    metrics.watched("a", "Service", is_watched=True)
    metrics.orders(["Ready", "Ready", "Failed"])
    text = metrics.page().content.decode()
    for line in (
        "bundler_leader 1.0",
        'bundler_reconciles_total{result="compare"} 1.0',
        'bundler_reconcile_seconds_bucket{le="0.25"} 1.0',
        'bundler_changes_total{kind="correct",result="Succeeded"} 1.0',
        'bundler_change_seconds_count{kind="correct"} 1.0',
        "bundler_drift_corrections_total 2.0",
        "bundler_queue_depth 5.0",
        "bundler_queue_oldest_seconds 1.5",
        'bundler_watch_restarts_total{kind="Deployment"} 1.0',
        'bundler_unwatched{kind="Secret"} 1.0',
        'bundler_api_requests_total{code="200",verb="patch"} 4.0',
        'bundler_api_requests_total{code="0",verb="watch"} 1.0',
        'bundler_unwatched{kind="Service"} 0.0',
        'bundler_releases{phase="Ready"} 2.0',
        'bundler_releases{phase="Working"} 0.0',
    ):
        assert line in text.splitlines()


def test_conditions_that_are_gone_are_no_longer_shown_as_metrics():
    metrics = Metrics()
    conditions = [{"type": "Ready", "status": "False"}, {"type": "Stalled", "status": "True"}]
    metrics.conditions("prod", "shop", conditions_in({"conditions": conditions}))
    stalled = 'bundler_release_condition{name="shop",namespace="prod",status="True",type="Stalled"} 1.0'
    assert stalled in metrics.page().content.decode()
    metrics.conditions("prod", "shop", {"Ready": "True"})
    text = metrics.page().content.decode()
    assert "Stalled" not in text
    assert 'bundler_release_condition{name="shop",namespace="prod",status="True",type="Ready"} 1.0' in text
    metrics.conditions("prod", "shop", {})
    assert "shop" not in metrics.page().content.decode()


class Working:
    """What a leader does, as far as it can be seen."""

    def __init__(self, at_work):
        self._at_work, self.is_ready, self.troubles = at_work, False, ()

    def start(self):
        self._at_work.append(self)

    def close(self):
        self._at_work.remove(self)


@contextmanager
def copy_of_a_controller(path, at_work, make_work=Working):
    clock, stream, stop = SystemClock(), io.StringIO(), threading.Event()
    instruments = Instruments(clock=clock, log=log_to(stream), metrics=Metrics(), pulse=Pulse(clock))
    with Session.sandbox(path=path, options=SessionOptions(lock_duration_s=1.0)) as session:
        process = ControllerProcess(session, instruments, lambda: make_work(at_work), LEASE.name)
        process.said, process.cluster = stream, session.cluster
        thread = threading.Thread(target=process.run, args=(stop.is_set,))
        thread.start()
        process.stop = lambda: (stop.set(), thread.join())
        yield process
        process.stop()


def eventually(is_so, within_s=60.0):
    end_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.slow
def test_one_copy_leads_and_when_it_ends_another_does(tmp_path):
    path, first, second = tmp_path / "sandbox.db", [], []
    with copy_of_a_controller(path, first) as one:
        eventually(lambda: first)
        assert one.pages["/readyz"]() == Answer(503, b"not everything is listed yet\n")
        first[0].is_ready = True
        assert one.pages["/readyz"]().status == 200
        with copy_of_a_controller(path, second) as other:
            eventually(lambda: "waits for the Lease" in other.said.getvalue())
            assert other.pages["/readyz"]().status == 200  # a copy that waits is ready
            assert other.pages["/livez"]().status == 200
            assert not second
            one.stop()
            assert not first
            eventually(lambda: second)


def test_a_copy_that_cannot_lead_is_not_ready_and_says_why(tmp_path):
    def refused(at_work):
        raise ForbiddenError("reading Lease/bundler-controller", context=["no"], hint="ask for a Role")

    with copy_of_a_controller(tmp_path / "sandbox.db", [], refused) as one:
        eventually(lambda: one.pages["/readyz"]().status == 503)
        assert one.pages["/readyz"]() == Answer(503, b"reading Lease/bundler-controller: no\n")
        assert one.pages["/livez"]().status == 200


@pytest.mark.slow
def test_a_leader_that_lost_its_lease_stops_working_and_may_lead_again(tmp_path):
    at_work = []
    with copy_of_a_controller(tmp_path / "sandbox.db", at_work) as one:
        eventually(lambda: at_work)
        before = at_work[0]
        assert one.cluster.delete(LEASE)
        eventually(lambda: at_work and at_work[0] is not before)
        assert "leads no longer" in one.said.getvalue()
