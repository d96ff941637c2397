"""Find, fetch and verify a bundle: the one way in, whatever it comes from. Layer: actions.

A folder, an archive, a delivery file or an ``oci://`` address: what comes back was checked against the policy of the
site, or nothing comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.actions import acquire as acquiring
from bundler.errors.bundle import BundleNotFoundError
from bundler.loader.load import load_bundle
from bundler.loader.locate import OCI_SCHEME, BundleLocation, find_bundle, is_known_here, split_name
from bundler.model.lean import dataclass, replace
from bundler.model.pattern import LazyPattern
from bundler.model.size import counted
from bundler.model.trust import Envelope, Evidence, TrustPolicy
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from bundler.actions.acquire.catalogues import OpenCatalogue, Recorded
    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.loader.limits import LoadLimits
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.image import LockedImage
    from bundler.model.oci import OciAddress
    from bundler.model.site import Site
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
    images: tuple[LockedImage, ...] | None = None
    """Those of the delivery that brought the bundle to the site's registry; None where none did."""

    @property
    def carried(self) -> tuple[LockedImage, ...] | None:
        """The images of the delivery that brought the bundle; None where none did."""
        return self.delivery.carried if self.delivery else self.images


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
    catalogues: tuple[str, ...] = ()
    """Addresses of catalogues, asked for names that no local place has."""
    is_offline: bool = False
    """No catalogue is asked."""


def is_delivery(name: str) -> bool:
    """Return whether a word names a delivery file or a part of one."""
    return ".bundle" in name and _DELIVERY.search(name) is not None


