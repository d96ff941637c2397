"""What the environment and the common options say. Layer: cli; pure but for `read_surroundings`."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.errors import UsageError
from bundler.library.name_rules import check_namespace
from bundler.model.durations import parse_duration
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_TIMEOUT_S = 600.0
DEFAULT_LOCK_DURATION_S = 30.0
MIN_LOCK_DURATION_S = 1.0
"""A Lease counts whole seconds, and a shorter one is lost before the first object is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
    """Options that every verb takes, as typed."""

    output: str | None = None
    quiet: bool = False
    verbose: int = 0
    timeout_s: float | None = None
    context: str | None = None
    kubeconfig: Path | None = None
    namespace: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment of the process: the only channel besides the command line, read once."""

    variables: Mapping[str, str]
    home: Path
    stdin_is_terminal: bool
    out_is_terminal: bool
    err_is_terminal: bool

    def text(self, name: str) -> str:
        """Return a variable of ours, empty where it is not set."""
        return self.variables.get(f"BUNDLER_{name}", "")

    def duration_s(self, name: str, default_s: float) -> float:
        """Return a variable of ours that holds a duration, in seconds.

        Raises:
            UsageError: when it holds none.
        """
        text = self.text(name)
        if not text:
            return default_s

        try:
            return parse_duration(text)
        except ValueError as error:
            raise _wrong(f"BUNDLER_{name}", str(error)) from error

    def folder(self, name: str, xdg: str, fallback: str) -> Path:
        """Return a folder of ours: BUNDLER_<name>, else ``bundler`` in the XDG one, else in its place below home.

        Args:
            name: of the variable, without ``BUNDLER_``.
            xdg: variable of the XDG base folder.
            fallback: below the home folder.
        """
        if own := self.text(name):
            return Path(own).expanduser()
        return self._xdg_folder(xdg, fallback)

    def _xdg_folder(self, variable: str, fallback: str) -> Path:
        base = self.variables.get(variable, "")
        return (Path(base) if base.startswith("/") else self.home / fallback) / "bundler"

    @property
    def lock_duration_s(self) -> float:
        """How long a lock lives without a heartbeat.

        Raises:
            UsageError: when the variable holds no duration, or one too short to write anything in.
        """
        duration_s = self.duration_s("LOCK_DURATION", DEFAULT_LOCK_DURATION_S)
        if duration_s >= MIN_LOCK_DURATION_S:
            return duration_s
        said = f"{self.text('LOCK_DURATION')!r} is shorter than {MIN_LOCK_DURATION_S:.0f} s"
        raise _wrong("BUNDLER_LOCK_DURATION", said)

    @property
    def state_dir(self) -> Path:
        """Where the sandbox lies."""
        return self.folder("STATE_DIR", "XDG_STATE_HOME", ".local/state")

    @property
    def cache_dir(self) -> Path:
        """Where discovery is kept; everything in it can be deleted."""
        return self.folder("CACHE_DIR", "XDG_CACHE_HOME", ".cache")

    @property
    def config_dir(self) -> Path:
        """Where the user's own settings lie (``registries.yaml``)."""
        return self._xdg_folder("XDG_CONFIG_HOME", ".config")

    @property
    def bundle_path(self) -> tuple[Path, ...]:
        """Folders in which a bundle's name is looked up before those shipped with bundler."""
        return tuple(Path(part).expanduser() for part in self.text("BUNDLE_PATH").split(os.pathsep) if part)

    @property
    def catalogues(self) -> tuple[str, ...]:
        """Catalogues in which a bundle's name is looked up where no local place has it."""
        return tuple(self.text("CATALOGUES").replace(",", " ").split())

    @property
    def color(self) -> str:
        """When colours are wanted: ``auto``, ``always`` or ``never``. Source: no-color.org, force-color.org."""
        if self.variables.get("NO_COLOR"):
            return "never"
        if self.variables.get("FORCE_COLOR"):
            return "always"
        return "never" if self.variables.get("TERM") == "dumb" else "auto"

    @property
    def archive_time_s(self) -> int:
        """Seconds since 1970 that archives carry (SOURCE_DATE_EPOCH). Source: reproducible-builds.org.

        Raises:
            UsageError: when the variable is not a whole number.
        """
        text = self.variables.get("SOURCE_DATE_EPOCH", "0")
        if text.isascii() and text.isdigit():
            return int(text)
        said = f"{text!r} is not a number of seconds"
        raise _wrong("SOURCE_DATE_EPOCH", said, hint="set it to whole seconds since 1970, or unset it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Environment and common options put together: options win."""

    environment: Environment
    output: str
    is_quiet: bool
    is_verbose: bool
    timeout_s: float
    context: str
    kubeconfig: Path | None
    namespace: str
    """Empty: the one of the context."""


def _wrong(variable: str, said: str, hint: str = "correct it, or unset it") -> UsageError:
    """Return the error of a variable that holds what cannot be taken."""
    return UsageError(f"reading the variable {variable}", context=[said], hint=hint)


def typed_output(argv: Sequence[str]) -> str:
    """Return what ``-o`` asks for on a command line that may be wrong elsewhere; empty where it says nothing."""
    found = ""
    for word, after in pairwise((*argv, "")):
        if word in {"-o", "--output"}:
            found = after
        elif word.startswith(("--output=", "-o")):
            found = word.removeprefix("--output=").removeprefix("-o")
    return found


def make_settings(environment: Environment, options: CommonOptions, outputs: tuple[str, ...]) -> Settings:
    """Put options and environment together.

    Args:
        environment: of the process.
        options: as typed.
        outputs: what the verb can print, the first one by default.

    Raises:
        UsageError: when an option or a variable holds what cannot be taken.
    """
    timeout_s = options.timeout_s
    return Settings(
        environment=environment,
        output=_output(environment, options, outputs),
        is_quiet=options.quiet,
        is_verbose=options.verbose > 0,
        timeout_s=environment.duration_s("TIMEOUT", DEFAULT_TIMEOUT_S) if timeout_s is None else timeout_s,
        context=environment.text("CONTEXT") if options.context is None else _filled("--context", options.context),
        kubeconfig=options.kubeconfig,
        namespace=_namespace(environment, options),
    )


def _namespace(environment: Environment, options: CommonOptions) -> str:
    if options.namespace is not None:
        return check_namespace(_filled("--namespace", options.namespace))
    name = environment.text("NAMESPACE")
    return check_namespace(name) if name else ""


def _filled(option: str, text: str) -> str:
    """Refuse an empty text: it comes from a variable that is not set, and the default would be another place."""
    if text:
        return text
    raise UsageError(
        f"reading {option}",
        context=["it is empty"],
        hint=f"check the variable that it comes from, or leave {option} out to use the default",
    )


def _output(environment: Environment, options: CommonOptions, outputs: tuple[str, ...]) -> str:
    if options.output is not None:
        return options.output
    wanted = environment.text("OUTPUT")
    if wanted and wanted not in {"text", "json", "yaml"}:
        raise _wrong("BUNDLER_OUTPUT", f"{wanted!r} is not one of text, json, yaml")
    return wanted if wanted in outputs else outputs[0]


def read_surroundings() -> Environment:
    """Read the environment of this process."""
    variables = dict(os.environ)  # noqa: TID251 - the one place that reads it
    return Environment(
        variables=variables,
        home=Path(variables.get("HOME") or "/"),
        stdin_is_terminal=_is_terminal(sys.stdin),
        out_is_terminal=_is_terminal(sys.stdout),
        err_is_terminal=_is_terminal(sys.stderr),
    )


def _is_terminal(stream: object) -> bool:
    ask = getattr(stream, "isatty", None)
    try:
        return bool(ask()) if callable(ask) else False
    except ValueError:
        return False
