"""What registries hold: repositories, manifests and blobs by digest. Layer: model, pure.

Source: OCI image-spec v1.1 (descriptor.md, manifest.md, image-index.md) and distribution-spec v1.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from bundler.model.digest import Digest, digest_of, is_digest
from bundler.model.image import HOST, REPOSITORY, TAG
from bundler.model.json import Body, JSONValue, canonical_json, int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass, field
from bundler.model.pattern import LazyPattern

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
CYCLONEDX: Final = "application/vnd.cyclonedx+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
BUNDLE_ARTIFACT: Final = "application/vnd.bundler.bundle.v1"
BUNDLE_CONFIG: Final = "application/vnd.bundler.bundle.config.v1+json"
BUNDLE_ARCHIVE: Final = "application/vnd.bundler.bundle.archive.v1.tar+gzip"
BUNDLE_SIGNATURE: Final = "application/vnd.bundler.bundle.signature.v1+json"
BUNDLE_DELIVERY: Final = "application/vnd.bundler.delivery.v1"
"""The index of the delivery that brought a bundle to a registry, attached to the bundle."""
CATALOGUE_ARTIFACT: Final = "application/vnd.bundler.catalogue.v1"
CATALOGUE_DOCUMENT: Final = "application/vnd.bundler.catalogue.document.v1+json"
CATALOGUE_SIGNATURE: Final = "application/vnd.bundler.catalogue.signature.v1+json"

ATTESTED: Final = "vnd.docker.reference.digest"
"""Annotation by which BuildKit says what an attestation in an index is of."""

OCI_SCHEME: Final = "oci://"
_PIECE_BYTES: Final = 1024 * 1024

BlobSource: TypeAlias = Callable[[int], Iterator[bytes]]
"""Opens the content of a blob at an offset, in bytes, and yields it from there to its end. An upload that is cut asks
again, with the offset from which it continues; pieces of 64 KiB to 1 MiB are best."""


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """One repository of one registry."""

    host: str
    """With a port where there is one: ``registry.site:5000``, ``docker.io``."""
    name: str
    """``library/nginx``."""

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OciAddress:
    """``oci://host/repository[:version][@sha256:…]``: where a bundle stands."""

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{OCI_SCHEME}{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def reference(self) -> str:
        """The digest where one is given, else the tag; empty where there is neither."""
        return self.digest or self.tag

    @classmethod
    def parse(cls, text: str) -> OciAddress:
        """Read an address.

        Raises:
            ValueError: when it is none.
        """
        host, slash, path = text.removeprefix(OCI_SCHEME).partition("/")
        msg = f"{text!r} is not an address like oci://registry.example/bundles/shop:1.4.0"
        if not text.startswith(OCI_SCHEME) or not slash or not HOST.fullmatch(host):
            raise ValueError(msg)
        name, at, digest = path.partition("@")
        name, colon, tag = name.partition(":")
        is_good = REPOSITORY.fullmatch(name) and (not colon or TAG.fullmatch(tag))
        if not is_good or (at and not is_digest(digest)):
            raise ValueError(msg)
        return cls(repository=Repository(host, name), tag=tag, digest=digest)


def version_tag(version: str) -> str:
    """Return the tag of a version: a tag may not hold ``+``."""
    return version.replace("+", "_")


def digest_tag(digest: Digest) -> str:
    """Return the tag of content that has no other: collectors of garbage in registries take what is not tagged.

    Not ``sha256-…``: that names the list of what refers to a digest, and with an ending cosign's signatures.
    Source: OCI distribution-spec v1.1, "Referrers Tag Schema".
    """
    return f"bundler-{digest.replace(':', '-')}"


def tag_version(tag: str) -> str:
    """Return the version that a tag stands for."""
    return tag.replace("_", "+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Content by digest."""

    digest: Digest
    size: int
    """Bytes."""
    media_type: str
    platform: str = ""
    """``linux/amd64``, ``linux/arm64/v8``; empty where the descriptor names none."""
    os_version: str = ""
    """``10.0.20348.2113``: Windows images run on their own version only."""
    is_extra: bool = False
    """An index lists it, and no platform needs it: an attestation, or something for ``unknown/unknown``."""
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: JSONValue) -> Descriptor:
        """Read a descriptor; what is missing becomes empty.

        Args:
            body: ``{"mediaType": …, "digest": …, "size": …}``.
        """
        platform = mapping_at(body, "platform")
        return cls(
            digest=Digest(text_at(body, "digest")),
            size=int_at(body, "size", default=-1),
            media_type=text_at(body, "mediaType"),
            platform=platform_of(platform),
            os_version=text_at(platform, "os.version"),
            is_extra="unknown" in (text_at(platform, "os"), text_at(platform, "architecture"))
            or ATTESTED in mapping_at(body, "annotations"),
            artifact_type=text_at(body, "artifactType"),
            annotations={k: v for k, v in mapping_at(body, "annotations").items() if isinstance(v, str)},
        )

    def to_json(self) -> dict[str, JSONValue]:
        """Return the descriptor as it is in a manifest; platform left out."""
        body: dict[str, JSONValue] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            body["annotations"] = dict(self.annotations)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class OciManifest:
    """A manifest or index, byte for byte as it is stored."""

    content: bytes = field(repr=False)
    media_type: str
    digest: Digest
    """Always the sha256 of ``content``; clients check it before they hand a manifest out."""

    @classmethod
    def of(cls, content: bytes, media_type: str) -> OciManifest:
        """Make one of bytes."""
        return cls(content=content, media_type=media_type, digest=digest_of(content))

    @property
    def descriptor(self) -> Descriptor:
        """How others refer to it."""
        return Descriptor(digest=self.digest, size=len(self.content), media_type=self.media_type)

    @property
    def is_index(self) -> bool:
        """Return whether it lists manifests, one for each platform."""
        return self.media_type in INDEX_TYPES

    @property
    def body(self) -> Body:
        """The JSON in it; an empty mapping where it is not a JSON object."""
        try:
            parsed = json.loads(self.content)
        except (ValueError, RecursionError):
            parsed = None
        return parsed if isinstance(parsed, dict) else {}

    @property
    def children(self) -> Sequence[Descriptor]:
        """The manifests that an index lists, in its order; nothing for a manifest."""
        return [Descriptor.from_json(item) for item in items_at(self.body, "manifests")] if self.is_index else []

    @property
    def config(self) -> Descriptor | None:
        """The config blob of a manifest."""
        config = mapping_at(self.body, "config")
        return Descriptor.from_json(config) if config else None

    @property
    def layers(self) -> Sequence[Descriptor]:
        """The layers of a manifest, in its order; nothing for an index."""
        return [Descriptor.from_json(item) for item in items_at(self.body, "layers")]

    @property
    def blobs(self) -> Sequence[Descriptor]:
        """Config and layers, each digest once; layers that stand elsewhere (``urls``) included."""
        found = [*([self.config] if self.config else []), *self.layers]
        return list({one.digest: one for one in found}.values())


EMPTY_CONTENT: Final = b"{}"
EMPTY_BLOB: Final = Descriptor(digest=digest_of(EMPTY_CONTENT), size=len(EMPTY_CONTENT), media_type=OCI_EMPTY)
"""The configuration of what is not an image. Source: OCI image-spec v1.1, "Guidance for an Empty Descriptor"."""


def artifact_manifest(
    artifact_type: str,
    layer: Descriptor,
    *,
    config: Descriptor = EMPTY_BLOB,
    subject: OciManifest | None = None,
    annotations: Body | None = None,
) -> OciManifest:
    """Return the manifest of a document that is not an image.

    Args:
        artifact_type: media type that lists of referrers tell.
        layer: the document as a blob.
        config: the configuration as a blob.
        subject: the manifest that the document is about.
        annotations: of the manifest.
    """
    body: dict[str, JSONValue] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": config.to_json(),
        "layers": [layer.to_json()],
        **({"subject": subject.descriptor.to_json()} if subject is not None else {}),
        **({"annotations": annotations} if annotations is not None else {}),
    }
    return OciManifest.of(canonical_json(body), OCI_MANIFEST)


