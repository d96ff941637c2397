"""What came of a verb that writes files, or talks to registries and locks. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.delivery import DeliveryIndex
    from bundler.model.digest import Digest
    from bundler.model.lock import LockState
    from bundler.model.oci import OciAddress
    from bundler.model.trust import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginResult:
    """A login that is kept."""

    kept: str
    """Where, for people."""
    was_checked: bool
    """False: the registry answers everyone, and may take a wrong password, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """What is published now."""

    address: OciAddress
    """With tag and digest."""
    is_new: bool
    """False: the same version with the same content was there already."""
    sent_bytes: int
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What was fetched."""

    path: Path
    address: OciAddress
    """With the digest of its manifest."""
    digest: str
    """The bundle's own."""
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    paths: tuple[Path, ...]
    build_id: Digest
    index: DeliveryIndex
    size: int
    """Bytes of all files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found good."""

    name: str
    version: str
    digest: Digest
    """Build id of a delivery, digest of a bundle."""
    blobs: int
    """0 for an archive."""
    size: int
    """Bytes of what was checked."""
    evidence: Evidence
    images: int | None = None
    """How many images the bundle rendered to, each of them carried; None where no one looked."""
    kind: str = "bundle"
    """What it is, where it has no blobs: ``bundle`` or ``plan``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratedStorage:
    """In which version the objects of a kind are stored.

    Example:
        >>> from bundler import MigratedStorage
        >>> done = MigratedStorage(definition="widgets.example.com", storage="v1", before=("v1beta1", "v1"), objects=2)
        >>> done.is_changed
        True
    """

    definition: str
    """Name of the CustomResourceDefinition."""
    storage: str
    """The version."""
    before: tuple[str, ...]
    """The versions in which objects may have been stored until now."""
    objects: int = 0
    """How many were written again."""
    outside_window: str = ""
    """Why this was done although the site's deployment windows were closed; empty where they were open."""

    @property
    def is_changed(self) -> bool:
        """Return whether objects may have been stored in another version."""
        return self.before != (self.storage,)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockResult:
    """What became of a lock."""

    state: LockState | None
    """Who held it; None where it was free."""
    is_broken: bool = False
    is_declined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePushed:
    """A catalogue that is published now."""

    address: OciAddress
    """With tag and digest."""
    is_new: bool
    """False: the same catalogue was there already."""
    sent_bytes: int
    bundles: int
    versions: int
    """Of all bundles together."""
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueBuilt:
    """A catalogue that was written."""

    path: Path
    digest: Digest
    """Of the file."""
    bundles: int
    versions: int
    """Of all bundles together."""
    is_signed: bool
