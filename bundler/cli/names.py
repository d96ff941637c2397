"""Names on a command line: of releases and namespaces. Layer: cli, pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from bundler.errors import UsageError
from bundler.model.release import NAME_MAX_CHARS, NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMESPACE_MAX_CHARS: Final = 63


def check_name(release: str) -> str:
    """Return a release's name.

    Raises:
        UsageError: when it cannot be one.
    """
    if re.fullmatch(NAME_PATTERN, release) and len(release) <= NAME_MAX_CHARS:
        return release
    raise UsageError(
        "reading the release's name",
        context=[f"{release!r} cannot be the name of a release"],
        hint=f"use small letters, digits and dashes, at most {NAME_MAX_CHARS}; a bundle's path comes after the name",
    )


def check_namespace(name: str) -> str:
    """Return a namespace's name.

    Raises:
        UsageError: when it cannot be one.
    """
    if re.fullmatch(NAME_PATTERN, name) and len(name) <= _NAMESPACE_MAX_CHARS:
        return name
    raise UsageError(
        "reading the namespace",
        context=[f"{name!r} cannot be the name of a namespace"],
        hint=f"use small letters, digits and dashes, at most {_NAMESPACE_MAX_CHARS}",
    )


def check_site_name(name: str) -> str:
    """Return a site's name, by the rule for names of bundles.

    Raises:
        UsageError: when it cannot be one.
    """
    if re.fullmatch(NAME_PATTERN, name) and len(name) <= NAME_MAX_CHARS:
        return name
    raise UsageError(
        "reading the site's name",
        context=[f"{name!r} cannot be the name of a site"],
        hint=f"use small letters, digits and dashes, at most {NAME_MAX_CHARS}; --out FILE says where the file goes",
    )


class ReleaseName(click.ParamType[str]):
    """The name of a release: an empty one would be every release."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        del param, ctx
        return check_name(str(value))


def release_argument(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the argument RELEASE; the function gets it as ``release``."""
    return click.argument("release", type=ReleaseName())(function)
