"""The registry of a site: which one is meant, and the way to it. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler.cli.adapters.network_policy import stay_offline
from bundler.errors import UsageError
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.json import Body
    from bundler.model.site import Site, SiteRegistry
    from bundler.oci.client import FindCredentials, OciClient
    from bundler.oci.credentials import Credentials
    from bundler.ports import Registry, Reporter


def open_site_registry(
    app: App,
    place: SiteRegistry,
    *,
    site: Site | None = None,
    report: Reporter | None = None,
    find_credentials: FindCredentials | None = None,
    is_writing: bool = False,
) -> OciClient:
    """Return a client of registries that knows what the site file says of its own.

    Args:
        app: settings and streams.
        place: the registry of the site.
        site: its file, for paths in it.
        report: takes what is told while it goes on.
        find_credentials: says who we are, in place of the files of docker and podman.
        is_writing: the verb will write what it reads.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    from bundler.cli.adapters.registry import open_registry  # noqa: PLC0415 - only those who speak to registries
    from bundler.http.gate import Gate  # noqa: PLC0415
    from bundler.oci.settings import HostSettings  # noqa: PLC0415

    stay_offline(app, default=True, named=frozenset({place.host}))
    gate = Gate(frozenset({place.host})) if app.network.options.is_offline(default=True) else None
    authority = _beside(site, place.ca) if place.ca else None
    own = HostSettings(authority_file=authority, uses_plain_http=place.is_insecure_http)
    is_said = authority is not None or place.is_insecure_http
    hosts = {place.host: own} if is_said else {}
    return open_registry(
        app, gate=gate, report=report, hosts=hosts, find_credentials=find_credentials, is_writing=is_writing
    )


def registry_with(app: App, site: Site, config: Body) -> Registry:
    """Open the site's registry as somebody else: with the credentials of a pull secret.

    Args:
        app: settings and streams.
        site: whose registry.
        config: ``{"auths": …}``.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    from bundler.oci.credentials import credentials_in  # noqa: PLC0415 - only deliveries need it

    def find(host: str, repository: str) -> Credentials | None:
        return credentials_in(config, host, repository, source=f"Secret/{site.pull_secret}")

    if site.registry is None:
        msg = "a site without a registry is not pulled from"
        raise ValueError(msg)
    return open_site_registry(app, site.registry, site=site, find_credentials=find)


def _beside(site: Site | None, name: str) -> Path:
    folder = Path(site.source).parent if site else Path()
    return folder / Path(name).expanduser()


def parse_place(text: str) -> SiteRegistry:
    """Read HOST/PREFIX as typed.

    Raises:
        UsageError: when it is none.
    """
    from bundler.model.site import SiteRegistry  # noqa: PLC0415 - only those who name one

    try:
        return SiteRegistry.parse(text)
    except ValueError as error:
        raise UsageError(
            "reading the registry of the site", context=[str(error)], hint="write HOST/PREFIX, like registry.site/acme"
        ) from error


def place_of(typed: str, site: Site | None) -> SiteRegistry:
    """Return the registry that a command line means: the one typed, else the one of the site file.

    Raises:
        UsageError: when there is neither.
    """
    if typed:
        place = parse_place(typed)
        known = site.registry if site else None
        # what the file says about the host holds, wherever below it things go
        return replace(known, prefix=place.prefix) if known is not None and known.host == place.host else place
    if site is not None and site.registry is not None:
        return site.registry
    raise UsageError(
        "looking for the registry of the site",
        context=["neither --registry nor a --site with a registry is given"],
        hint="say where images go: --registry registry.site/acme, or --site acme.yaml",
    )
