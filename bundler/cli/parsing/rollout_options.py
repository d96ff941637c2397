"""Options of upgrades in steps. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bundler.cli.parsing.command import Duration, gathered
from bundler.model.lean import dataclass
from bundler.model.rollout import OnFailure, RolloutRequest, Share

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Decorator

_WHOLE = 100
_PAUSES = ("canary", "each", "none")


class _Share(click.ParamType[Share]):
    """A share of pods: a number, or a percentage."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Share:
        """Return the share."""
        try:
            return value if isinstance(value, Share) else Share.parse(str(value))
        except ValueError as error:
            self.fail(f"{error}; write 2, or 25%", param, ctx)


class _Steps(click.ParamType[tuple[Share, ...]]):
    """Shares with commas between them."""

    name = "shares"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Share, ...]:
        """Return the shares."""
        if isinstance(value, tuple):
            return value
        return tuple(_Share().convert(word.strip(), param, ctx) for word in str(value).split(","))


class _PauseAfter(click.ParamType[str]):
    """After which steps a rollout waits for someone."""

    name = "pause"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a word, or the number of a step."""
        word = str(value)
        if word not in _PAUSES and not (word.isdecimal() and word.isascii() and int(word)):
            self.fail(f"{word} is none of {', '.join(_PAUSES)}, and no number of a step", param, ctx)
        return word


share_type = _Share()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFlags:
    """What was typed about steps."""

    canaries: tuple[str, ...]
    steps: tuple[Share, ...] | None = None
    steps_of: str
    batch: Share | None = None
    pause_after: str | None = None
    soak_s: float | None = None
    gates: tuple[str, ...]
    on_failure: str | None = None
    step_timeout_s: float | None = None
    shared_config: bool
    at_once: bool

    @property
    def own_pause(self) -> str:
        """Where a rollout pauses by these flags alone; empty: as the bundle says."""
        return "none" if self.steps or self.batch else "canary" if self.canaries else ""

    @property
    def ways(self) -> list[str]:
        """The flags that say which steps there are for all; a canary of one component gives it other ones."""
        has_canary = any(self.at_once or "=" not in one for one in self.canaries)
        given = (("--canary", has_canary), ("--steps", self.steps), ("--batch", self.batch), ("--all", self.at_once))
        return [flag for flag, is_given in given if is_given]


def _step_options(flags: RolloutFlags) -> RolloutRequest | None:
    """Return what was typed about steps; None where nothing was."""
    if len(flags.ways) > 1:
        raise click.UsageError(f"{' and '.join(flags.ways)} are different ways to upgrade; give one of them")
    own, first = _canary_shares(flags.canaries)
    options = RolloutRequest(
        steps=flags.steps or (_batches(flags.batch) if flags.batch else first),
        shares=own,
        of=tuple(name for name in map(str.strip, flags.steps_of.split(",")) if name),
        pause_after=flags.pause_after or flags.own_pause,
        soak_s=_whole(flags.soak_s),
        step_timeout_s=_whole(flags.step_timeout_s),
        on_failure=OnFailure(flags.on_failure) if flags.on_failure else OnFailure.ABORT if flags.batch else None,
        gates=flags.gates,
        accepts_shared_config=flags.shared_config,
        in_one_step=flags.at_once,
        has_canary=flags.batch is None,
    )
    return None if options == RolloutRequest() else options


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _canary_shares(words: tuple[str, ...]) -> tuple[dict[str, tuple[Share, ...]], tuple[Share, ...]]:
    """Return the shares of named components, and the one of all others."""
    own: dict[str, tuple[Share, ...]] = {}
    for word in words:
        name, _, text = word.rpartition("=")
        if name in own:
            raise click.UsageError(f"--canary names {name or 'a share for all components'} twice")
        own[name] = (_Share().convert(text, None, None),)
    return own, own.pop("", ())


def _batches(size: Share) -> tuple[Share, ...]:
    """Return the steps of batches of one size: 25 % makes 25 %, 50 %, 75 %, 100 %."""
    if not size.is_percent:
        raise click.UsageError(f"--batch takes a percentage, like 25%: how many batches of {size} there are depends")
    return tuple(Share(part, is_percent=True) for part in (*range(size.number, _WHOLE, size.number), _WHOLE))


rollout_options: Decorator = gathered(
    "steps",
    RolloutFlags,
    [
        click.option(
            "--canary",
            "canaries",
            multiple=True,
            metavar="[COMPONENT=]SHARE",
            help="Give a share of the pods (1, 10%) the new version, then pause; can be repeated.",
        ),
        click.option("--steps", type=_Steps(), metavar="SHARES", help="Upgrade in steps, like 1,25%,100%."),
        click.option(
            "--steps-of", default="", metavar="COMPONENTS", help="What goes in steps.  [default: all that can]"
        ),
        click.option("--batch", type=share_type, metavar="PERCENT", help="Upgrade in batches, like 25%."),
        click.option(
            "--pause-after",
            type=_PauseAfter(),
            metavar="WHEN",
            help="Pause after `canary` (the first step), `each`, `none`, or a step by its number.",
        ),
        click.option("--soak", "soak_s", type=Duration(), help="Time for which the pods of a step must stay ready."),
        click.option("--gate", "gates", multiple=True, metavar="NAME", help="Ask this gate only; can be repeated."),
        click.option(
            "--on-failure",
            type=click.Choice([one.value for one in OnFailure]),
            help="What follows a step that fails.  [default: the bundle's; pause at a terminal, else abort]",
        ),
        click.option("--step-timeout", "step_timeout_s", type=Duration(is_positive=True), help="Time for each step."),
        click.option("--shared-config", is_flag=True, help="Accept that old pods that restart read new settings."),
        click.option("--all", "at_once", is_flag=True, help="Take no steps, although the bundle asks for them."),
    ],
    make=_step_options,
)
