"""What a verb works with: settings, streams, the clock, the wish to stop. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bundler.confinement
from bundler import loader
from bundler.model.lean import dataclass, replace
from bundler.ports import UNCONFINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import ExitStack

    from bundler.cli.session.settings import Settings
    from bundler.cli.session.signals import Stop
    from bundler.cli.terminal.screen import Screen
    from bundler.cli.terminal.telling import Telling
    from bundler.cli.terminal.text import Line
    from bundler.library.network import Network
    from bundler.library.system_clock import SystemClock
    from bundler.loader.limits import LoadLimits
    from bundler.model.redaction import Redactor
    from bundler.ports import Confinement


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
    telling: Telling
    """Shows the events of this run."""
    network: Network
    """What this run may reach."""
    typed_limits: Mapping[str, Any]
    """What is typed of how large a bundle may be, by the fields of `LoadLimits`."""
    leftovers: list[object]
    """What is large and no longer needed; it goes with the process."""
    owns_process: bool
    """False where this runs within another program."""

    @property
    def limits(self) -> LoadLimits:
        """How large a bundle may be."""
        return replace(loader.limits.DEFAULT_LOAD_LIMITS, **self.typed_limits)

    @property
    def output(self) -> str:
        """What -o asks for."""
        return self.settings.output

    def show(self, form: Mapping[str, object] | Sequence[object], lines: Iterable[Line]) -> None:
        """Print lines of text, or the form that says the same where -o asks for data."""
        if self.output == "text":
            self.screen.lines(lines)
        else:
            self.screen.document(form, self.output)

    @property
    def deadline_s(self) -> float:
        """On ``clock.monotonic()``: when the budget of the whole command ends."""
        return self.started_s + self.settings.timeout_s

    @property
    def confinement(self) -> Confinement:
        """Runs work on foreign bundles: in a process of its own where the process is ours to copy."""
        if not self.owns_process:
            return UNCONFINED

        return bundler.confinement.forked.ForkedWork(
            self.clock, deadline_s=lambda: self.deadline_s, is_stopped=self.stop.is_asked
        )

    @property
    def may_ask(self) -> bool:
        """Return whether someone is there to answer: stdin and stderr are terminals."""
        environment = self.settings.environment
        return environment.stdin_is_terminal and environment.err_is_terminal
