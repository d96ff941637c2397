"""What a run reports while it runs: a live table on a terminal, lines elsewhere. Layer: cli."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, assert_never

from bundler.cli import terminal
from bundler.cli.terminal.progress_state import Row, Scene
from bundler.concurrency import in_thread
from bundler.model.change import Action
from bundler.model.events import (
    Acquired,
    BytesMoved,
    ChangeFinished,
    ChangeStarted,
    GateJudged,
    HealthChanged,
    Notice,
    PhaseStarted,
    PodsReplaced,
    Retrying,
    Warned,
)
from bundler.model.health import Health, Status
from bundler.model.size import counted, counted_objects, seconds, shown_bytes

if TYPE_CHECKING:
    from types import TracebackType

    from bundler.cli.terminal.live_table import LiveTable
    from bundler.cli.terminal.screen import Screen
    from bundler.model.events import Event
    from bundler.model.refs import ObjectRef
    from bundler.ports import Clock

HEARTBEAT_S = 15.0
BEAT_S = 1.0
"""How often silence is looked for."""
BYTES_EVERY_S = 3.0
"""Between two lines about bytes on their way."""
PODS_EVERY_S = 3.0
"""Between two lines about the pods of one workload, until its step is done."""
_SETTLED = {Status.CURRENT, Status.UNKNOWN}
_VERBS = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.RECREATE: "recreated",
    Action.DELETE: "deleted",
    Action.NONE: "left",
}


class Progress:
    """A Reporter: takes events from several threads and shows them as the screen allows."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen, self._clock = screen, clock
        self._scene = Scene()
        self._lock = threading.RLock()
        self._spoke_s = clock.monotonic()
        self._over = threading.Event()
        self._beating: threading.Thread | None = None
        self._live: LiveTable | None = None
        self._moving: tuple[str, float, int] | None = None
        """What is moved, since when (monotonic), and how many bytes lay there then."""
        self._told_s = 0.0
        self._rolled: dict[ObjectRef, float] = {}
        """When the pods of a workload were last spoken of."""
        self._beaten: list[str] = []
        """What the last heartbeat named."""
        self._silent: dict[str, tuple[float, float]] = {}
        """Webhooks that do not answer: since when, and when that was last said."""
        self._retried: Retrying | None = None
        """The last retry that was reported; requests side by side fail for the same reason."""
        self._may_draw = screen.looks.err_is_terminal and screen.looks.has_color and not screen.is_quiet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self._over.set()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self._take(event)

    def stop(self) -> None:
        """Take the drawing away: someone is going to print at length, or to ask."""
        with self._lock:
            live, self._live = self._live, None
            self._scene = Scene()
        if live is not None:
            live.stop()

    def _take(self, event: Event) -> None:  # noqa: C901 - a table
        match event:
            case Notice() | Acquired():
                self._say(event.text, "dim" if isinstance(event, Acquired) else "")
            case Warned():
                self._screen.warn(event.text)
            case PhaseStarted():
                self._start(event)
            case ChangeStarted():
                self._draw()
            case ChangeFinished():
                self._finish(event)
            case HealthChanged():
                self._see(event)
            case PodsReplaced():
                self._roll(event)
            case GateJudged():
                self._say(f"step {event.step} of {event.of}: {event}")
            case Retrying():
                self._retry(event)
            case BytesMoved():
                self._tell_bytes(event)
            case _:
                assert_never(event)

    def _retry(self, event: Retrying) -> None:
        if event.waits_for:
            self._wait_for(event)
        elif event != self._retried:
            self._say(f"retrying ({event.attempt}): {event.doing}: {event.why}", "dim")
        self._retried = event

    def _wait_for(self, event: Retrying) -> None:
        """Name a webhook once, whatever number of objects waits for it, and again every now and then."""
        now_s = self._clock.monotonic()
        since_s, told_s = self._silent.get(event.waits_for, (now_s, -HEARTBEAT_S))
        if now_s - told_s >= HEARTBEAT_S:
            for_s = f", for {seconds(now_s - since_s)}" if now_s > since_s else ""
            self._say(f"waiting for {event.waits_for}{for_s}: {event.doing}: {event.why}", "yellow")
            told_s = now_s
        self._silent[event.waits_for] = (since_s, told_s)

    def _tell_bytes(self, event: BytesMoved) -> None:
        now_s = self._clock.monotonic()
        if self._moving is None or self._moving[0] != event.doing:
            self._moving = (event.doing, now_s, event.done)
            self._told_s = now_s
        if now_s - self._told_s < BYTES_EVERY_S:
            return
        self._told_s = now_s
        _, since_s, start = self._moving
        rate = (event.done - start) / max(now_s - since_s, 0.001)
        left = f", {seconds((event.total - event.done) / rate)} left" if rate > 0 else ""
        done, total = shown_bytes(event.done), shown_bytes(event.total)
        self._say(f"{event.doing}: {done} of {total}, {shown_bytes(rate)}/s{left}", "dim")

    def _start(self, event: PhaseStarted) -> None:
        self._begin()
        self._scene.phase = event.name
        if event.name == "waiting":
            return
        if event.name == "applying":
            self._scene.waiting.clear()  # a plan begins; an earlier one that failed left what it waited for
        self._scene.total, self._scene.done = event.total, 0
        if self._live is None and event.total:
            objects = event.total - event.hooks - event.backups
            self._say(f"{event.name}: {counted_objects(objects, hooks=event.hooks, backups=event.backups)}", "dim")

    def _finish(self, event: ChangeFinished) -> None:
        self._scene.done += 1
        if self._live is None:
            self._say(f"{_VERBS[event.action]} {event.ref.short}")
        self._draw()

    def _see(self, event: HealthChanged) -> None:
        ref, now_s = event.ref, self._clock.monotonic()
        before = self._scene.waiting.get(ref)
        if event.health.status in _SETTLED:
            self._scene.waiting.pop(ref, None)
            if before is not None and self._live is None:
                self._say(f"{describe(ref, event.health)} after {seconds(now_s - before.since_s)}")
        else:
            since_s = before.since_s if before else now_s
            self._scene.waiting[ref] = Row(event.health, event.detail, since_s)
            if self._live is None:
                self._say(describe(ref, event.health, event.detail))
        self._draw()

    def _roll(self, event: PodsReplaced) -> None:
        """Say how far a workload is; on a terminal only once the step is done with it, for the table says the rest."""
        before = self._scene.waiting.pop(event.ref, None)
        if not event.is_there:
            health = Health(
                Status.IN_PROGRESS, f"{event.new} of {event.target} new pods", event.new_ready, event.target
            )
            self._scene.waiting[event.ref] = Row(health, "", before.since_s if before else self._clock.monotonic())
        now_s = self._clock.monotonic()
        is_time = self._live is None and now_s - self._rolled.get(event.ref, -PODS_EVERY_S) >= PODS_EVERY_S
        if is_time or (event.is_there and before is not None):
            self._rolled[event.ref] = now_s
            self._say(f"step {event.step} of {event.of}: {event}")
        self._draw()

    def _say(self, text: str, style: str = "") -> None:
        self._spoke_s = self._clock.monotonic()
        self._screen.say(text, style)

    def _begin(self) -> None:
        if self._screen.is_quiet:
            return
        if self._may_draw and self._live is None:
            self._live = terminal.live_table.LiveTable(self._screen, self._clock)
        elif not self._may_draw and self._beating is None:
            self._beating = in_thread(self._beat, name="heartbeat of the output")
            self._beating.start()

    def _draw(self) -> None:
        if self._live is not None:
            self._live.draw(self._scene)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            with self._lock:
                silent_s = self._clock.monotonic() - self._spoke_s
                if silent_s >= HEARTBEAT_S and self._scene.waiting:
                    self._say(self._still_waiting(), "dim")

    def _still_waiting(self) -> str:
        """Return what is waited for, and why; what was said so already is only counted."""
        rows = sorted(self._scene.waiting.items())
        names = [describe(ref, row.health, row.detail) for ref, row in rows]
        count = counted(len(names), "object")
        if names == self._beaten:
            waited_s = self._clock.monotonic() - min(row.since_s for _, row in rows)
            return f"still waiting for {count}, for {seconds(waited_s)}"
        self._beaten = names
        more = f"; and {len(names) - 5} more" if len(names) > 5 else ""
        return f"still waiting for {count}: {'; '.join(names[:5])}{more}"


def describe(ref: ObjectRef, health: Health, detail: str = "") -> str:
    """Return an object's state in a line: ``Deployment/web 1/3 ready: pod web-x CrashLoopBackOff``.

    Args:
        ref: the object.
        health: of the object.
        detail: what a pod or event adds.
    """
    count = f" {health.ready}/{health.wanted} ready" if health.wanted is not None else f" {health.status}"
    because = detail or ("" if health.status is Status.CURRENT and health.wanted is not None else health.message)
    return f"{ref.short}{count}{f': {because}' if because else ''}"
