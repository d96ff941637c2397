"""Bundles from and to registries: from options to requests. Layer: cli."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import fetch_signatures
from bundler.actions.acquire.fetch import BundleFetcher, parse_address
from bundler.cli.adapters.registry import open_registry
from bundler.cli.flows.open_delivery import AcquiredBundle
from bundler.cli.flows.trust import judge_bundle
from bundler.loader.load import load_bundle
from bundler.loader.locate import BundleLocation

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.cli.terminal.progress import Progress
    from bundler.model.site import Site
    from bundler.ports import Registry, Reporter


def make_fetcher(app: App, *, is_fresh: bool = False) -> BundleFetcher:
    """Return what fetches bundles; the registry is opened when it is first asked.

    Args:
        app: settings and streams.
        is_fresh: take the highest version in a range, whatever is locked.
    """
    report = _reporter(app)

    @cache
    def opened() -> Registry:
        return open_registry(app, report=report)

    return BundleFetcher(
        registry=opened,
        folder=app.settings.environment.cache_dir / "bundles",
        report=report,
        limits=app.limits,
        is_fresh=is_fresh,
    )


def take_published(app: App, name: str, site: Site | None) -> AcquiredBundle:
    """Fetch and load the bundle at an ``oci://`` address, and say which one it is and who signed it.

    Raises:
        BundleError: when the address cannot be read, or the bundle is broken.
        RegistryError: when it cannot be had.
        SignatureError: when it is not signed as the site asks.
    """
    address = parse_address(name, doing=f"looking for bundle {name}")
    fetcher = make_fetcher(app)
    published, path = fetcher.bundle(address)
    location = BundleLocation(path=path, origin=name, found=f"bundle {name}", is_archive=True)
    bundle = load_bundle(location, limits=fetcher.limits)
    app.screen.say(f"bundle {published.address} {bundle.metadata.version}, {bundle.digest}", "dim")
    evidence = judge_bundle(app, bundle, lambda: fetch_signatures(fetcher.registry(), published), site)
    return AcquiredBundle(bundle=bundle, evidence=evidence)


def _reporter(app: App) -> Reporter:
    from bundler.cli.terminal.progress import Progress  # noqa: PLC0415 - only those who fetch tell something

    progress: Progress = app.closing.enter_context(Progress(app.screen, app.clock))
    return progress
