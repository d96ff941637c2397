"""The way to registries: those that bundles are in, and the one of a site. Layer: library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.http.gate import Gate
from bundler.model.lean import replace
from bundler.oci.client import OciClient, credential_files
from bundler.oci.credentials import Credentials, credentials_in
from bundler.oci.settings import HostSettings, load_settings

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.json import Body
    from bundler.model.site import Site, SiteRegistry
    from bundler.oci.client import FindCredentials
    from bundler.ports import Registry

_NO_FOLDER = Path("/nonexistent/bundler")


def open_registry(
    scope: Scope,
    *,
    gate: Gate | None = None,
    hosts: Mapping[str, HostSettings] | None = None,
    find_credentials: FindCredentials | None = None,
    is_writing: bool = False,
) -> OciClient:
    """Return a client of registries; it is closed with the session.

    Args:
        scope: of the session.
        gate: the registries that may be connected to; None: all, or those of site files where the session is offline.
        hosts: what a site file says of hosts; it wins over ``registries.yaml``.
        find_credentials: says who we are, in place of the files of docker and podman.
        is_writing: what is read will be written.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    network = scope.network
    settings = load_settings(
        scope.options.config_dir or _NO_FOLDER,
        authority_file=network.rules.registry_ca,
        plain_http=network.rules.insecure_http,
    )
    of_sites = [settings_of_site(site.registry, site) for site in scope.sites if site.registry is not None]
    settings = replace(
        settings, hosts={**{k: v for one in of_sites for k, v in one.items()}, **settings.hosts, **(hosts or {})}
    )
    network.stay_offline(default=False)
    if gate is None and network.rules.is_offline(default=False):
        gate = Gate(network.site_hosts)
    around = scope.client_config(gate)
    find = find_credentials or credential_files(around).find
    learn = scope.host.redactor.learn
    client = OciClient(settings, around, find_credentials=find, learn=learn, is_writing=is_writing)
    scope.host.closing.callback(client.close)
    return client


def open_site_registry(
    scope: Scope,
    place: SiteRegistry,
    *,
    site: Site | None = None,
    find_credentials: FindCredentials | None = None,
    is_writing: bool = False,
) -> OciClient:
    """Return a client of registries that knows what the site file says of its own.

    Args:
        scope: of the session.
        place: the registry of the site.
        site: its file, for paths in it.
        find_credentials: says who we are, in place of the files of docker and podman.
        is_writing: what is read will be written.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    host = frozenset({place.host})
    scope.network.stay_offline(default=True, named=host)
    gate = Gate(host) if scope.network.rules.is_offline(default=True) else None
    hosts = settings_of_site(place, site)
    return open_registry(scope, gate=gate, hosts=hosts, find_credentials=find_credentials, is_writing=is_writing)


def settings_of_site(place: SiteRegistry, site: Site | None) -> dict[str, HostSettings]:
    """Return what a site file says of how its registry is connected to; nothing where it says nothing."""
    authority = _beside(site, place.ca) if place.ca else None
    if authority is None and not place.is_insecure_http:
        return {}
    return {place.host: HostSettings(authority_file=authority, uses_plain_http=place.is_insecure_http)}


def open_as_puller(scope: Scope, site: Site, config: Body) -> Registry:
    """Open the site's registry with the credentials of a pull secret.

    Args:
        scope: of the session.
        site: whose registry.
        config: ``{"auths": …}``.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """

    def find(host: str, repository: str) -> Credentials | None:
        return credentials_in(config, host, repository, source=f"Secret/{site.pull_secret}")

    if site.registry is None:
        msg = "a site without a registry is not pulled from"
        raise ValueError(msg)
    return open_site_registry(scope, site.registry, site=site, find_credentials=find)


def _beside(site: Site | None, name: str) -> Path:
    folder = Path(site.source).parent if site else Path()
    return folder / Path(name).expanduser()
