"""Take a bundle and what a command line gives, and make an order of it. Layer: cli."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.compose.user_values import read_inputs
from bundler.cli.flows.open_delivery import AcquiredBundle, is_delivery, read_site, take_delivered
from bundler.cli.session.name_rules import check_name, check_namespace
from bundler.loader.load import load_bundle
from bundler.loader.locate import OCI_SCHEME, find_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.compose.user_values import UserInput, ValuesFlags
    from bundler.cli.session.app import App
    from bundler.expressions.compiled import CompiledCodes
    from bundler.loader.locate import BundleLocation
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.site import Site
    from bundler.model.trust import Envelope, Evidence


def take_bundle(app: App, name: str) -> Bundle:
    """Load the bundle that ``name`` means, and say which one was taken.

    Raises:
        BundleError: when there is none, or it is broken.
    """
    return take(app, name).bundle


def take(app: App, name: str, given: ValuesFlags | None = None) -> AcquiredBundle:
    """Load the bundle that ``name`` means, and keep the delivery that it came in, if it came in one.

    Args:
        app: settings and streams.
        name: as typed.
        given: names the site file, whose policy a delivery, or a signed bundle, is held against.

    Raises:
        BundleError: when there is none, or it is broken.
        DeliveryError, SignatureError: when a delivery is not to be trusted.
    """
    site = read_site(app, given.site if given else None)
    if is_delivery(name):
        return take_delivered(app, name, site)
    if name.startswith(OCI_SCHEME):
        from bundler.cli.flows.publish import take_published  # noqa: PLC0415 - only registries need the way to them

        return take_published(app, name, site)
    location = find_bundle(name, search_path=app.settings.environment.bundle_path)
    bundle = load_bundle(location, limits=app.limits, fetch=partial(fetch_component, app))
    app.screen.say(f"{location.found} {bundle.metadata.version}, {bundle.digest}", "dim")
    evidence = _judge(app, bundle, location, site) if site is not None else None
    return AcquiredBundle(bundle=bundle, evidence=evidence)


def _judge(app: App, bundle: Bundle, location: BundleLocation, site: Site) -> Evidence | None:
    from bundler.cli.flows.trust import judge_bundle, judge_version, requires_signature  # noqa: PLC0415 - only sites judge

    if location.is_archive or requires_signature(site):
        return judge_bundle(app, bundle, lambda: _beside(location), site)
    judge_version(bundle, site)
    return None


def _beside(location: BundleLocation) -> Sequence[Envelope]:
    """Return the signatures beside an archive; a folder has none."""
    from bundler.actions.acquire.trust import read_signatures  # noqa: PLC0415 - only those who trust somebody pay

    return read_signatures(location.path) if location.is_archive else ()


def fetch_component(app: App, component: ComponentSpec, locked: LockEntry | None) -> Path:
    """Return the archive of a component that is in a registry.

    Raises:
        BundleError, RegistryError: when it cannot be had.
    """
    from bundler.cli.flows.publish import make_fetcher  # noqa: PLC0415 - as above

    return make_fetcher(app).component(component, locked)


def take_inputs(app: App, given: ValuesFlags, bundle: Bundle | None = None) -> UserInput:
    """Read the files and assignments that a command line names; what is sensitive in them is masked from now on.

    Raises:
        ValuesError: when they cannot be read.
    """
    inputs = read_inputs(given, variables=app.settings.environment.variables, read_stdin=sys.stdin.read)
    if bundle is not None and (inputs.user.layers or inputs.user.assignments):
        from bundler.values.given_secrets import sensitive_texts  # noqa: PLC0415 - nothing given, nothing to hide

        secrets = app.confinement.run(
            lambda: tuple(sensitive_texts(bundle, inputs.user)), doing="looking for secrets in the values given"
        )
        app.redactor.learn(*secrets)
    return inputs


def namespace_of(app: App, site: Site | None) -> str:
    """Return the namespace of a release where no cluster says one: as typed, the site's, or ``default``.

    Raises:
        UsageError: for an impossible name.
    """
    return check_namespace(app.settings.namespace or (site.namespace if site else "") or "default")


def make_order(
    app: App, taken: AcquiredBundle, given: ValuesFlags, *, release: str = "", kube_version: str = ""
) -> RenderRequest:
    """Return an order that needs no cluster: for template and values.

    Raises:
        UsageError: for an impossible release name.
        ValuesError: when the values cannot be read.
    """
    from bundler.actions.compose.render_request import RenderRequest  # noqa: PLC0415 - rendering is loaded only by those who order

    bundle = taken.bundle
    inputs = take_inputs(app, given, bundle)
    site = inputs.named_site
    return RenderRequest(
        bundle=bundle,
        release=check_name(release or bundle.metadata.name),
        namespace=namespace_of(app, site),
        user=inputs.user,
        site=inputs.facts,
        kube_version=kube_version,
        place=site,
        carried=taken.carried,
        evidence=taken.evidence,
        codes=compiled_codes(app, bundle),
        confinement=app.confinement,
    )


def compiled_codes(app: App, bundle: Bundle) -> CompiledCodes:
    """Return what earlier runs compiled of a bundle; it is read when something is asked for."""
    from bundler.cli.adapters.template_cache import CompiledFile  # noqa: PLC0415 - as above
    from bundler.expressions.compiled import CompiledCodes  # noqa: PLC0415 - as above

    return CompiledCodes(CompiledFile(app.settings.environment.cache_dir / "templates", bundle.digest))
