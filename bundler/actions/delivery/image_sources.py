"""Take images from several places: OCI layouts first, registries after them. Layer: actions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.model.digest import Digest

if TYPE_CHECKING:
    from bundler.model.oci import Descriptor, OciManifest, Repository
    from bundler.ports import ImageSource

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})(\.[a-z]+)?")


class SourceChain:
    """Several places as one. The first that holds an image is asked for all that belongs to it."""

    def __init__(self, sources: Sequence[ImageSource]) -> None:
        self._sources = tuple(sources)
        self._owners: dict[Digest, ImageSource] = {}

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index by tag or digest; None where no one holds it."""
        match = _DIGEST.fullmatch(reference)
        owner = self._owners.get(Digest(f"sha256:{match[1]}")) if match else None
        for source in (owner,) if owner is not None else self._sources:
            manifest = source.manifest(repository, reference)
            if manifest is not None:
                for one in (manifest.descriptor, *manifest.children, *manifest.blobs):
                    self._owners.setdefault(one.digest, source)
                return manifest
        return None

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob from the place that holds its image."""
        return self._owners.get(descriptor.digest, self._sources[-1]).blob(repository, descriptor)

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what refers to a manifest, in the place that holds it."""
        found = self._owners.get(digest, self._sources[-1]).referrers(repository, digest, artifact_type=artifact_type)
        for one in found:
            self._owners.setdefault(one.digest, self._owners.get(digest, self._sources[-1]))
        return found
