"""Deliveries of real bundles with made-up images, written by the real writer; and a registry in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler.archive.writer import write_archive
from bundler.errors.delivery import ContentMismatchError, RegistryRejectedError, RegistryUnavailableError
from bundler.model.delivery import Blob, BlobKind, CarriedBundle, CarriedImage, DeliveryIndex, base_of, blob_order
from bundler.model.digest import Digest, digest_of
from bundler.model.image import ImageRef, LockedImage
from bundler.model.json import canonical_json, mapping_at
from tests.lib.bundles import load_from
from tests.lib.deliveries import Content
from tests.lib.images import TestImage, make_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bundler.model.oci import BlobSource, Descriptor, OciManifest, Repository


def content_of(
    bundle_path: Path,
    images: Mapping[str, TestImage | None],
    *,
    scratch: Path,
    base: DeliveryIndex | None = None,
) -> Content:
    """Return what a delivery of a bundle holds.

    Args:
        bundle_path: folder of the bundle.
        images: reference -> image; None makes one up.
        scratch: a folder for the bundle's archive.
        base: makes it a delta.
    """
    bundle = load_from(bundle_path)
    written = write_archive(bundle, scratch / f"{bundle.metadata.name}-{bundle.metadata.version}.tgz", mtime=0)
    archive = written.path.read_bytes()
    kinds: dict[Digest, tuple[BlobKind, bytes]] = {digest_of(archive): (BlobKind.BUNDLE, archive)}
    carried = []
    for ref, given in sorted(images.items(), key=lambda pair: str(ImageRef.parse(pair[0]))):
        image = given or make_image(ref, layer_bytes=(1500, 300))
        for manifest in (*image.manifests, image.top):
            kinds[manifest.digest] = (BlobKind.MANIFEST, manifest.content)
            if manifest.config is not None:
                kinds[manifest.config.digest] = (BlobKind.CONFIG, image.blobs[manifest.config.digest])
            kinds |= {layer.digest: (BlobKind.LAYER, image.blobs[layer.digest]) for layer in manifest.layers}
        platforms = tuple(sorted(child.platform for child in image.top.children)) or ("linux/amd64",)
        locked = LockedImage(
            ref=ImageRef.parse(ref),
            digest=image.digest,
            media_type=image.top.media_type,
            platforms=platforms,
            size=sum(map(len, image.blobs.values())),
        )
        carried.append(CarriedImage(locked=locked, root=image.digest))
    sbom = canonical_json({"bomFormat": "CycloneDX"})
    known = {blob.digest for blob in base.blobs if blob.kind is BlobKind.LAYER} if base else set()
    blobs = [
        Blob(digest=digest, size=len(content), kind=kind, in_base=digest in known)
        for digest, (kind, content) in kinds.items()
    ]
    blobs.append(Blob(digest=digest_of(sbom), size=len(sbom), kind=BlobKind.SBOM))
    from bundler.delivery.index import encode_index

    index = DeliveryIndex(
        bundle=CarriedBundle(
            name=bundle.metadata.name,
            version=bundle.metadata.version,
            app_version=bundle.metadata.app_version,
            digest=bundle.digest,
            archive=digest_of(archive),
        ),
        kube_version=bundle.kube_version,
        platforms=("linux/amd64", "linux/arm64/v8"),
        all_platforms=False,
        images=tuple(carried),
        sbom=digest_of(sbom),
        base=base_of(base, digest_of(encode_index(base)), [one.locked.ref for one in carried]) if base else None,
        blobs=tuple(sorted(blobs, key=blob_order)),
    )
    return Content(index=index, blobs={digest: content for digest, (_, content) in kinds.items()}, sbom=sbom)


@dataclass
class MemoryRegistry:
    """Registries in memory, as strict as a real one: no manifest without its parts, no blob of another digest."""

    blobs: dict[tuple[str, Digest], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], OciManifest] = field(default_factory=dict)
    sent: list[tuple[str, Digest]] = field(default_factory=list)
    fails_after: int = -1
    """How many blobs are taken before no one answers any more; negative: all."""
    is_away: bool = False
    """No one answers at all."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ping(self, host: str) -> None:
        if self.is_away:
            raise RegistryUnavailableError(f"asking {host}", context=["no one answers"], hint="check the network")

    def log_in(self, host: str) -> bool:
        self.ping(host)
        return False

    def check_push(self, repository: Repository) -> None:
        del repository

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        self.asked.append(("head", str(repository), reference))
        found = self.manifests.get((str(repository), reference))
        return found.descriptor if found else None

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        return self.manifests.get((str(repository), reference))

    def put_manifest(self, repository: Repository, manifest: OciManifest, *, tag: str = "") -> None:
        name = str(repository)
        missing = [one.digest for one in manifest.children if (name, one.digest) not in self.manifests]
        if not manifest.is_index:
            missing += [one.digest for one in manifest.blobs if (name, one.digest) not in self.blobs]
        if missing:
            raise RegistryRejectedError("storing a manifest", context=[str(missing)], hint="bring its parts first")
        self.manifests[name, manifest.digest] = manifest
        if tag:
            self.manifests[name, tag] = manifest

    def has_blob(self, repository: Repository, blob: Descriptor, *, is_read: bool = False) -> bool:
        del is_read
        self.asked.append(("blob", str(repository), blob.digest))
        return (str(repository), blob.digest) in self.blobs

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        yield self.blobs[str(repository), descriptor.digest]

    def put_blob(
        self, repository: Repository, descriptor: Descriptor, source: BlobSource, *, mount_from: str = ""
    ) -> int:
        name = str(repository)
        with self.lock:
            if (name, descriptor.digest) in self.blobs:
                return 0
            mounted = self.blobs.get((f"{repository.host}/{mount_from}", descriptor.digest)) if mount_from else None
            if mounted is not None:
                self.blobs[name, descriptor.digest] = mounted
                return 0
            if 0 <= self.fails_after <= len(self.sent):
                raise RegistryUnavailableError("storing a blob", context=["cut"], hint="run it again")
            content = b"".join(source(0))
            if digest_of(content) != descriptor.digest:
                raise ContentMismatchError("storing a blob", context=[descriptor.digest], hint="copy the file again")
            self.blobs[name, descriptor.digest] = content
            self.sent.append((name, descriptor.digest))
            return len(content)

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        del artifact_type
        name = str(repository)
        found = [
            manifest.descriptor
            for (place, reference), manifest in self.manifests.items()
            if place == name and reference == manifest.digest
            if mapping_at(manifest.body, "subject").get("digest") == digest
        ]
        return list({one.digest: one for one in found}.values())

    def tags(self, repository: Repository) -> Sequence[str]:
        return self.tags_of(str(repository))

    def tags_of(self, repository: str) -> list[str]:
        return [tag for name, tag in self.manifests if name == repository and not tag.startswith("sha256:")]
