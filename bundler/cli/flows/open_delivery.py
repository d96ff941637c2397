"""Bundles out of delivery files, by the policy of a site. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle
    from bundler.model.image import LockedImage
    from bundler.model.site import Site
    from bundler.model.trust import Evidence

_DELIVERY = LazyPattern(r"\.bundle(\.[0-9]{3,5})?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquiredBundle:
    """A bundle, and the delivery that it came in."""

    bundle: Bundle
    delivery: Trusted | None = None
    evidence: Evidence | None = None
    """Who signed the bundle, as far as it was checked."""

    @property
    def carried(self) -> tuple[LockedImage, ...] | None:
        """The images of the delivery; None for a bundle without one."""
        return self.delivery.carried if self.delivery else None


def is_delivery(name: str) -> bool:
    """Tell whether a word names a delivery file or a part of one."""
    return ".bundle" in name and _DELIVERY.search(name) is not None


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
    from bundler.actions.acquire.open_delivery import open_trusted  # noqa: PLC0415 - only deliveries need it
    from bundler.actions.acquire.trust import signed_by  # noqa: PLC0415
    from bundler.cli.adapters.network_policy import stay_offline  # noqa: PLC0415
    from bundler.cli.adapters.signing_keys import policy_for  # noqa: PLC0415
    from bundler.model.size import counted  # noqa: PLC0415
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


def take_delivered(app: App, name: str, site: Site | None) -> AcquiredBundle:
    """Take the bundle out of a delivery file.

    Raises:
        DeliveryError, SignatureError: when the file is not to be trusted.
        BundleError: when the bundle cannot be used.
    """
    from bundler.actions.acquire.open_delivery import load_delivered  # noqa: PLC0415 - only deliveries need it

    trusted = open_delivery(app, (Path(name).expanduser(),), site)
    bundle = load_delivered(trusted, limits=app.limits)
    app.screen.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}, {bundle.digest}", "dim")
    return AcquiredBundle(bundle=bundle, delivery=trusted, evidence=trusted.evidence)
