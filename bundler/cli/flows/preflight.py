"""Preflight and site: build what they need, show what they found. Layer: cli."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bundler.actions.preflight.request import PreflightRequest
from bundler.actions.preflight.run import preflight
from bundler.cli.adapters.cluster import connect
from bundler.cli.flows.acquire_bundle import make_order, take
from bundler.cli.flows.confirm import say_where
from bundler.cli.flows.install import at_site, registry_opener
from bundler.cli.output.checks import show_checks
from bundler.errors import BundlerError
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.actions.compose.user_values import Values
    from bundler.cli.session.app import App


def look_ahead(app: App, bundle: str, given: Values, *, release: str, may_create_namespace: bool) -> int:
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
        registry_of=registry_opener(app, site) if site is not None else None,
        may_create_namespace=may_create_namespace,
    )
    checks = preflight(request, connection.ports.cluster)
    connection.progress.stop()
    return show_checks(app, checks)
