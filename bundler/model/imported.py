"""What an import brought into a site's registry. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.image import LockedImage
    from bundler.model.oci import OciAddress, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedImage:
    """Where one image went."""

    image: LockedImage
    repository: Repository
    was_there: bool
    """Nothing of it had to be moved."""

    @property
    def target(self) -> str:
        """``registry.site/acme/library/nginx@sha256:…``."""
        return f"{self.repository}@{self.image.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of it."""

    images: tuple[ImportedImage, ...]
    bundle: OciAddress | None = None
    """Where the bundle is; None where it was not published."""
    sent_bytes: int
    """Bytes of blobs that went over the wire, those sent twice included."""
    sent_blobs: int
    skipped_blobs: int
    """Blobs that were there, or that the registry took from another repository of its own."""
