"""Preflight and site: build what they need, show what they found. Layer: cli."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from bundler.actions.preflight import PreflightRequest, preflight
from bundler.cli.asking import say_where
from bundler.cli.changing import at_site
from bundler.cli.context import connect
from bundler.cli.delivering import open_site_registry
from bundler.cli.ordering import make_order, take
from bundler.cli.output.checks import show_checks
from bundler.errors import BundlerError
from bundler.oci.credentials import credentials_in

if TYPE_CHECKING:
    from bundler.actions.inputs import Given
    from bundler.cli.invocation import App
    from bundler.model.json import Body
    from bundler.model.site import Site
    from bundler.oci.credentials import Credentials
    from bundler.ports import Registry


def look_ahead(app: App, bundle: str, given: Given, *, release: str, may_create_namespace: bool) -> int:
    """Make every check and print them; return the exit code.

    Raises:
        BundlerError: when the bundle or the values cannot be read.
    """
    taken = take(app, bundle, given)
    order = make_order(app, taken, given, release=release)
    site = order.place
    connection = connect(app, taken.bundle)
    if site is not None:
        connection = at_site(app, connection, site, with_registry=taken.delivery is not None)
    with suppress(BundlerError):  # the first check says it better
        say_where(app, connection)
    request = PreflightRequest(
        order=replace(order, namespace=connection.namespace),
        delivery=taken.delivery,
        registry=connection.ports.registry,
        registry_of=partial(registry_with, app, site, click.get_current_context())
        if site is not None and site.registry
        else None,
        may_create_namespace=may_create_namespace,
    )
    checks = preflight(request, connection.ports.cluster)
    connection.progress.stop()
    return show_checks(app, checks)


def registry_with(app: App, site: Site, context: click.Context, config: Body) -> Registry:
    """Open the site's registry as somebody else: with the credentials of a pull secret.

    Args:
        app: settings and streams.
        site: whose registry.
        context: of the command line; checks run in threads, which have none of their own.
        config: ``{"auths": …}``.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """

    def find(host: str, repository: str) -> Credentials | None:
        return credentials_in(config, host, repository, source=f"Secret/{site.pull_secret}")

    if site.registry is None:
        msg = "a site without a registry is not pulled from"
        raise ValueError(msg)
    with context.scope(cleanup=False):
        return open_site_registry(app, site.registry, site=site, find_credentials=find)
