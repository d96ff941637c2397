"""A table that is drawn again and again on a terminal. Layer: cli; rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bundler.cli.terminal.streams import patient
from bundler.model.health import Status
from bundler.model.size import seconds

if TYPE_CHECKING:
    from bundler.cli.terminal.progress_state import Row, Scene
    from bundler.cli.terminal.screen import Screen
    from bundler.model.refs import ObjectRef
    from bundler.ports import Clock

_ROWS = 15
_COLORS = {Status.FAILED: "red", Status.TERMINATING: "yellow", Status.NOT_FOUND: "dim"}


class LiveTable:
    """Objects that are waited for: status, how many are ready, why not, since when."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen, self._clock = screen, clock
        self._head = ""
        self._rows: tuple[tuple[ObjectRef, Row], ...] = ()
        self._console = Console(file=patient(screen.terminal), markup=False, highlight=False, emoji=False)
        self._live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._picture,
        )
        self._live.start()
        screen.drawing(self._above)

    def stop(self) -> None:
        """Take the table away; the cursor is back."""
        self._screen.drawing(None)
        self._live.stop()

    def draw(self, scene: Scene) -> None:
        """Take over what is happening now; the next refresh shows it."""
        self._head = f"{scene.phase}: {scene.done} of {scene.total} written, {len(scene.waiting)} not ready yet"
        self._rows = tuple(sorted(scene.waiting.items(), key=lambda item: item[0]))

    def _above(self, text: str) -> None:
        self._console.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    def _picture(self) -> Group:
        rows = self._rows
        table = Table.grid(padding=(0, 2))
        for ref, row in rows[:_ROWS]:
            health = row.health
            table.add_row(
                Text(self._screen.shown(ref.short)),
                Text(str(health.status), style=_COLORS.get(health.status, "cyan")),
                Text(f"{health.ready}/{health.wanted}" if health.wanted is not None else ""),
                Text(self._screen.shown(row.detail or health.message), overflow="ellipsis", no_wrap=True),
                Text(seconds(self._clock.monotonic() - row.since_s), style="dim"),
            )
        more = len(rows) - _ROWS
        tail = [Text(f"and {more} more", style="dim")] if more > 0 else []
        return Group(Text(self._head, style="bold"), table, *tail)
