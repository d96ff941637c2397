"""Bundles out of delivery files, and the registry of a site. Layer: cli."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bundler.errors import UsageError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.actions.deliver import Trusted
    from bundler.cli.invocation import App
    from bundler.cli.verb import Function
    from bundler.model.bundle import Bundle
    from bundler.model.image import LockedImage
    from bundler.model.json import Body
    from bundler.model.site import Site, SiteRegistry
    from bundler.oci.client import FindCredentials, OciClient
    from bundler.oci.credentials import Credentials
    from bundler.ports import Registry, Reporter

OFFLINE: Final = "bundler.offline"
"""Key in ``Context.meta``: what --offline says; None where it is not given."""
SITE_HOSTS: Final = "bundler.site-hosts"
"""Key in ``Context.meta``: the registries of the site file, which --offline lets pass."""
_DELIVERY = re.compile(r"\.bundle(\.\d{3,5})?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A bundle, and the delivery that it came in."""

    bundle: Bundle
    delivery: Trusted | None = None

    @property
    def carried(self) -> tuple[LockedImage, ...] | None:
        """The images of the delivery; None for a bundle without one."""
        return self.delivery.carried if self.delivery else None


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
    FENCE.name(*named, *(context.meta.get(SITE_HOSTS) or ()))
    fence_off()


def is_delivery(name: str) -> bool:
    """Tell whether a word names a delivery file or a part of one."""
    return _DELIVERY.search(name) is not None


def read_site(path: Path | None) -> Site | None:
    """Load the site file that a command line names.

    Raises:
        ValuesFileError: with every problem.
    """
    if path is None:
        return None
    from bundler.loader.site_file import load_site  # noqa: PLC0415 - only those who name a site pay for it

    site = load_site(path)
    if site.registry is not None:
        click.get_current_context().meta[SITE_HOSTS] = frozenset({site.registry.host})
    return site


def open_delivery(app: App, paths: tuple[Path, ...], site: Site | None, *, keys: tuple[Path, ...] = ()) -> Trusted:
    """Open a delivery by the policy of a site, and say what it is; it is closed at the end of the run.

    Args:
        app: settings and streams.
        paths: the file, or its parts.
        site: whose policy holds.
        keys: public keys that are trusted in place of the site's.

    Raises:
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    from bundler.actions.deliver import open_trusted  # noqa: PLC0415 - only deliveries need it
    from bundler.actions.verify import signed_by  # noqa: PLC0415
    from bundler.cli.keys import policy_for  # noqa: PLC0415
    from bundler.cli.output.text import counted  # noqa: PLC0415
    from bundler.signing.verify import PolicyVerifier  # noqa: PLC0415

    stay_offline(app, default=True)
    policy = policy_for(site, keys)
    trusted = open_trusted(paths, PolicyVerifier(policy, app.clock), policy)
    app.closing.callback(trusted.delivery.close)
    carried = trusted.index.bundle
    app.screen.say(
        f"delivery {trusted.delivery.name} {trusted.delivery.build_id}: {carried.name} {carried.version}, "
        f"{counted(len(trusted.index.images), 'image')}, {signed_by(trusted.evidence)}",
        "dim",
    )
    return trusted


def take_delivered(app: App, name: str, site: Site | None) -> Taken:
    """Take the bundle out of a delivery file.

    Raises:
        DeliveryError, SignatureError: when the file is not to be trusted.
        BundleError: when the bundle cannot be used.
    """
    from bundler.actions.deliver import load_delivered  # noqa: PLC0415 - only deliveries need it
    from bundler.cli.limits import bundle_limits  # noqa: PLC0415

    trusted = open_delivery(app, (Path(name).expanduser(),), site)
    bundle = load_delivered(trusted, limits=bundle_limits())
    app.screen.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}, {bundle.digest}", "dim")
    return Taken(bundle=bundle, delivery=trusted)


def open_site_registry(
    app: App,
    place: SiteRegistry,
    *,
    site: Site | None = None,
    report: Reporter | None = None,
    find_credentials: FindCredentials | None = None,
) -> OciClient:
    """Return a client of registries that knows what the site file says of its own.

    Args:
        app: settings and streams.
        place: the registry of the site.
        site: its file, for paths in it.
        report: takes what is told while it goes on.
        find_credentials: says who we are, in place of the files of docker and podman.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    from bundler.cli.registries import open_registry  # noqa: PLC0415 - only those who speak to registries
    from bundler.http.gate import Gate  # noqa: PLC0415
    from bundler.oci.settings import HostSettings  # noqa: PLC0415

    stay_offline(app, default=True, named=frozenset({place.host}))
    gate = Gate(frozenset({place.host})) if is_offline(default=True) else None
    authority = _beside(site, place.ca) if place.ca else None
    own = HostSettings(authority_file=authority, uses_plain_http=place.is_insecure_http)
    is_said = authority is not None or place.is_insecure_http
    hosts = {place.host: own} if is_said else {}
    return open_registry(app, gate=gate, report=report, hosts=hosts, find_credentials=find_credentials)


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
    from bundler.oci.credentials import credentials_in  # noqa: PLC0415 - only deliveries need it

    def find(host: str, repository: str) -> Credentials | None:
        return credentials_in(config, host, repository, source=f"Secret/{site.pull_secret}")

    if site.registry is None:
        msg = "a site without a registry is not pulled from"
        raise ValueError(msg)
    with context.scope(cleanup=False):
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
