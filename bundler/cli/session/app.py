"""What a verb works with: settings, streams, the clock, the wish to stop. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from contextlib import ExitStack

    from bundler.cli.session.settings import Settings
    from bundler.cli.session.signals import Stop
    from bundler.cli.session.system_clock import SystemClock
    from bundler.cli.terminal.screen import Screen
    from bundler.model.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What a verb works with."""

    settings: Settings
    screen: Screen
    redactor: Redactor
    stop: Stop
    clock: SystemClock
    started_s: float
    """On ``clock.monotonic()``: when the program began."""
    argv: tuple[str, ...]
    closing: ExitStack
    """What is entered here is left when the program ends."""
    leftovers: list[object]
    """What is large and no longer needed; it goes with the process."""

    @property
    def output(self) -> str:
        """What -o asks for."""
        return self.settings.output

    @property
    def deadline_s(self) -> float:
        """On ``clock.monotonic()``: when the budget of the whole command ends."""
        return self.started_s + self.settings.timeout_s

    @property
    def may_ask(self) -> bool:
        """Tell whether somebody is there to answer: stdin and stderr are terminals."""
        environment = self.settings.environment
        return environment.stdin_is_terminal and environment.err_is_terminal
