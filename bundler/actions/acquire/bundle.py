"""Find, fetch and verify a bundle: the one way in, whatever it comes from. Layer: actions.

A folder, an archive, a delivery file or an ``oci://`` address: what comes back was checked against the policy of the
site, or nothing comes back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bundler.actions.acquire
from bundler.loader.load import load_bundle
from bundler.loader.locate import OCI_SCHEME, BundleLocation, find_bundle
from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern
from bundler.model.size import counted
from bundler.model.trust import TrustPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.loader.limits import LoadLimits
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.image import LockedImage
    from bundler.model.site import Site
    from bundler.model.trust import Envelope, Evidence
    from bundler.ports import Verifier

_DELIVERY = LazyPattern(r"\.bundle(\.[0-9]{3,5})?$")
_ANYONE = TrustPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquiredBundle:
    """A bundle, and the delivery that it came in.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     taken = session.acquire("webapp")
        >>> (taken.bundle.metadata.name, taken.delivery, taken.bundle.digest[:7])
        ('webapp', None, 'sha256:')
    """

    bundle: Bundle
    """Loaded and checked: ``metadata``, ``digest``, ``templates`` and so on."""
    delivery: Trusted | None = None
    """Open; the caller closes it."""
    evidence: Evidence | None = None
    """Who signed the bundle, as far as it was checked."""

    @property
    def carried(self) -> tuple[LockedImage, ...] | None:
        """The images of the delivery; None for a bundle without one."""
        return self.delivery.carried if self.delivery else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where bundles come from, and how they are judged."""

    search_path: Sequence[Path]
    """Folders in which a bundle's name is looked up."""
    limits: LoadLimits
    fetcher: Callable[[], BundleFetcher]
    """Made when something must come from a registry."""
    verifier: Callable[[TrustPolicy], Verifier]
    say: Callable[[str], None]
    """Takes which bundle was found, and who signed it, a line each."""


def is_delivery(name: str) -> bool:
    """Return whether a word names a delivery file or a part of one."""
    return ".bundle" in name and _DELIVERY.search(name) is not None


def acquire(name: str, site: Site | None, sources: Sources) -> AcquiredBundle:
    """Load the bundle that ``name`` means, verified as the site asks.

    Args:
        name: a path, a bundle's name, a delivery file or an ``oci://`` address.
        site: whose policy holds; None: nothing is asked for.
        sources: where bundles come from.

    Raises:
        BundleError: when there is none, or it is broken.
        RegistryError: when it cannot be had.
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    policy = site.trust if site else _ANYONE
    if is_delivery(name):
        return _from_delivery(name, policy, sources)
    if name.startswith(OCI_SCHEME):
        return _from_registry(name, policy, sources)
    location = find_bundle(name, search_path=tuple(sources.search_path))

    def fetch(component: ComponentSpec, locked: LockEntry | None) -> Path:
        return sources.fetcher().component(component, locked)

    bundle = load_bundle(location, limits=sources.limits, fetch=fetch)
    sources.say(f"{location.found} {bundle.metadata.version}, {bundle.digest}")
    return AcquiredBundle(bundle=bundle, evidence=judge(bundle, lambda: _beside(location), policy, sources))


def open_by_policy(paths: Sequence[Path], policy: TrustPolicy, sources: Sources) -> Trusted:
    """Open a delivery, verified by a policy, and say what it is; the caller closes it.

    Args:
        paths: the file, or its parts.
        policy: whom to trust.
        sources: how it is judged.

    Raises:
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    trusted = bundler.actions.acquire.open_delivery.open_trusted(paths, sources.verifier(policy), policy)
    carried, images = trusted.index.bundle, counted(len(trusted.index.images), "image")
    sources.say(
        f"delivery {trusted.delivery.name} {trusted.delivery.build_id}: {carried.name} {carried.version}, "
        f"{images}, {bundler.actions.acquire.trust.signed_by(trusted.evidence)}"
    )
    return trusted


def judge(
    bundle: Bundle, envelopes: Callable[[], Sequence[Envelope]], policy: TrustPolicy, sources: Sources
) -> Evidence | None:
    """Check a bundle's signatures and version against a policy, and say who signed it.

    Args:
        bundle: as loaded.
        envelopes: returns its signatures; asked only where someone is trusted.
        policy: whom to trust, and which versions.
        sources: how it is judged.

    Returns:
        Who signed; None where no signature is asked for.

    Raises:
        SignatureError: when it is not signed as the policy asks, or too old.
        DeliveryDamagedError: when a signature cannot be read.
    """
    if not (policy.asks_for_signature or policy.revoked or policy.minimum_versions):
        return None

    found = envelopes() if policy.asks_for_signature or policy.revoked else ()
    evidence = bundler.actions.acquire.trust.check_bundle(bundle, found, sources.verifier(policy), policy)
    if evidence.signers:
        signed_by = bundler.actions.acquire.trust.signed_by(evidence)
        sources.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}: {signed_by}")
    return evidence


def _from_delivery(name: str, policy: TrustPolicy, sources: Sources) -> AcquiredBundle:

    trusted = open_by_policy((Path(name).expanduser(),), policy, sources)
    try:
        bundle = bundler.actions.acquire.open_delivery.load_delivered(trusted, limits=sources.limits)
    except BaseException:
        trusted.delivery.close()
        raise
    sources.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}, {bundle.digest}")
    return AcquiredBundle(bundle=bundle, delivery=trusted, evidence=trusted.evidence)


def _from_registry(name: str, policy: TrustPolicy, sources: Sources) -> AcquiredBundle:

    address = bundler.actions.acquire.fetch.parse_address(name, doing=f"looking for bundle {name}")
    fetcher = sources.fetcher()
    published, path = fetcher.bundle(address)
    location = BundleLocation(path=path, origin=name, found=f"bundle {name}", is_archive=True)
    bundle = load_bundle(location, limits=sources.limits)
    sources.say(f"bundle {published.address} {bundle.metadata.version}, {bundle.digest}")
    evidence = judge(
        bundle,
        lambda: bundler.actions.acquire.bundle_artifacts.fetch_signatures(fetcher.registry(), published),
        policy,
        sources,
    )
    return AcquiredBundle(bundle=bundle, evidence=evidence)


def _beside(location: BundleLocation) -> Sequence[Envelope]:
    """Return the signatures beside an archive; a folder has none."""
    return bundler.actions.acquire.trust.read_signatures(location.path) if location.is_archive else ()
