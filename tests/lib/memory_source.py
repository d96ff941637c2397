"""Images in memory as an ImageSource: several repositories, faults and referrers on request."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler.model.oci import OCI_MANIFEST, Descriptor, OciManifest, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.errors import BundlerError
    from bundler.model.digest import Digest
    from tests.lib.images import TestImage


@dataclass
class MemorySource:
    """Implements bundler.ports.ImageSource."""

    manifests: dict[tuple[str, str], OciManifest] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    attached: dict[Digest, list[Descriptor]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[Digest, BundlerError] = field(default_factory=dict)
    fetched: list[Digest] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, image: TestImage) -> None:
        """Store an image under ``host/repository:tag``."""
        repository, _, tag = name.rpartition(":")
        self.manifests[repository, tag] = image.top
        for manifest in (image.top, *image.manifests):
            self.manifests[repository, manifest.digest] = manifest
        self.blobs.update(image.blobs)

    def attach(self, repository: str, subject: Digest, artifact_type: str, content: bytes) -> OciManifest:
        """Attach a document to a manifest."""
        from bundler.model.digest import digest_of

        empty = b"{}"
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(empty), "size": 2},
            "layers": [{"mediaType": artifact_type, "digest": digest_of(content), "size": len(content)}],
            "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
        }
        manifest = OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)
        self.blobs |= {digest_of(empty): empty, digest_of(content): content}
        self.manifests[repository, manifest.digest] = manifest
        one = Descriptor(
            digest=manifest.digest, size=len(manifest.content), media_type=OCI_MANIFEST, artifact_type=artifact_type
        )
        self.attached.setdefault(subject, []).append(one)
        return manifest

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        with self.lock:
            self.asked.append((str(repository), reference))
        return self.manifests.get((str(repository), reference))

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        with self.lock:
            self.fetched.append(descriptor.digest)
        content = self.blobs[descriptor.digest]
        yield content[: len(content) // 2]
        if descriptor.digest in self.faults:
            raise self.faults[descriptor.digest]
        yield content[len(content) // 2 :]

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        return self.attached.get(digest, [])
