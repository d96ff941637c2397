"""Changes in processes: what comes back, and that each of them ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace

import pytest

from bundler import DriftedField, DriftedObject, DriftKind
from bundler.controller.changes import Outcome, WantedChange, Work
from bundler.controller.children import ChildChanges, Launch, budget_of
from bundler.controller.messages import outcome_line, read_line, read_wanted, wanted_line
from bundler.controller.status import AttemptResult, Reason, WaitingPlan
from bundler.model.redaction import Redactor
from bundler.model.refs import ObjectRef
from tests.unit.controller.orders import DIGEST, order_body

pytestmark = pytest.mark.medium
KEY = ObjectRef("bundler.dev", "Release", "prod", "shop")
OTHER = ObjectRef("bundler.dev", "Release", "prod", "other")
FIELD = DriftedField(field=".spec.replicas", recorded="", live="", manager="keda", since="2026-11-30T12:00:00Z")
WANTED = WantedChange(work=Work.APPLY, body=order_body(values={"pass": "hunter2!"}), service_account="d", inputs=DIGEST)
DONE = Outcome(
    work=Work.APPLY,
    inputs=DIGEST,
    result=AttemptResult.SUCCEEDED,
    message="done",
    revision=3,
    plan=WaitingPlan(digest=DIGEST, delete=2, why=("much",), text="- a"),
    corrected=(DriftedObject(ref=OTHER, kind=DriftKind.CHANGED, fields=(FIELD,)),),
    signed_by="acme",
)
SAYS = f"print({outcome_line(DONE, str).decode()!r}, end='', flush=True)"
EVENT = '{"event": {"type": "notice", "text": "hello"}}'


class Watching:
    """A controller in which each key that is rung is noted."""

    def __init__(self, script, **launch):
        self.rung, self.events, self._ringing = [], [], threading.Condition()
        self.done_here = None
        argv = (sys.executable, "-S", "-c", script)
        self.changes = ChildChanges(Launch(argv=argv, **launch), self, self, self._carry_out)

    def reported(self, key, event):
        self.events.append(event)

    def ended(self, key, outcome, seconds):
        assert 0.0 <= seconds < 60.0

    def hurry(self, key):
        with self._ringing:
            self.rung.append(key)
            self._ringing.notify_all()

    settle = hurry

    def _carry_out(self, wanted):
        self.events.append({"pid": os.getpid()})
        return self.done_here(wanted)

    def outcome(self, key=KEY):
        with self._ringing:
            assert self._ringing.wait_for(lambda: key in self.rung, 60.0)
        return self.changes.take_outcome(key)


@pytest.fixture
def watching():
    made = []

    def make(script, **launch):
        made.append(Watching(script, **launch))
        return made[-1]

    yield make
    for one in made:
        one.changes.close()


def test_a_request_and_its_outcome_go_through_json_unharmed():
    assert read_wanted(wanted_line(WANTED)) == WANTED
    assert read_line(outcome_line(DONE, str)) == DONE
    counted = replace(DONE, requests=(("get", 200, 3), ("watch", 0, 1)))
    assert read_line(outcome_line(counted, str)) == counted
    for broken in (b"", b"{}", b"[1]", b"not json\n", b'{"outcome": {"result": "Great"}}'):
        assert read_line(broken) is None
        with pytest.raises(ValueError):
            read_wanted(broken)


def test_an_outcome_is_masked_before_it_leaves_its_process():
    redactor = Redactor()
    redactor.learn("12345678", "hunter2!")
    said = Outcome(
        work=Work.APPLY, inputs="", result=AttemptResult.FAILED, message="hunter2! 12345678", revision=12345678
    )
    assert read_line(outcome_line(said, redactor.redact)).message == "*** ***"
    assert read_line(outcome_line(said, redactor.redact)).revision == 12345678


def test_a_change_is_asked_for_on_standard_input_and_what_came_of_it_is_kept_once(watching):
    script = f"import sys, json; asked = json.loads(sys.stdin.readline()); print('noise'); print('{EVENT}')\n"
    one = watching(script + f"assert asked['body']['spec']['values']['pass'] == 'hunter2!'\n{SAYS}")
    assert one.changes.begin(KEY, WANTED)
    assert one.outcome() == DONE
    assert one.changes.take_outcome(KEY) is None
    assert one.changes.under_way(KEY) is None
    assert one.events == [{"type": "notice", "text": "hello"}]


def test_nothing_of_a_request_can_be_read_off_the_list_of_processes(watching):
    script = "import os, json; print(json.dumps({'event': {'argv': open('/proc/self/cmdline').read(), 'env': str(os.environ)}}))"
    one = watching(script)
    one.changes.begin(KEY, WANTED)
    one.outcome()
    assert one.events
    assert "hunter2" not in str(one.events)


def test_one_key_has_one_change_at_a_time_and_all_keys_as_many_as_may_be(watching):
    one = watching("import sys; sys.stdin.read()", at_once=1, grace_s=5.0)
    assert one.changes.begin(KEY, WANTED)
    assert one.changes.under_way(KEY) is Work.APPLY
    assert not one.changes.begin(KEY, WANTED)
    assert not one.changes.begin(OTHER, WANTED)
    one.changes.interrupt(KEY)
    one.outcome()
    assert one.outcome(OTHER) is None  # it was rung because there is room now
    assert one.changes.begin(OTHER, WANTED)


def test_one_change_of_each_depth_always_finds_room(watching):
    one = watching("import sys; sys.stdin.read()", at_once=1, grace_s=5.0)
    assert one.changes.begin(KEY, WANTED)
    assert one.changes.begin(OTHER, replace(WANTED, depth=1))
    assert not one.changes.begin(ObjectRef("bundler.dev", "Release", "prod", "third"), replace(WANTED, depth=1))


def test_a_small_change_needs_no_process_and_a_mistake_in_it_costs_no_more_than_a_child_that_dies(watching):
    one, small = watching("raise SystemExit('a process')"), replace(WANTED, work=Work.CORRECT, is_small=True)
    for done, expected in (
        (lambda wanted: replace(DONE, work=wanted.work), (AttemptResult.SUCCEEDED, "done")),
        (lambda wanted: wanted.unknown, (AttemptResult.PASSING, "a mistake in bundler: AttributeError")),
    ):
        one.done_here = done
        one.rung.clear()
        assert one.changes.begin(KEY, small)
        outcome = one.outcome()
        assert (outcome.work, outcome.result) == (Work.CORRECT, expected[0])
        assert outcome.message.startswith(expected[1])
    assert one.events == [{"pid": os.getpid()}] * 2
    one.changes.close()


def test_a_mistake_around_a_child_ends_its_change_too(watching, monkeypatch):
    def broken(_status):
        raise RuntimeError("never thought of")

    monkeypatch.setattr("bundler.controller.children._how_it_ended", broken)
    one = watching("raise SystemExit('no memory')")
    one.changes.begin(KEY, WANTED)
    outcome = one.outcome()
    assert outcome.result is AttemptResult.PASSING
    assert outcome.message == "a mistake in bundler: RuntimeError: never thought of"
    assert one.changes.under_way(KEY) is None


@pytest.mark.filterwarnings("ignore:Exception in thread change:pytest.PytestUnhandledThreadExceptionWarning")
def test_a_change_ends_also_where_its_end_cannot_be_told(watching, monkeypatch):
    def broken(_key, _outcome, _seconds):
        raise RuntimeError("no log")

    one = watching(SAYS)
    monkeypatch.setattr(one, "ended", broken)
    one.changes.begin(KEY, WANTED)
    assert one.outcome() == DONE
    for thread in threading.enumerate():
        if thread.name == "change":
            thread.join(60.0)  # so that its exception belongs to this test
    assert one.changes.under_way(KEY) is None


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import sys; sys.exit(70)", "exit code 70"),
        ("raise SystemExit('no memory')", "no memory"),
        ("print('x' * 3_000_000)", "exit code 0"),
    ],
)
def test_a_child_that_says_nothing_of_its_end_is_tried_again(watching, script, said):
    one = watching(script)
    one.changes.begin(KEY, WANTED)
    outcome = one.outcome()
    assert (outcome.result, outcome.reason, outcome.inputs) == (AttemptResult.PASSING, Reason.WAITING, DIGEST)
    assert said in outcome.message


def test_a_program_that_cannot_be_started_is_an_outcome_too(watching):
    one = watching("")
    one.changes = ChildChanges(Launch(argv=("/nonexistent",)), one, one, print)
    one.changes.begin(KEY, WANTED)
    assert "No such file" in one.outcome().message


STUBBORN = "trap '' TERM; sleep 600"
"""For a shell, which ignores the signal long before Python could."""


def test_a_child_that_takes_too_long_is_asked_to_stop_and_killed_when_it_does_not(watching):
    wanted = WantedChange(work=Work.APPLY, body=order_body(timeout="1s"), service_account="d", inputs=DIGEST)
    one = watching("")
    launch = Launch(argv=("/bin/sh", "-c", STUBBORN), margin_s=-0.5, grace_s=0.3)
    one.changes = ChildChanges(launch, one, one, print)
    began_s = time.monotonic()
    one.changes.begin(KEY, wanted)
    assert "killed by SIGKILL" in one.outcome().message
    assert time.monotonic() - began_s < 30.0


def test_closing_asks_every_child_to_stop_and_waits_for_what_it_says_last(watching):
    script = f"import signal, sys\ndef stop(*_):\n    {SAYS}\n    sys.exit()\nsignal.signal(signal.SIGTERM, stop)\n"
    one = watching(f"{script}print('{EVENT}', flush=True); sys.stdin.read()")
    one.changes.begin(KEY, WANTED)
    end_s = time.monotonic() + 60.0
    while not one.events:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    one.changes.close()
    assert one.changes.take_outcome(KEY) == DONE
    assert not one.changes.begin(OTHER, WANTED)


def test_a_child_learns_by_the_end_of_its_input_that_its_parent_is_gone(tmp_path):
    """Not by a signal of the kernel: these do not reach a child of a container that is restarted."""
    mark = tmp_path / "ended"
    child = f"import sys, pathlib; sys.stdin.readline(); print('{EVENT}', flush=True); sys.stdin.read(); pathlib.Path({str(mark)!r}).touch()"
    parent = f"""
import os, sys, time
sys.path[:] = {sys.path!r}
from bundler import DriftedField, DriftedObject, DriftKind
from bundler.controller.changes import WantedChange, Work
from bundler.controller.children import ChildChanges, Launch
class Listener:
    def reported(self, key, event):
        os._exit(9)
changes = ChildChanges(Launch(argv=(sys.executable, "-S", "-c", {child!r})), None, Listener(), print)
changes.begin(None, WantedChange(work=Work.APPLY, body={{}}, service_account=""))
time.sleep(60)
"""
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-S", "-c", parent]) == 9
    end_s = time.monotonic() + 60.0
    while not mark.exists():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_the_time_of_a_change_is_that_of_its_order_and_twice_where_it_may_go_back():
    def budget(**spec):
        return budget_of(WantedChange(work=Work.APPLY, body=order_body(**spec), service_account="d"))

    assert budget(timeout="90s") == (90.0, 90.0)
    assert budget(timeout="90s", onFailure="RollBack") == (90.0, 180.0)
    assert budget(timeout="never") == (600.0, 600.0)
