"""Watches only wake who waits: what is seen comes from lists, and silence never hides anything for long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.change.list_watch import Lookout
from bundler.actions.change.run_control import WATCHES_AT_ONCE, Guard
from bundler.errors.change import LockLostError
from bundler.errors.cluster import ExpiredError, ForbiddenError, UnavailableError
from bundler.model.cluster import WatchEvent
from bundler.model.events import Notice
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.operator import Operator
from tests.lib.ringing import RingingCluster
from tests.lib.sandboxes import closed_when_dropped

if TYPE_CHECKING:
    from collections.abc import Callable


CONFIG, SERVICE = ObjectRef("", "ConfigMap", "prod", "a"), ObjectRef("", "Service", "prod", "a")
MOVED = WatchEvent(type="MODIFIED", body={})
BOOKMARK = WatchEvent(type="BOOKMARK", body={})
REFUSED = ForbiddenError("watching", context=["cannot watch configmaps in namespace prod as ada"], hint="ask")


class ScriptedClock(FakeClock):
    """Something happens at given times, all of it before whoever sleeps wakes up."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[tuple[float, Callable[[], None]]] = []
        self.at_each: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.at_each()
        while self.script and self.script[0][0] <= self.monotonic():
            self.script.pop(0)[1]()


class Lock:
    """A lock that can be lost."""

    is_lost = False

    def held(self) -> None:
        if self.is_lost:
            raise LockLostError("waiting", context=[], hint="run it again")

    def confirm(self) -> None:
        self.held()


class Post:
    """Someone who waits for one or two objects, on a cluster whose bells the test rings."""

    def __init__(self, wrap: Callable[[SandboxClient], Any] = RingingCluster) -> None:
        self.clock = ScriptedClock()
        self.cluster: Any = wrap(closed_when_dropped(SandboxClient.open(None, self.clock)))
        self.operator = Operator(self.cluster, "prod", clock=self.clock, timeout_s=1000)
        self.lock = Lock()
        self.ports = self.operator.ports()
        self.guard = Guard(self.ports, self.lock)
        self.looks: list[float] = []

    def wait(self, *refs: ObjectRef, until_s: float = 20.0) -> None:
        with Lookout(self.ports, self.guard, uid="u") as lookout:
            while self.clock.monotonic() < until_s:
                lookout.look(refs)
                self.looks.append(self.clock.monotonic())
                lookout.rest()

    def ring(self, event: WatchEvent | BaseException = MOVED, *, kind: str = "ConfigMap") -> None:
        for bell in self.cluster.open_bells():
            if bell.query.kind == kind:
                bell.tell(event)
                if isinstance(event, WatchEvent):
                    bell.wait_heard()
                else:
                    wait_for_silence()

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.operator.events if isinstance(event, Notice)]


def listeners() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bundler-watch"]


def wait_for_silence() -> None:
    end_s = time.monotonic() + 60
    while listeners():
        assert time.monotonic() < end_s, "a watch continues"
        time.sleep(0.001)


def test_in_silence_it_is_looked_every_other_second() -> None:
    post = Post()
    post.wait(CONFIG)
    assert post.cluster.lists["ConfigMap"] == len(post.looks) == 11
    assert len(post.cluster.bells) == 1


def test_a_cluster_that_is_not_worth_watching_is_looked_at_twice_a_second() -> None:
    post = Post(wrap=lambda sandbox: sandbox)
    post.wait(CONFIG)
    assert 40 <= len(post.looks) <= 44
    assert not listeners()


@pytest.mark.parametrize(("event", "expected"), [(MOVED, True), (BOOKMARK, False)])
def test_what_moves_is_looked_at_at_once_and_a_bookmark_moves_nothing(event: WatchEvent, *, expected: bool) -> None:
    post = Post()
    post.clock.script = [(5.0, lambda: post.ring(event))]
    post.wait(CONFIG)
    assert any(5.0 <= at <= 5.1 for at in post.looks) is expected


def test_however_much_moves_it_is_looked_no_more_often_than_without_watches() -> None:
    post, polled = Post(), Post(wrap=lambda sandbox: sandbox)
    post.clock.at_each = post.ring
    post.wait(CONFIG)
    polled.wait(CONFIG)
    assert len(post.looks) <= len(polled.looks)


def test_only_what_moved_is_listed() -> None:
    post = Post()
    post.clock.script = [(at, post.ring) for at in (5.0, 7.5, 10.0, 12.5)]
    post.wait(CONFIG, SERVICE)
    assert post.cluster.lists["ConfigMap"] > post.cluster.lists["Service"]