def acquire(name: str, site: Site | None, sources: Sources, *, called: str = "", digest: str = "") -> AcquiredBundle:
    """Load the bundle that ``name`` means, verified as the site asks.

    Args:
        name: a path, a bundle's name (with ``@VERSION``), a delivery file, an ``oci://`` address, or the address of a
            catalogue with ``#NAME``.
        site: whose policy holds, and whose catalogues are asked too; None: nothing is asked for.
        sources: where bundles come from.
        called: where a folder or an archive was taken from, for messages and records; empty: its path, or its name.
        digest: which version is taken of an ``oci://`` address that names none; empty: the highest.

    Raises:
        BundleError: when there is none, or it is broken.
        RegistryError: when it cannot be had.
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    policy = site.trust if site else _ANYONE
    if is_delivery(name):
        return _from_delivery(name, policy, sources)
    if name.startswith(OCI_SCHEME) and "#" not in name:
        address = acquiring.fetch.parse_address(name, doing=f"looking for bundle {name}")
        return _fetched(address, "", site, sources, digest=digest)
    found = look_up(name, site.catalogues if site else (), policy, sources)
    if not isinstance(found, BundleLocation):
        said = f"bundle {found.bundle.name} of catalogue {found.catalogue}: {found.address}"
        return _fetched(found.address, said, site, sources, check=found.check)
    if called:
        found = replace(found, origin=called, found=f"bundle {called}")
    taken = _from_disk(found, policy, sources)
    _check_version(taken.bundle, split_name(name)[1])
    return taken


def look_up(name: str, catalogues: Sequence[str], policy: TrustPolicy, sources: Sources) -> BundleLocation | Recorded:
    """Return where a path or a name leads: to a folder or an archive, or to what a catalogue records.

    Catalogues are asked for names that no local place has, and for nothing else: publishing a bundle somewhere must not
    change what a name means that is known here.

    Args:
        name: a path, ``NAME[@VERSION]``, or ``oci://HOST/CATALOGUE#NAME[@VERSION]``.
        catalogues: addresses of more catalogues than those of ``sources``.
        policy: that catalogues have to meet.
        sources: where bundles come from.

    Raises:
        BundleError: when there is none, or several catalogues mean different bundles.
        RegistryError, SignatureError: when a catalogue cannot be had, or is not to be trusted.
    """
    search_path = tuple(sources.search_path)
    if name.startswith(OCI_SCHEME):
        return _named_in_catalogue(name, policy, sources)
    word, accepts = split_name(name)
    if word and name.endswith("@"):
        acquiring.catalogues.Reference.parse(name)
    asked = tuple(dict.fromkeys((*sources.catalogues, *catalogues))) if word else ()
    elsewhere: dict[str, Sequence[str] | None] = {}
    if asked and not is_known_here(word, search_path):
        if sources.is_offline:
            elsewhere = dict.fromkeys(asked)
        else:
            opened = open_catalogues(asked, policy, sources)
            wanted = acquiring.catalogues.Reference(name=word, accepts=accepts)
            recorded = acquiring.catalogues.choose(opened, wanted)
            if recorded is not None:
                return recorded
            elsewhere = {str(one.address): [each.name for each in one.catalogue.bundles] for one in opened}
    return find_bundle(word or name, search_path=search_path, accepts=accepts, elsewhere=elsewhere)


def open_catalogues(addresses: Sequence[str], policy: TrustPolicy, sources: Sources) -> Sequence[OpenCatalogue]:
    """Read catalogues, verified by a policy, and say who signed them.

    Args:
        addresses: ``oci://``, as typed.
        policy: that they have to meet.
        sources: where bundles come from.

    Raises:
        BundlerError: when one of them cannot be read or is not to be trusted.
    """
    places = [acquiring.fetch.parse_address(text, doing=f"reading catalogue {text}") for text in addresses]
    reader = acquiring.catalogues.CatalogueReader(
        registry=sources.fetcher().registry, verify=sources.verifier(policy), policy=policy
    )
    opened = reader.every(places)
    for one in opened:
        if one.evidence.signers:
            sources.say(one.said)
    return opened


def _named_in_catalogue(name: str, policy: TrustPolicy, sources: Sources) -> Recorded:
    wanted = acquiring.catalogues.Reference.parse(name)
    opened = open_catalogues([str(wanted.catalogue)], policy, sources)
    recorded = acquiring.catalogues.choose(opened, wanted)
    if recorded is None:
        raise opened[0].unknown(wanted)
    return recorded


def _from_disk(location: BundleLocation, policy: TrustPolicy, sources: Sources) -> AcquiredBundle:
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
    trusted = acquiring.open_delivery.open_trusted(paths, sources.verifier(policy), policy)
    carried, images = trusted.index.bundle, counted(len(trusted.index.images), "image")
    sources.say(
        f"delivery {trusted.delivery.name} {trusted.delivery.build_id}: {carried.name} {carried.version}, "
        f"{images}, {acquiring.trust.signed_by(trusted.evidence)}"
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
    evidence = acquiring.trust.check_bundle(bundle, found, sources.verifier(policy), policy)
    if evidence.signers:
        signed_by = acquiring.trust.signed_by(evidence)
        sources.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}: {signed_by}")
    return evidence


def _from_delivery(name: str, policy: TrustPolicy, sources: Sources) -> AcquiredBundle:
    trusted = open_by_policy((Path(name).expanduser(),), policy, sources)
    try:
        bundle = acquiring.open_delivery.load_delivered(trusted, limits=sources.limits)
    except BaseException:
        trusted.delivery.close()
        raise
    sources.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}, {bundle.digest}")
    return AcquiredBundle(bundle=bundle, delivery=trusted, evidence=trusted.evidence)


def _check_version(bundle: Bundle, accepts: str) -> None:
    """Refuse a local bundle of another version than the one asked for; no catalogue is asked instead."""
    if not accepts or parse_range(accepts).admits(parse_version(bundle.metadata.version)):
        return
    name, version = bundle.metadata.name, bundle.metadata.version
    raise BundleNotFoundError(
        f"looking for bundle {name}@{accepts}",
        context=[
            f"the one that is found by its name is {version}; a catalogue is not asked for a name that is known here"
        ],
        hint=f"write {name} to take it, or name the catalogue that has the other: oci://HOST/CATALOGUE#{name}@{accepts}",
    )


def _fetched(
    address: OciAddress,
    found: str,
    site: Site | None,
    sources: Sources,
    *,
    check: Callable[[Bundle], None] = lambda _: None,
    digest: str = "",
) -> AcquiredBundle:
    fetcher, policy = sources.fetcher(), site.trust if site else _ANYONE
    published, path = fetcher.bundle(address, digest=digest)
    location = BundleLocation(path=path, origin=str(address), found=f"bundle {address}", is_archive=True)
    bundle = load_bundle(location, limits=sources.limits)
    check(bundle)
    sources.say(f"{found or f'bundle {published.address}'} {bundle.metadata.version}, {bundle.digest}")
    if site is not None and site.registry is not None and site.registry.host == address.repository.host:
        here = acquiring.delivered_here.delivered_here(fetcher.registry(), published, bundle, sources.verifier(policy))
        if here is not None:
            acquiring.version_policy.refuse_older(bundle.metadata.name, bundle.metadata.version, policy)
            signed = acquiring.trust.signed_by(here.evidence)
            sources.say(f"it came here by a delivery of {counted(len(here.images), 'image')}, {signed}")
            return AcquiredBundle(bundle=bundle, evidence=here.evidence, images=here.images)
    evidence = judge(
        bundle,
        lambda: acquiring.bundle_artifacts.fetch_signatures(fetcher.registry(), published),
        policy,
        sources,
    )
    return AcquiredBundle(bundle=bundle, evidence=evidence)


def _beside(location: BundleLocation) -> Sequence[Envelope]:
    """Return the signatures beside an archive; a folder has none."""
    return acquiring.trust.read_signatures(location.path) if location.is_archive else ()
