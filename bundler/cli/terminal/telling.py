"""Shows what a run tells; what draws it is loaded when there is something to draw. Layer: cli."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bundler.cli import terminal
from bundler.model.events import Acquired, Warned

if TYPE_CHECKING:
    from contextlib import ExitStack

    from bundler.cli.terminal.progress import Progress
    from bundler.cli.terminal.screen import Screen
    from bundler.model.events import Event
    from bundler.ports import Clock


class Telling:
    """A Reporter for the whole program: one for all that it does, so that no two draw over each other."""

    def __init__(self, screen: Screen, clock: Clock, closing: ExitStack) -> None:
        self._screen, self._clock, self._closing = screen, clock, closing
        self._making = threading.Lock()
        self._progress: Progress | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if self._progress is None:
            match event:
                case Acquired():
                    self._screen.say(event.text, "dim")
                    return
                case Warned():
                    self._screen.warn(event.text)
                    return
                case _:
                    pass
        self._made()(event)

    def stop(self) -> None:
        """Take the drawing away: something is going to be printed at length, or asked."""
        if self._progress is not None:
            self._progress.stop()

    def _made(self) -> Progress:
        with self._making:
            if self._progress is None:
                self._progress = self._closing.enter_context(terminal.progress.Progress(self._screen, self._clock))
            return self._progress
