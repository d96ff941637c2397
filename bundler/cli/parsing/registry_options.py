"""Options of verbs that speak to registries, or must not. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.parsing.command import FilePath

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Function


def registry_options(function: Function) -> Function:
    """Add the options of registries; the verb finds them in ``app.network.rules``."""
    authority = click.option(
        "--registry-ca",
        type=FilePath(),
        metavar="FILE",
        help="Additional certificate authority (PEM) for registries.",
    )
    plain = click.option(
        "--insecure-http",
        multiple=True,
        metavar="HOST",
        help="Connect to this registry without TLS.",
    )
    return authority(plain(function))


def offline_option(function: Function) -> Function:
    """Add ``--offline``; the verb finds it in ``app.network.rules``."""
    return click.option(
        "--offline/--no-offline",
        default=None,
        help="Refuse every connection except to the cluster and the site's registry.  [default: on for .bundle files]",
    )(function)
