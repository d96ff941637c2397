"""Options of verbs that speak to registries, or must not. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.network_policy import INSECURE_HTTP, OFFLINE, REGISTRY_CA
from bundler.cli.parsing.command import FilePath

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cli.parsing.command import Function


def registry_options(function: Function) -> Function:
    """Add the options of registries; nothing is handed to the function, ``open_registry(app)`` knows what was typed."""

    def keep(key: str) -> Callable[[click.Context, click.Parameter, object], object]:
        def kept(context: click.Context, parameter: click.Parameter, value: object) -> object:
            del parameter
            context.meta[key] = value
            return value

        return kept

    authority = click.option(
        "--registry-ca",
        type=FilePath(),
        metavar="FILE",
        expose_value=False,
        callback=keep(REGISTRY_CA),
        help="Authority (PEM) that registries' certificates are trusted by, too.",
    )
    plain = click.option(
        "--insecure-http",
        multiple=True,
        metavar="HOST",
        expose_value=False,
        callback=keep(INSECURE_HTTP),
        help="Speak to this registry without TLS.",
    )
    return authority(plain(function))


def offline_option(function: Function) -> Function:
    """Add ``--offline``; nothing is handed to the function, this module knows what was typed."""

    def keep(context: click.Context, parameter: click.Parameter, value: object) -> object:
        del parameter
        context.meta[OFFLINE] = value
        return value

    return click.option(
        "--offline/--no-offline",
        default=None,
        expose_value=False,
        callback=keep,
        help="Refuse every connection but to the cluster and the site's registry.  [default: on for .bundle files]",
    )(function)
