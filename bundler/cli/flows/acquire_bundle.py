"""What a command line says of bundles, sites and values, as what actions take. Layer: cli."""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle import AcquiredBundle, Sources, acquire, is_delivery, open_by_policy
from bundler.actions.compose.user_values import read_inputs
from bundler.library.name_rules import check_name, check_namespace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.compose.user_values import UserInput, Values
    from bundler.cli.session.app import App
    from bundler.expressions.compiled import CompiledCodes
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.site import Site
    from bundler.model.trust import TrustPolicy
    from bundler.ports import Verifier


def take_bundle(app: App, name: str) -> Bundle:
    """Load the bundle that ``name`` means, and say which one was taken.

    Raises:
        BundleError: when there is none, or it is broken.
    """
    return take(app, name).bundle


def take(app: App, name: str, given: Values | None = None) -> AcquiredBundle:
    """Load the bundle that ``name`` means; a delivery that it came in is closed at the end of the run.

    Args:
        app: settings and streams.
        name: as typed.
        given: names the site file, whose policy holds.

    Raises:
        BundleError: when there is none, or it is broken.
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    site = read_site(app, given.site if given else None)
    if is_delivery(name):
        _stay_offline(app)
    taken = acquire(name, site, sources_of(app))
    if taken.delivery is not None:
        app.closing.callback(taken.delivery.delivery.close)
    return taken


def open_delivery(app: App, paths: tuple[Path, ...], site: Site | None, *, keys: tuple[Path, ...] = ()) -> Trusted:
    """Open a delivery by the policy of a site; it is closed at the end of the run.

    Args:
        app: settings and streams.
        paths: the file, or its parts.
        site: whose policy holds.
        keys: public keys that are trusted in place of the site's.

    Raises:
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    from bundler.cli.adapters.signing_keys import policy_for  # noqa: PLC0415 - only deliveries need it

    _stay_offline(app)
    trusted = open_by_policy(paths, policy_for(site, keys), sources_of(app))
    app.closing.callback(trusted.delivery.close)
    return trusted


def read_site(app: App, path: Path | None) -> Site | None:
    """Load the site file that a command line names; its registry may be reached from now on.

    Raises:
        ValuesFileError: with every problem.
    """
    if path is None:
        return None
    from bundler.loader.site_file import load_site  # noqa: PLC0415 - only those who name a site pay for it

    site = load_site(path)
    if site.registry is not None:
        app.network.site_hosts = frozenset({site.registry.host})
    return site


def sources_of(app: App) -> Sources:
    """Return where this run takes bundles from, and how it judges them."""
    return Sources(
        search_path=app.settings.environment.bundle_path,
        limits=app.limits,
        fetcher=partial(make_fetcher, app),
        verifier=partial(_verifier, app),
        say=lambda line: app.screen.say(line, "dim"),
    )


def make_fetcher(app: App, *, is_fresh: bool = False) -> BundleFetcher:
    """Return what fetches bundles; the registry is opened when it is first asked.

    Args:
        app: settings and streams.
        is_fresh: take the highest version in a range, whatever is locked.
    """
    from bundler.actions.acquire.fetch import BundleFetcher  # noqa: PLC0415 - only registries need the way to them
    from bundler.cli.adapters.registry import open_registry  # noqa: PLC0415
    from bundler.cli.terminal.progress import Progress  # noqa: PLC0415

    report: Progress = app.closing.enter_context(Progress(app.screen, app.clock))
    return BundleFetcher(
        registry=cache(lambda: open_registry(app, report=report)),
        folder=app.settings.environment.cache_dir / "bundles",
        report=report,
        limits=app.limits,
        is_fresh=is_fresh,
    )


def fetch_component(app: App, component: ComponentSpec, locked: LockEntry | None) -> Path:
    """Return the archive of a component that is in a registry.

    Raises:
        BundleError, RegistryError: when it cannot be had.
    """
    return make_fetcher(app).component(component, locked)


def _verifier(app: App, policy: TrustPolicy) -> Verifier:
    from bundler.signing.verify import PolicyVerifier  # noqa: PLC0415 - only where someone is trusted

    return PolicyVerifier(policy, app.clock)


def _stay_offline(app: App) -> None:
    from bundler.cli.adapters.network_policy import stay_offline  # noqa: PLC0415 - only deliveries need it

    stay_offline(app, default=True)


def take_inputs(app: App, given: Values, bundle: Bundle | None = None) -> UserInput:
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
    app: App, taken: AcquiredBundle, given: Values, *, release: str = "", kube_version: str = ""
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
    from bundler.expressions.compiled import CompiledCodes  # noqa: PLC0415 - as above
    from bundler.library.template_cache import CompiledFile  # noqa: PLC0415 - as above

    return CompiledCodes(CompiledFile(app.settings.environment.cache_dir / "templates", bundle.digest))
