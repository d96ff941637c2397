"""What makes a function a verb: the options that all verbs take, and how options become parameters. Layer: cli."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from bundler.cli.parsing.arguments import offers
from bundler.cli.session.settings import CommonOptions
from bundler.cli.terminal.help import HelpfulCommand
from bundler.library.network import NetworkRules
from bundler.model.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.parser import _OptionParser
    from click.shell_completion import CompletionItem

    from bundler.cli.session.invocation import Invocation

    Function = Callable[..., int | None]
    Decorator = Callable[[Function], Function]

Group = TypeVar("Group")

OPTION_ORDER: Final = "option_order"
"""Parameter of verbs that take ``--set`` and its like: names of the options' parameters, in the order typed."""
_SET: Final = "set_values"
_LIMITS: Final = ("max_total_bytes", "max_file_bytes", "max_files", "max_ratio")

TEXT_JSON_YAML: Final = ("text", "json", "yaml")
COMMON_OPTIONS: Final = frozenset({*CommonOptions.__annotations__, "help"})


class Duration(click.ParamType[float]):
    """A duration as people type it, in seconds."""

    name = "duration"

    def __init__(self, *, is_positive: bool = False) -> None:
        """Say whether no time at all is a mistake, as where a default of 0 stands for no end."""
        self._is_positive = is_positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)

        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if self._is_positive and not seconds:
            self.fail(f"{str(value)!r} is no time at all", param, ctx)
        return seconds


class FilePath(click.ParamType[Path]):
    """A path of a file or folder, as typed.

    ``click.Path`` looks its name up in message catalogues for each option that has it, and looks at the file before
    the verb does, whose errors say what it wanted the file for.
    """

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        del param, ctx
        return Path(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Let the shell complete it."""
        del ctx, param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for the shell's question only

        return [CompletionItem(incomplete, type="file")]


class VerbCommand(HelpfulCommand):
    """A verb: remembers in which order options were typed, and shows the common ones last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and note the order of options: ``--set`` and ``--set-json`` apply one after the other."""
        names: tuple[str | None, ...] = ()
        if any(word.startswith("--set") for word in args):
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            names = tuple(parameter.name for parameter in order)
        rest = super().parse_args(ctx, args)
        if _SET in ctx.params:
            ctx.params[OPTION_ORDER] = names
        return rest

    def make_parser(self, ctx: click.Context) -> _OptionParser:
        """Return click's parser, which finds ``-n`` at once.

        By itself it looks for each option among the long ones first, and an error with a suggestion is made for each
        short one, which is loading ``difflib`` and a look for translations: 5 ms of every run with ``-n``.
        """
        parser = super().make_parser(ctx)
        parser._long_opt |= parser._short_opt  # noqa: SLF001 - click has no other way
        return parser

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verb's own options, then those of every verb."""
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = None if isinstance(parameter, click.Argument) else parameter.get_help_record(ctx)
            if record is not None:
                (common if parameter.name in COMMON_OPTIONS else own).append(record)
        for title, records in (("Options", own), ("Options of every verb", common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def verb(name: str, *, outputs: tuple[str, ...] = TEXT_JSON_YAML) -> Callable[[Function], click.Command]:
    """Make a function a verb; it gets an :class:`~bundler.cli.session.app.App` first.

    Args:
        name: of the verb.
        outputs: what ``-o`` takes, the default first.
    """

    def decorate(function: Function) -> click.Command:
        @click.pass_obj
        @functools.wraps(function)
        def started(invocation: Invocation, /, **given: Any) -> int | None:
            options, network, limits = CommonOptions(**_taken(given, CommonOptions)), _network(given), _limits(given)
            return function(invocation.app(options, outputs, network=network, limits=limits), **given)

        command: Function = started
        for option in reversed(_common_options(outputs)):
            command = option(command)
        return click.command(name, cls=VerbCommand)(command)

    return decorate


def _taken(given: dict[str, Any], group: type[object]) -> dict[str, Any]:
    """Take those that a class has fields for out of a verb's parameters; for one that is None a field has a default."""
    return {key: value for key in group.__annotations__ if (value := given.pop(key, None)) is not None}


def _network(given: dict[str, Any]) -> NetworkRules:
    """Take what is typed of servers out of a verb's parameters; verbs without ``--offline`` reach what they must."""
    return NetworkRules(
        offline=given.pop("offline", False),
        registry_ca=given.pop("registry_ca", None),
        insecure_http=given.pop("insecure_http", ()),
    )


def _limits(given: dict[str, Any]) -> dict[str, Any]:
    """Take the limits of bundles that are typed out of a verb's parameters."""
    return {name: value for name in _LIMITS if (value := given.pop(name, None)) is not None}


def gathered(
    name: str,
    group: type[Group],
    options: Sequence[Decorator] = (),
    *,
    make: Callable[[Group], object] | None = None,
    **fixed: object,
) -> Decorator:
    """Return a decorator that hands options over as one object: those that are parameters named like its fields.

    Args:
        name: of the parameter that gets the object.
        group: its class; where an option is not given (None), the default of its field holds.
        options: ``click.option(...)`` to add, in the order of the help; others are added by other decorators.
        make: makes what is handed over in its place.
        fixed: fields that no option gives.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(app: object, /, **given: Any) -> int | None:
            made = group(**fixed, **_taken(given, group))
            return function(app, **{name: make(made) if make else made}, **given)

        wrapped: Function = wrapper
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


def _common_options(outputs: tuple[str, ...]) -> list[Decorator]:
    return [
        click.option("-o", "--output", type=click.Choice(outputs), help="What to print on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="Print only errors and warnings on stderr."),
        click.option("-v", "--verbose", count=True, help="Print more; a bug shows its full traceback."),
        click.option("--timeout", "timeout_s", type=Duration(), help="Time for the whole command.  [default: 10m]"),
        click.option(
            "--context",
            shell_complete=offers("contexts"),
            help="Context of the kubeconfig; `sandbox` is the embedded cluster.",
        ),
        click.option("--kubeconfig", type=FilePath(), help="The kubeconfig file to use."),
        click.option(
            "-n",
            "--namespace",
            shell_complete=offers("namespaces"),
            help="Namespace of the release.  [default: the context's]",
        ),
        click.option(
            "--color",
            type=click.Choice(("auto", "always", "never")),
            help="When to use colours.  [default: auto; NO_COLOR and FORCE_COLOR set it too]",
        ),
    ]
