"""Small delivery files for tests, made by the real writer from made-up images."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bundler.delivery.index import encode_index
from bundler.delivery.writer import DeliveryWriter
from bundler.model.delivery import Base, Blob, BlobKind, CarriedBundle, CarriedImage, DeliveryIndex, blob_order
from bundler.model.digest import Digest, digest_of
from bundler.model.image import ImageRef, LockedImage
from bundler.model.json import canonical_json
from bundler.model.oci import OCI_CONFIG, OCI_MANIFEST
from bundler.model.trust import INDEX_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.ports import Signer

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Content:
    """What goes into a delivery."""

    index: DeliveryIndex
    blobs: dict[Digest, bytes]
    sbom: bytes

    def write(self, target: Path, *, part_bytes: int = 0, signers: Sequence[Signer] = ()) -> list[Path]:
        """Write the file, or its parts."""
        envelopes = [signer.sign(INDEX_PAYLOAD, encode_index(self.index)) for signer in signers]
        with DeliveryWriter(target, self.index, part_bytes=part_bytes) as writer:
            for blob in self.index.stored:
                if blob.kind is not BlobKind.SBOM:
                    writer.stream(blob.digest, [self.blobs[blob.digest]])
            return writer.finish(self.index, self.sbom, envelopes)


def make_content(
    *,
    images: int = 2,
    layer_bytes: int = 3000,
    seed: int = 1,
    version: str = "1.0.0",
    base: DeliveryIndex | None = None,
) -> Content:
    """Make up a delivery; the same arguments give the same bytes."""
    chance = random.Random(seed)
    kinds: dict[Digest, tuple[BlobKind, bytes]] = {}

    def keep(content: bytes, kind: BlobKind) -> Digest:
        digest = digest_of(content)
        kinds[digest] = (kind, content)
        return digest

    carried = []
    for number in range(images):
        layers = [chance.randbytes(layer_bytes + chance.randrange(600)) for _ in range(2)]
        config = canonical_json({"number": number, "seed": seed})
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": keep(config, BlobKind.CONFIG), "size": len(config)},
            "layers": [
                {"mediaType": LAYER_TYPE, "digest": keep(layer, BlobKind.LAYER), "size": len(layer)} for layer in layers
            ],
        }
        root = keep(json.dumps(manifest).encode(), BlobKind.MANIFEST)
        locked = LockedImage(
            ref=ImageRef.parse(f"registry.example/app-{number}:1"),
            digest=root,
            media_type=OCI_MANIFEST,
            platforms=("linux/amd64",),
            size=sum(map(len, layers)) + len(config),
            used_by=(f"Deployment/web-{number}",),
        )
        carried.append(CarriedImage(locked=locked, root=root))
    archive = keep(b"the archive of the bundle" + bytes(chance.randrange(200)), BlobKind.BUNDLE)
    sbom = canonical_json({"bomFormat": "CycloneDX", "seed": seed})
    known = {blob.digest for blob in base.blobs if blob.kind is BlobKind.LAYER} if base else set()
    blobs = [
        Blob(digest=digest, size=len(content), kind=kind, in_base=digest in known)
        for digest, (kind, content) in kinds.items()
    ]
    blobs.append(Blob(digest=digest_of(sbom), size=len(sbom), kind=BlobKind.SBOM))
    index = DeliveryIndex(
        bundle=CarriedBundle(name="shop", version=version, digest=digest_of(b"bundle"), archive=archive),
        kube_version=">=1.29",
        platforms=("linux/amd64",),
        all_platforms=False,
        images=tuple(carried),
        sbom=digest_of(sbom),
        base=Base(index=digest_of(encode_index(base)), name="shop", version=base.bundle.version) if base else None,
        blobs=tuple(sorted(blobs, key=blob_order)),
    )
    return Content(index=index, blobs={digest: content for digest, (_, content) in kinds.items()}, sbom=sbom)


def without(content: Content, kind: BlobKind) -> Content:
    """Return the same delivery whose index forgets the first blob of a kind."""
    gone = next(blob for blob in content.index.blobs if blob.kind is kind)
    return replace(content, index=replace(content.index, blobs=tuple(b for b in content.index.blobs if b != gone)))
