"""Preflight and site: build what they need, show what they found. Layer: cli."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.preflight.run import PreflightRequest, preflight
from bundler.cli.adapters.session import open_session
from bundler.cli.flows.confirm import say_where
from bundler.cli.output.checks import show_checks
from bundler.errors import BundlerError
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler import Values
    from bundler.cli.session.app import App


def look_ahead(
    app: App, bundle: str, given: Values, *, release: str, may_create_namespace: bool, kube_version: str
) -> int:
    """Make every check and print them; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        bundle: path, name or address.
        given: values, as typed on the command line.
        release: its name.
        may_create_namespace: accept a missing namespace.
        kube_version: a Kubernetes that the cluster will be upgraded to; empty: none.

    Raises:
        BundlerError: when the bundle or the values cannot be read.
    """
    session = open_session(app)
    scope = session.scope
    taken = session.acquire(bundle, site=given.site)
    order = library.bundles.render_request(scope, taken, given, release=release)
    order = replace(order, kube_version=kube_version or order.kube_version)
    site = order.place
    namespace = scope.namespace(of_site=site.namespace if site else "")
    registry = library.releases.registry_of(scope, taken, site)
    with suppress(BundlerError):  # the first check says it better
        say_where(app, session, namespace)
    request = PreflightRequest(
        order=replace(order, namespace=namespace),
        delivery=taken.delivery,
        registry=registry,
        registry_of=library.releases.registry_opener(scope, site),
        may_create_namespace=may_create_namespace,
        next_version=kube_version,
    )
    checks = preflight(request, scope.cluster())
    app.telling.stop()
    return show_checks(app, checks)
