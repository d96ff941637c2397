"""What a run reports while it runs, off a terminal."""

from __future__ import annotations

import io

import pytest

from bundler.cli.terminal import progress as progress_module
from bundler.cli.terminal.progress import Progress, describe
from bundler.cli.terminal.screen import Looks, Screen
from bundler.model.change import Action
from bundler.model.events import (
    ChangeFinished,
    ChangeStarted,
    HealthChanged,
    Notice,
    PhaseStarted,
    PodsReplaced,
    Retrying,
    Warned,
)
from bundler.model.health import Health, Status
from bundler.model.redaction import Redactor
from bundler.model.refs import ObjectRef
from tests.lib.clocks import FakeClock

WEB = ObjectRef("apps", "Deployment", "prod", "web")
WAITING = Health(Status.IN_PROGRESS, "1 of 3 replicas are ready", 1, 3)
READY = Health(Status.CURRENT, "3 of 3 replicas are ready", 3, 3)


class Told:
    def __init__(self, *, is_quiet: bool = False) -> None:
        self.err = io.StringIO()
        looks = Looks(out_is_terminal=False, err_is_terminal=False, has_color=True)
        screen = Screen(io.StringIO(), self.err, looks=looks, redactor=Redactor(), is_quiet=is_quiet)
        self.clock = FakeClock()
        self.progress = Progress(screen, self.clock)

    def lines(self, *events: object) -> list[str]:
        with self.progress:
            for event in events:
                self.progress(event)  # type: ignore[arg-type]
        return self.err.getvalue().splitlines()


def test_each_change_of_state_is_one_line():
    lines = Told().lines(
        PhaseStarted("applying", 1),
        ChangeStarted(WEB, Action.CREATE),
        ChangeFinished(WEB, Action.CREATE),
        PhaseStarted("waiting", 1),
        HealthChanged(WEB, WAITING),
        HealthChanged(WEB, WAITING, "pod web-1 CrashLoopBackOff (exit 1, 4 restarts)"),
        HealthChanged(WEB, READY),
    )
    assert lines == [
        "applying: 1 object",
        "created Deployment/web",
        "Deployment/web 1/3 ready: 1 of 3 replicas are ready",
        "Deployment/web 1/3 ready: pod web-1 CrashLoopBackOff (exit 1, 4 restarts)",
        "Deployment/web 3/3 ready after 0.0 s",
    ]


def test_the_pods_of_a_step_are_spoken_of_now_and_then_and_when_they_are_there():
    told = Told()

    def roll(new: int, ready: int, old: int) -> None:
        told.progress(PodsReplaced(ref=WEB, step=1, of=3, target=3, new=new, new_ready=ready, old=old, old_ready=old))

    with told.progress:
        told.progress(PhaseStarted("applying", 1))
        for new, ready in ((0, 0), (1, 0), (1, 1)):
            roll(new, ready, 8)
        told.clock.advance(3)
        roll(2, 1, 8)
        roll(3, 2, 8)
        roll(3, 3, 8)
        roll(3, 3, 7)
    assert told.err.getvalue().splitlines() == [
        "applying: 1 object",
        "step 1 of 3: Deployment/web: 0 of 3 new pods are there, 0 ready; 8 old pods, 8 ready",
        "step 1 of 3: Deployment/web: 2 of 3 new pods are there, 1 ready; 8 old pods, 8 ready",
        "step 1 of 3: Deployment/web: 3 of 3 new pods are there, 3 ready; 8 old pods, 8 ready",
    ]


def test_what_hooks_and_backups_write_is_counted_beside_the_objects_of_the_release():
    assert Told().lines(PhaseStarted("applying", 6, hooks=3, backups=1)) == [
        "applying: 2 objects, 3 hook objects, 1 backup"
    ]
    assert Told().lines(PhaseStarted("applying", 1, hooks=1)) == ["applying: 1 hook object"]


def test_what_was_ready_all_along_is_not_told():
    assert Told().lines(PhaseStarted("waiting", 1), HealthChanged(WEB, READY)) == []


def test_a_plan_that_follows_a_failed_one_counts_its_waits_from_their_own_beginning():
    told = Told()
    with told.progress:
        for event in (PhaseStarted("applying", 1), PhaseStarted("waiting", 1), HealthChanged(WEB, WAITING)):
            told.progress(event)
        told.clock.sleep(60)
        for event in (Notice("rolling back"), PhaseStarted("applying", 1), PhaseStarted("waiting", 1)):
            told.progress(event)
        told.progress(HealthChanged(WEB, WAITING))
        told.clock.sleep(2)
        told.progress(HealthChanged(WEB, READY))
    assert told.err.getvalue().splitlines()[-1] == "Deployment/web 3/3 ready after 2.0 s"


