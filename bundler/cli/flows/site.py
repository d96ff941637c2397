"""Write and check site files. Layer: cli."""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.preflight.site_file import SiteWish, check_site, init_site
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.site_registry import parse_place
from bundler.cli.output.checks import show_checks
from bundler.cli.terminal.text import Line
from bundler.library.name_rules import check_site_name
from bundler.model.lean import dataclass, replace
from bundler.signing.keys import read_public
from bundler.wire.checks import site_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import NetworkRules
    from bundler.cli.session.app import App
    from bundler.model.site import SiteRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What the command line says of a new site."""

    registry: str
    pull_secret: str
    domain: str
    keys: tuple[Path, ...]
    """Public keys to trust."""


def write_file(app: App, name: str, options: SiteOptions, *, out: Path, is_forced: bool) -> int:
    """Ask the cluster and write a site file; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        name: of the site.
        options: facts given on the command line.
        out: the file to write.
        is_forced: overwrite an existing file.

    Raises:
        UsageError: when the name cannot be one, or the file is there.
        KeyFileError: when a public key cannot be read.
        ClusterError: when the cluster cannot be asked.
    """
    wish = SiteWish(
        name=check_site_name(name),
        registry=_place(options.registry, out, app.network.rules) if options.registry else None,
        pull_secret=options.pull_secret,
        namespace=app.settings.namespace,
        domain=options.domain,
        keys=tuple(read_public(path) for path in options.keys),
    )
    text = init_site(wish, open_session(app).scope.cluster(), out, is_forced=is_forced)
    app.show(site_form(out, text), [Line(str(out))])
    app.screen.say(f"check {out}, then: bundler site check {shlex.quote(str(out))}")
    return 0


def _place(typed: str, out: Path, options: NetworkRules) -> SiteRegistry:
    """Return the registry with what is typed of its TLS; its authority is named relative to the site file."""
    place = parse_place(typed)
    authority = options.registry_ca
    return replace(
        place,
        ca=os.path.relpath(authority, out.parent) if authority else "",
        is_insecure_http=place.host in options.insecure_http,
    )


def check_file(app: App, path: Path) -> int:
    """Check a site file and print what was found; return the exit code.

    Raises:
        ValuesFileError: with every problem of the file itself.
    """
    session = open_session(app)
    scope, site = session.scope, session.read_site(path)
    cluster = scope.cluster()
    registry = library.registries.open_site_registry(scope, site.registry, site=site) if site.registry else None
    read = None if app.network.rules.is_offline(default=True) else partial(library.catalogues.described, scope, site)
    checks = check_site(site, cluster, now=app.clock.now(), registry=registry, read_catalogue=read)
    app.telling.stop()
    return show_checks(app, checks)
