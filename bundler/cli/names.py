"""Names on a command line: of releases and namespaces. Layer: cli, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import click

from bundler.errors import UsageError
from bundler.model.names import NAME_MAX_CHARS, is_dns_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_NAMESPACE_MAX_CHARS: Final = 63


def check_name(release: str) -> str:
    """Return a release's name.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(release, "the release's name", "a release", more="; a bundle's path comes after the name")


def check_namespace(name: str) -> str:
    """Return a namespace's name.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(name, "the namespace", "a namespace", max_chars=_NAMESPACE_MAX_CHARS)


def check_site_name(name: str) -> str:
    """Return a site's name, by the rule for names of bundles.

    Raises:
        UsageError: when it cannot be one.
    """
    return _checked(name, "the site's name", "a site", more="; --out FILE says where the file goes")


def _checked(name: str, what: str, owner: str, *, max_chars: int = NAME_MAX_CHARS, more: str = "") -> str:
    if is_dns_label(name) and len(name) <= max_chars:
        return name
    raise UsageError(
        f"reading {what}",
        context=[f"{name!r} cannot be the name of {owner}"],
        hint=f"use small letters, digits and dashes, at most {max_chars}{more}",
    )


class ReleaseName(click.ParamType[str]):
    """The name of a release: an empty one would be every release."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        del param, ctx
        return check_name(str(value))


def offers(what: Literal["releases", "namespaces", "contexts", "bundles"]) -> Offer:
    """Return what tells the shell the names that may stand for a parameter."""

    def offered(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del param
        from bundler.cli.completing import COMPLETIONS  # noqa: PLC0415 - for the shell's question only

        return COMPLETIONS[what](ctx, incomplete)

    return offered


def release_argument(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the argument RELEASE; the function gets it as ``release``."""
    return click.argument("release", type=ReleaseName(), shell_complete=offers("releases"))(function)


def bundle_argument(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the argument BUNDLE; the function gets it as ``bundle``."""
    return click.argument("bundle", shell_complete=offers("bundles"))(function)
