"""``--offline``: which servers a run may reach. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from bundler.cli.session.app import App

OFFLINE: Final = "bundler.offline"
"""Key in ``Context.meta``: what --offline says; None where it is not given."""
REGISTRY_CA: Final = "bundler.registry-ca"
INSECURE_HTTP: Final = "bundler.insecure-http"
"""Keys in ``Context.meta``: what the options of registries say; ``parsing.registry_options`` keeps them there."""
_SITE_HOSTS: Final = "bundler.site-hosts"
"""Key in ``Context.meta``: the registries of the site file, which --offline lets pass."""


def is_offline(*, default: bool) -> bool:
    """Tell whether this run may reach nothing but the cluster and the site's registry."""
    given = click.get_current_context().meta.get(OFFLINE)
    return given if isinstance(given, bool) else default


def stay_offline(app: App, *, default: bool, named: frozenset[str] = frozenset()) -> None:
    """Let the whole process reach nothing but what is named until the run ends, if this run is offline.

    The API server is named by whoever connects to it, the registry of the site by whoever reads the site file.

    Args:
        app: settings and streams.
        default: what holds for verbs that take ``--offline`` where it is not given.
        named: more servers that may be reached.
    """
    context = click.get_current_context(silent=True)
    if context is None or OFFLINE not in context.meta or not is_offline(default=default):
        return
    from bundler.http.fence import FENCE, fence_off  # noqa: PLC0415 - only those who are offline

    app.closing.callback(FENCE.take_down)
    FENCE.name(*named, *site_hosts())
    fence_off()


def let_pass(host: str) -> None:
    """Let ``--offline`` pass connections to the registry that the site file names."""
    click.get_current_context().meta[_SITE_HOSTS] = frozenset({host})


def site_hosts() -> frozenset[str]:
    """Return the registries that ``--offline`` lets pass."""
    found = click.get_current_context().meta.get(_SITE_HOSTS)
    return found if isinstance(found, frozenset) else frozenset()