def test_what_a_failed_plan_waited_for_is_not_waited_for_by_the_next_one():
    told = Told()
    told.progress(PhaseStarted("waiting", 1))
    told.progress(HealthChanged(WEB, WAITING))
    told.progress(PhaseStarted("applying", 1))
    told.progress(HealthChanged(WEB, READY))
    assert not any("after" in line for line in told.err.getvalue().splitlines())


def test_notices_warnings_and_retries_are_told():
    lines = Told().lines(Notice("made a namespace"), Warned("old"), Warned("old"), Retrying("patching web", 2, "429"))
    assert lines == ["made a namespace", "warning: old", "retrying (2): patching web: 429"]


def test_the_same_retry_of_requests_side_by_side_is_told_once():
    first, second = (Retrying("reading what the server offers", attempt, "refused") for attempt in (1, 2))
    lines = Told().lines(first, first, second, second, first)
    assert [line.partition(":")[0] for line in lines] == ["retrying (1)", "retrying (2)", "retrying (1)"]


def test_a_webhook_that_does_not_answer_is_named_once_for_all_that_wait_for_it_and_again_now_and_then():
    told = Told()
    gate, other = "admission webhook gate.example (Service ops/gate)", "conversion webhook of a.example/v1 W"
    for attempt, doing, waits_for in ((1, "applying A", gate), (1, "applying B", gate), (2, "applying A", gate)):
        told.progress(Retrying(doing, attempt, "connection refused", 500, waits_for))
    told.progress(Retrying("applying C", 1, "EOF", 500, other))
    told.clock.sleep(20)
    told.progress(Retrying("applying B", 5, "connection refused", 500, gate))
    assert told.err.getvalue().splitlines() == [
        f"waiting for {gate}: applying A: connection refused",
        f"waiting for {other}: applying C: EOF",
        f"waiting for {gate}, for 20 s: applying B: connection refused",
    ]


def test_quiet_tells_warnings_alone():
    events = (
        PhaseStarted("applying", 1),
        ChangeFinished(WEB, Action.UPDATE),
        HealthChanged(WEB, WAITING),
        Warned("old"),
    )
    assert Told(is_quiet=True).lines(*events) == ["warning: old"]


def test_silence_is_broken_by_a_heartbeat(monkeypatch):
    monkeypatch.setattr(progress_module, "BEAT_S", 0.01)
    told = Told()
    with told.progress:
        told.progress(PhaseStarted("waiting", 1))
        told.progress(HealthChanged(WEB, WAITING))
        told.clock.sleep(progress_module.HEARTBEAT_S)
        for _ in range(500):
            if "still waiting" in told.err.getvalue():
                break
            told.progress._over.wait(0.01)
    beats = [line for line in told.err.getvalue().splitlines() if line.startswith("still waiting")]
    assert beats == ["still waiting for 1 object: Deployment/web 1/3 ready: 1 of 3 replicas are ready"]


def test_what_has_not_changed_is_not_said_again():
    told = Told()
    told.progress(HealthChanged(WEB, WAITING))
    beats = []
    for _ in range(3):
        told.clock.sleep(progress_module.HEARTBEAT_S)
        beats.append(told.progress._still_waiting())
    assert beats[0].endswith("1 of 3 replicas are ready")
    assert beats[1:] == ["still waiting for 1 object, for 30 s", "still waiting for 1 object, for 45 s"]
    told.progress(HealthChanged(WEB, WAITING, "pod web-x Unschedulable: no node has room"))
    assert told.progress._still_waiting().endswith("pod web-x Unschedulable: no node has room")


@pytest.mark.parametrize(
    ("health", "detail", "shown"),
    [
        (READY, "", "Deployment/web 3/3 ready"),
        (WAITING, "", "Deployment/web 1/3 ready: 1 of 3 replicas are ready"),
        (Health(Status.NOT_FOUND, "it does not exist"), "", "Deployment/web NotFound: it does not exist"),
        (Health(Status.CURRENT, "exists"), "", "Deployment/web Current: exists"),
    ],
)
def test_states_are_described_in_a_line(health, detail, shown):
    assert describe(WEB, health, detail) == shown
