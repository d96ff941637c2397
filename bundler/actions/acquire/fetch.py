"""Bring bundles from registries to local files, kept by what is in them. Layer: actions; writes a cache folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import PublishedBundle, fetch_archive, find_published
from bundler.archive.reader import read_archive, read_packed
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleInvalidError, VersionRangeError
from bundler.errors.delivery import RegistryNotFoundError
from bundler.files.whole_file import write_whole
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import bundle_digest
from bundler.model.digest import Digest, digest_of, is_digest
from bundler.model.events import Notice
from bundler.model.oci import OciAddress, version_tag
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import ComponentSpec
    from bundler.ports import Registry, Reporter


def parse_address(text: str, *, doing: str) -> OciAddress:
    """Read an address that a user or an author wrote.

    Raises:
        BundleInvalidError: when it is none.
    """
    try:
        return OciAddress.parse(text)
    except ValueError as error:
        hint = "write it as oci://HOST/REPOSITORY or oci://HOST/REPOSITORY:VERSION"
        raise BundleInvalidError(doing, context=[str(error)], hint=hint) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFetcher:
    """Fetches bundles; the same one is not fetched twice."""

    registry: Callable[[], Registry]
    """Opened only when something must be asked: what is locked and kept needs no registry."""
    folder: Path
    """Where archives are kept; everything in it can be deleted."""
    report: Reporter
    limits: LoadLimits = DEFAULT_LOAD_LIMITS
    """How large a bundle may be."""
    is_fresh: bool = False
    """Take the highest version in the range, whatever is locked."""

    def bundle(self, address: OciAddress, *, accepts: str = "", digest: str = "") -> tuple[PublishedBundle, Path]:
        """Return a bundle that a user names, and its archive on disk.

        Args:
            address: of the bundle.
            accepts: a range of versions; empty: every release.
            digest: which version is preferred where the address names none; empty: the highest.

        Raises:
            RegistryError: when it cannot be had.
        """
        published = find_published(self.registry(), address, accepts=accepts, digest=digest)
        return published, self._archive(published)

    def component(self, component: ComponentSpec, locked: LockEntry | None) -> Path:
        """Return the archive of a component: the version that is locked, else the highest in its range.

        Raises:
            BundleInvalidError: when its address cannot be read.
            RegistryError: when it cannot be had.
        """
        doing = f"fetching component {component.name}"
        address = parse_address(component.bundle, doing=doing)
        is_held = locked is not None and locked.source == component.bundle and _admits(component, locked)
        if locked is not None and is_held and not self.is_fresh:
            kept = self._kept(Digest(f"sha256:{locked.sha256}"))
            if _holds(kept, locked, self.limits):
                return kept
            if not address.reference:
                address = OciAddress(repository=address.repository, tag=version_tag(locked.version))
        try:
            published, path = self.bundle(address, accepts=component.version)
        except RegistryNotFoundError as error:
            found = [component.source.found(f"component {component.name}: {error}: {line}") for line in error.context]
            raise RegistryNotFoundError(doing, context=found, hint=error.hint) from error
        if locked is None and not self.is_fresh:
            self.report(Notice(f"component {component.name}: {published.address}; `bundler lock` would hold it"))
        return path

    def _archive(self, published: PublishedBundle) -> Path:
        if is_digest(published.digest) and _has(kept := self._kept(Digest(published.digest)), published):
            return kept
        content = fetch_archive(self.registry(), published, self.limits.archive)
        # What a publisher says may be anything: the name follows from the files themselves.
        files = read_packed(content, name=str(published.address), limits=self.limits.archive)
        path = self._kept(bundle_digest(files.values()))
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, content)
        except OSError:
            # A cache that cannot be written is no reason to fail.
            path = Path(tempfile.mkdtemp(prefix="bundler-"), path.name)
            write_whole(path, content)
        return path

    def _kept(self, digest: Digest) -> Path:
        """Return where the archive of a bundle is kept, by the digest of its files."""
        return self.folder / f"{digest.removeprefix('sha256:')}.tgz"


def _admits(component: ComponentSpec, locked: LockEntry) -> bool:
    try:
        return parse_range(component.version).admits(parse_version(locked.version))
    except VersionRangeError:
        return False


def _holds(path: Path, locked: LockEntry, limits: LoadLimits) -> bool:
    """Return whether a kept archive is the one that is locked."""
    try:
        files = read_archive(path, limits=limits.archive) if path.is_file() else {}
    except BundlerError:
        return False
    return bundle_digest(files.values()) == f"sha256:{locked.sha256}"


def _has(path: Path, published: PublishedBundle) -> bool:
    try:
        return digest_of(path.read_bytes()) == published.archive.digest
    except OSError:
        return False
