"""Small images of several platforms, made by the tests: as OCI layouts, or pushed through a Registry port."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler.model.digest import Digest, digest_of
from bundler.model.oci import DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, OciManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bundler.model.oci import BlobSource, Repository
    from bundler.ports import Registry

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PLATFORMS = ("linux/amd64", "linux/arm64/v8")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestImage:
    """An image in memory: its index (or one manifest), manifests and blobs."""

    __test__ = False

    top: OciManifest
    manifests: tuple[OciManifest, ...]
    """Those that the index lists; the one manifest itself where there is no index."""
    blobs: Mapping[Digest, bytes] = field(repr=False)

    @property
    def digest(self) -> Digest:
        return self.top.digest


def layer_of(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar of files, the same bytes every time."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def make_image(
    name: str,
    *,
    platforms: Sequence[str] = PLATFORMS,
    layer_bytes: Sequence[int] = (2000,),
    files: Mapping[str, bytes] | None = None,
    labels: Mapping[str, str] | None = None,
    is_docker: bool = False,
    has_index: bool = True,
) -> TestImage:
    """Make an image; the same arguments give the same bytes.

    Args:
        name: goes into every layer, so that images differ.
        platforms: one manifest for each.
        layer_bytes: size of the incompressible content of each layer; the first is shared by all platforms.
        files: more files of the first layer (`/etc/os-release`, package databases).
        labels: of the config.
        is_docker: with Docker's media types instead of OCI's.
        has_index: False gives a single manifest, of the first platform.
    """
    blobs: dict[Digest, bytes] = {}
    manifests, entries = [], []
    shared = layer_of({"content": random.Random(name).randbytes(layer_bytes[0]), **(files or {})})
    for platform in platforms if has_index else platforms[:1]:
        layers = [
            shared,
            *(
                layer_of({f"part-{number}": random.Random(f"{name}{platform}{number}").randbytes(size)})
                for number, size in enumerate(layer_bytes[1:])
            ),
        ]
        manifest = _manifest(platform, layers, labels or {}, blobs, is_docker=is_docker)
        manifests.append(manifest)
        os, architecture, *variant = platform.split("/")
        shown = {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        entries.append({**manifest.descriptor.to_json(), "platform": shown})
    if not has_index:
        return TestImage(top=manifests[0], manifests=tuple(manifests), blobs=blobs)
    media_type = DOCKER_LIST if is_docker else OCI_INDEX
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    return TestImage(top=_oci(index, media_type), manifests=tuple(manifests), blobs=blobs)


def push_image(registry: Registry, repository: Repository, image: TestImage, *, tag: str) -> None:
    """Push an image through a Registry port."""
    for manifest in image.manifests:
        for blob in manifest.blobs:
            registry.put_blob(repository, blob, source_of(image.blobs[blob.digest]))
        registry.put_manifest(repository, manifest)
    registry.put_manifest(repository, image.top, tag=tag)


def source_of(content: bytes) -> BlobSource:
    """Return a source of a blob in memory."""

    def read(offset: int) -> Iterator[bytes]:
        for start in range(offset, len(content), 262_144):
            yield content[start : start + 262_144]

    return read


def write_layout(image: TestImage, folder: Path, *, tag: str = "") -> Path:
    """Write an image as an OCI image layout; returns the folder."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True, exist_ok=True)
    for digest, content in image.blobs.items():
        (store / digest.removeprefix("sha256:")).write_bytes(content)
    for manifest in (*image.manifests, image.top):
        (store / manifest.digest.removeprefix("sha256:")).write_bytes(manifest.content)
    entry = dict(image.top.descriptor.to_json())
    if tag:
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def _manifest(
    platform: str, layers: Sequence[bytes], labels: Mapping[str, str], blobs: dict[Digest, bytes], *, is_docker: bool
) -> OciManifest:
    os, architecture, *variant = platform.split("/")
    config = json.dumps(
        {
            "os": os,
            "architecture": architecture,
            **({"variant": variant[0]} if variant else {}),
            "config": {"Labels": dict(labels)},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers]},
        }
    ).encode()
    for content in (config, *layers):
        blobs[digest_of(content)] = content
    config_type = "application/vnd.docker.container.image.v1+json" if is_docker else OCI_CONFIG
    layer_type = DOCKER_LAYER if is_docker else OCI_LAYER
    media_type = DOCKER_MANIFEST if is_docker else OCI_MANIFEST
    body = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(config, config_type),
        "layers": [_descriptor(layer, layer_type) for layer in layers],
    }
    return _oci(body, media_type)


def _descriptor(content: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _oci(body: object, media_type: str) -> OciManifest:
    return OciManifest.of(json.dumps(body, indent=2).encode(), media_type)
