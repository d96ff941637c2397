"""Arguments that name a release or a bundle, and their completion. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from bundler.cli import parsing
from bundler.library.name_rules import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class ReleaseName(click.ParamType[str]):
    """The name of a release: an empty one would be every release."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        del param, ctx
        return check_name(str(value))


def offers(what: Literal["releases", "namespaces", "contexts", "bundles"]) -> Offer:
    """Return a completer that offers the shell the names a parameter accepts."""

    def offered(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del param

        return parsing.completions.COMPLETIONS[what](ctx, incomplete)

    return offered


def release_argument(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the argument RELEASE; the function gets it as ``release``."""
    return click.argument("release", type=ReleaseName(), shell_complete=offers("releases"))(function)


def bundle_argument(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the argument BUNDLE; the function gets it as ``bundle``."""
    return click.argument("bundle", shell_complete=offers("bundles"))(function)