def test_a_watch_begins_where_the_list_ended() -> None:
    post = Post()
    post.wait(CONFIG, until_s=1.0)
    bell = post.cluster.bells[0]
    assert bell.version == post.cluster.inner.list(bell.query).resource_version
    assert (bell.query.metadata_only, bell.query.label_selector) == (True, "bundler.dev/release-uid=u")


SAID = "watching is not allowed: cannot watch configmaps in namespace prod as ada; waiting lists twice a second instead"


def test_where_watching_is_forbidden_lists_go_on_and_it_is_said_once() -> None:
    post = Post()
    post.cluster.fail_when(lambda _call: True, before=REFUSED, is_lasting=True)
    post.wait(CONFIG, SERVICE)
    assert len(post.looks) >= 40
    assert post.notices == [SAID]


def test_where_a_server_says_only_later_that_watching_is_forbidden_lists_go_on_too() -> None:
    post = Post()
    post.clock.script = [(0.2, lambda: post.ring(REFUSED))]
    post.wait(CONFIG)
    assert len(post.looks) >= 38
    assert post.notices == [SAID]
    assert len(post.cluster.bells) == 1, "it is not tried again"


def test_where_watching_fails_lists_go_on() -> None:
    post = Post()
    post.cluster.fail_when(
        lambda _call: True, before=UnavailableError("watching", context=[], hint="wait"), is_lasting=True
    )
    post.wait(CONFIG)
    assert len(post.looks) >= 40
    assert post.notices == []


def test_a_watch_that_expired_is_opened_anew() -> None:
    post = Post()
    post.clock.script = [(5.0, lambda: post.ring(ExpiredError("watching", context=[], hint="list"))), (9.0, post.ring)]
    post.wait(CONFIG)
    assert len(post.cluster.bells) == 2
    assert any(9.0 <= at <= 9.1 for at in post.looks)
    assert len(post.looks) < 20


@pytest.mark.medium
def test_there_are_only_so_many_watches_and_what_gets_none_is_polled() -> None:
    post = Post()
    post.wait(*(ObjectRef("", "ConfigMap", f"n{number}", "a") for number in range(WATCHES_AT_ONCE + 4)))
    assert len(post.cluster.bells) == WATCHES_AT_ONCE
    assert len(post.looks) >= 40
    for _ in range(WATCHES_AT_ONCE):
        assert post.guard.watches.acquire(blocking=False), "every watch gives its place back"


def test_what_is_not_waited_for_any_more_is_not_listened_to() -> None:
    post = Post()
    with Lookout(post.ports, post.guard, uid="u") as lookout:
        for _ in range(3):
            lookout.look([CONFIG, SERVICE])
        assert len(post.cluster.open_bells()) == 2
        lookout.look([SERVICE])
        assert [bell.query.kind for bell in post.cluster.open_bells()] == ["Service"]


@pytest.mark.parametrize("end", ["done", "lock lost", "interrupted"])
def test_however_a_wait_ends_its_watches_end_with_it(end: str) -> None:
    post = Post()

    def interrupt() -> None:
        raise KeyboardInterrupt

    def lose() -> None:
        post.lock.is_lost = True

    post.clock.script = {"done": [], "lock lost": [(5.0, lose)], "interrupted": [(5.0, interrupt)]}[end]
    try:
        post.wait(CONFIG, SERVICE)
    except (KeyboardInterrupt, LockLostError):
        assert post.clock.monotonic() < 5.2, "neither waits for the next look"
    assert len(post.cluster.bells) == 2
    assert post.cluster.open_bells() == []
    assert listeners() == []


def test_the_last_look_comes_when_the_time_is_over() -> None:
    post = Post()
    post.ports = Operator(post.cluster, "prod", clock=post.clock, timeout_s=3.3).ports()
    with Lookout(post.ports, post.guard, uid="u") as lookout:
        while post.ports.remaining_s() > 0:
            lookout.look([CONFIG])
            lookout.rest()
    assert post.clock.monotonic() <= 3.4


def test_the_last_look_sees_everything_anew() -> None:
    post = Post()
    post.ports = Operator(post.cluster, "prod", clock=post.clock, timeout_s=1.5).ports()
    with Lookout(post.ports, post.guard, uid="u") as lookout:
        for _ in range(2):
            lookout.look([CONFIG])
        listed = post.cluster.lists["ConfigMap"]
        lookout.look([CONFIG])
        assert post.cluster.lists["ConfigMap"] == listed, "it is listened to"
        post.clock.sleep(1.5)
        lookout.look([CONFIG])
        assert post.cluster.lists["ConfigMap"] == listed + 1
