"""One call of the program: its streams, its wish to stop, what must be closed at its end. Layer: cli."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from bundler.cli.session.app import App
from bundler.cli.session.settings import make_settings, typed_output
from bundler.cli.session.signals import Stop
from bundler.cli.terminal.screen import Looks, Screen
from bundler.cli.terminal.telling import Telling
from bundler.library.network import Network, NetworkRules
from bundler.library.system_clock import SystemClock
from bundler.model.pattern import LazyPattern
from bundler.model.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from bundler.cli.session.settings import CommonOptions, Environment

# A registry named as name:password@host is refused, and the refusal names what was typed.
_LOGIN_IN_ADDRESS: Final = LazyPattern(r"(?:--[a-z-]+=)?(?:[a-z]+://)?[^\s/@:=]+:([^\s/@]+)@(?!sha256:)")


class Invocation:
    """The program from its start to its end."""

    def __init__(self, environment: Environment, argv: Sequence[str], leftovers: list[object] | None = None) -> None:
        self._environment, self._argv = environment, tuple(argv)
        self._owns_process = leftovers is not None
        self._leftovers: list[object] = [] if leftovers is None else leftovers
        self._clock = SystemClock()
        self._started_s = self._clock.monotonic()
        self._closing = ExitStack()
        self.redactor = Redactor()
        self.redactor.learn(*(found[1] for word in argv if "@" in word and (found := _LOGIN_IN_ADDRESS.match(word))))
        self.stop = Stop()
        self.is_verbose = False
        self.output = typed_output(argv) or environment.text("OUTPUT")
        """What ``-o`` asks for; as far as it is known before the command line is read."""
        self.screen = Screen(
            sys.stdout, sys.stderr, looks=self._looks(environment.color), redactor=self.redactor, is_quiet=False
        )
        self.telling = Telling(self.screen, self._clock, self._closing)
        self.stop.on_first = self._say_stopping
        self.stop.before_leaving = self.screen.leave

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def app(
        self,
        options: CommonOptions,
        outputs: tuple[str, ...],
        *,
        network: NetworkRules | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> App:
        """Return what a verb works with, once its options are read.

        Args:
            options: of every verb.
            outputs: what the verb can print, the first one by default.
            network: what is typed of servers.
            limits: what is typed of how large a bundle may be.

        Raises:
            UsageError: when a variable of the environment cannot be used.
        """
        settings = make_settings(self._environment, options, outputs)
        self.output = settings.output
        self.screen.is_quiet, self.is_verbose = settings.is_quiet, settings.is_verbose
        if options.color is not None:
            self.screen.looks = self._looks(options.color)
        return App(
            settings=settings,
            screen=self.screen,
            redactor=self.redactor,
            stop=self.stop,
            clock=self._clock,
            started_s=self._started_s,
            argv=self._argv,
            closing=self._closing,
            telling=self.telling,
            network=Network(network or NetworkRules(), holds_process=True),
            typed_limits=limits or {},
            leftovers=self._leftovers,
            owns_process=self._owns_process,
        )

    def _looks(self, color: str) -> Looks:
        return Looks(
            out_is_terminal=self._environment.out_is_terminal,
            err_is_terminal=self._environment.err_is_terminal,
            has_color=color != "never",
            forces_color=color == "always",
        )

    def _say_stopping(self) -> None:
        self.screen.say("stopping once the requests in flight are answered; press again to stop at once", "yellow")