def bytes_source(content: bytes) -> BlobSource:
    """Return a source of a blob that is in memory."""

    def read(offset: int) -> Iterator[bytes]:
        view = memoryview(content)
        return (bytes(view[at : at + _PIECE_BYTES]) for at in range(offset, len(content), _PIECE_BYTES))

    return read


_ARCHITECTURES: Final = {
    "aarch64": ("arm64", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
"""Second names of architectures. Source: containerd, platforms/database.go, normalizeArch."""


PLATFORM: Final = LazyPattern(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?")
"""How a platform is named on the command line."""
DEFAULT_PLATFORM: Final = "linux/amd64"


def normal_platform(platform: str) -> str:
    """Return a platform by its usual name: ``linux/aarch64`` is ``linux/arm64``."""
    os, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    usual, own = _ARCHITECTURES.get(architecture, (architecture, ""))
    return "/".join(part for part in (os, usual, variant or own) if part)


def platform_of(platform: Body) -> str:
    """Return ``linux/arm64/v8`` of a platform object; empty where it says nothing (or ``unknown``)."""
    parts = [text_at(platform, "os"), text_at(platform, "architecture"), text_at(platform, "variant")]
    if not parts[0] or not parts[1] or "unknown" in parts[:2]:
        return ""
    return normal_platform("/".join(part for part in parts if part))
