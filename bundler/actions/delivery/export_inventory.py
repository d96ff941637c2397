"""Find out what an export has to carry: manifests, configs, layers and what is attached. Layer: actions.

Nothing but manifests and configs is fetched here: they tell digest and size of all the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.delivery.platforms import (
    MAX_CONFIG_BYTES,
    MAX_INDEX_DEPTH,
    TooDeepError,
    choose_platforms,
    offered_platforms,
)
from bundler.concurrency import map_parallel
from bundler.delivery.check import references
from bundler.errors.delivery import (
    ExportError,
    RegistryForbiddenError,
    RegistryLoginError,
    RegistryRejectedError,
    RegistryUnavailableError,
)
from bundler.images.config import labels_of
from bundler.model.delivery import Attachment, Blob, BlobKind, CarriedImage
from bundler.model.digest import Digest
from bundler.model.image import FoundImage, ImageRef, LockedImage
from bundler.model.json import Body, is_mapping
from bundler.model.lean import dataclass, field
from bundler.model.oci import ATTESTED, MANIFEST_TYPES, Descriptor, OciManifest, Repository, platform_of
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.ports import ImageSource

_SBOM_TYPES = re.compile(r"spdx|cyclonedx|syft|sbom", re.IGNORECASE)
_PREDICATE = "in-toto.io/predicate-type"
_HINT_REF = "check the name, and that this machine may read it (`bundler login`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformImage:
    """One image of one platform, as the SBOM tells it."""

    ref: ImageRef
    manifest: OciManifest
    platform: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One image, ready to be carried."""

    image: CarriedImage
    repository: Repository
    manifests: tuple[OciManifest, ...]
    configs: Mapping[Digest, bytes]
    blobs: tuple[tuple[Descriptor, BlobKind], ...]
    """Layers and attached documents, to be streamed."""
    platforms: tuple[PlatformImage, ...]
    attachments: tuple[Attachment, ...]
    notices: tuple[str, ...] = ()


def gather_images(
    images: Sequence[FoundImage], source: ImageSource, *, platforms: Sequence[str]
) -> tuple[Gathered, ...]:
    """Look at every image; ``platforms`` empty is all.

    Args:
        images: found in the rendered objects.
        source: where image content comes from.
        platforms: ``os/arch``; none for all.

    Raises:
        ExportError: with every image that does not exist, or not for these platforms.
        RegistryError: when a registry cannot be asked.
    """

    def look(image: FoundImage) -> Gathered | ExportError:
        try:
            return _Looking(image, source, platforms)()
        except ExportError as error:
            return error

    found: list[Gathered] = []
    problems: list[str] = []
    for image, answer in zip(images, map_parallel(look, images), strict=True):
        if isinstance(answer, ExportError):
            problems += [f"{image.ref}: {line}" for line in answer.context]
        else:
            found.append(answer)
    if problems:
        hint = "fix the references, or choose other platforms with --platform or --all-platforms"
        raise ExportError(f"looking at {counted(len(images), 'image')}", context=sorted(problems), hint=hint)
    return tuple(found)


class _Looking:
    """Looks at one image."""

    def __init__(self, image: FoundImage, source: ImageSource, platforms: Sequence[str]) -> None:
        self._image, self._source, self._platforms = image, source, platforms
        self._ref = image.ref
        self._repository = Repository(image.ref.registry, image.ref.repository)
        self._manifests: dict[Digest, OciManifest] = {}
        self._configs: dict[Digest, bytes] = {}
        self._streamed: dict[Digest, tuple[Descriptor, BlobKind]] = {}
        self._attachments: list[Attachment] = []
        self._children: dict[Digest, OciManifest] = {}
        self._indexes: list[OciManifest] = []
        self._notices: list[str] = []

    def __call__(self) -> Gathered:
        """Return all that belongs to the image."""
        top = self._fetch(self._ref.digest or self._ref.tag)
        offered = self._offered(top)
        choice = choose_platforms([(one.digest, platform) for platform, one in offered], self._platforms)
        if choice.missing:
            there = ", ".join(sorted({platform or "an unnamed platform" for platform, _ in offered}))
            found = [f"it does not exist for {platform}; there is {there}" for platform in choice.missing]
            raise ExportError(f"looking at {self._ref}", context=found, hint=_HINT_REF)
        chosen = [(platform, self._child(top, one)) for platform, one in offered if one.digest in choice.chosen]
        is_whole = choice.is_whole or not top.is_index
        root = top if is_whole else chosen[0][1]
        for manifest in self._everything(top) if is_whole else [root]:
            self._add(manifest, BlobKind.LAYER)
        if not is_whole:
            self._name_versions(offered, choice.chosen)
        self._attach({root.digest, *(one.digest for _, one in chosen)})
        if choice.notice:
            self._notices.append(choice.notice)
        return self._gathered(root, chosen)

    def _everything(self, top: OciManifest) -> Iterator[OciManifest]:
        """Yield a manifest and all that it lists; what no platform needs may be gone."""
        yield top
        for entry in top.children:
            child = self._extra(entry) if entry.is_extra else self._child(top, entry)
            if child is not None:
                yield from self._everything(child)

    def _extra(self, entry: Descriptor) -> OciManifest | None:
        """Return what an index lists for no platform; None where it is gone."""
        if entry.digest not in self._children:
            found = self._source.manifest(self._repository, entry.digest)
            if found is None:
                said = f"lists {entry.digest}, an attestation or the like, which is gone; it is passed over"
                self._notices.append(said)
                return None
            self._children[entry.digest] = found
        return self._children[entry.digest]

    def _name_versions(self, offered: Sequence[tuple[str, Descriptor]], chosen: Sequence[Digest]) -> None:
        """Say which one travels where a platform is there for several versions of its system, as Windows is."""
        for platform, taken in offered:
            every = sorted({one.os_version for other, one in offered if other == platform and one.os_version})
            if taken.digest in chosen and len(every) > 1:
                versions = ", ".join(every)
                said = f"is there for {platform} of versions {versions}; {taken.os_version or 'one'} is carried"
                self._notices.append(f"{said}, --all-platforms carries all")

    def _gathered(self, root: OciManifest, chosen: Sequence[tuple[str, OciManifest]]) -> Gathered:
        locked = LockedImage(
            ref=self._ref,
            digest=root.digest,
            media_type=root.media_type,
            platforms=tuple(sorted({platform for platform, _ in chosen if platform})),
            size=self._size(),
            used_by=tuple(sorted({use.where for use in self._image.uses})),
        )
        return Gathered(
            image=CarriedImage(locked=locked, root=root.digest),
            repository=self._repository,
            manifests=tuple(self._manifests.values()),
            configs=self._configs,
            blobs=tuple(self._streamed.values()),
            platforms=tuple(
                PlatformImage(ref=self._ref, manifest=one, platform=platform, labels=labels_of(self._config(one)))
                for platform, one in chosen
            ),
            attachments=tuple(sorted(set(self._attachments))),
            notices=tuple(f"{self._ref} {notice}" for notice in dict.fromkeys(self._notices)),
        )

    def _offered(self, top: OciManifest) -> list[tuple[str, Descriptor]]:
        """Return platform and manifest of each image that an index lists; remember the indexes."""

        def child(entry: Descriptor) -> OciManifest:
            found = self._child(top, entry)
            self._indexes += [found] if found.is_index else []
            return found

        self._indexes += [top] if top.is_index else []
        try:
            return offered_platforms(top, child, lambda manifest: platform_of(self._config(manifest)))
        except TooDeepError as error:
            found = f"its indexes list each other more than {MAX_INDEX_DEPTH} deep"
            raise ExportError(f"looking at {self._ref}", context=[found], hint="publish it with one index") from error

    def _child(self, top: OciManifest, entry: Descriptor) -> OciManifest:
        """Return a manifest that an index lists; each is fetched once, and only where it is needed: hubs count."""
        if entry.digest == top.digest:
            return top
        if entry.digest not in self._children:
            self._children[entry.digest] = self._fetch(entry.digest)
        return self._children[entry.digest]

    def _fetch(self, reference: str) -> OciManifest:
        manifest = self._source.manifest(self._repository, reference)
        if manifest is None:
            raise ExportError(f"looking at {self._ref}", context=[f"there is no {reference}"], hint=_HINT_REF)
        if not manifest.is_index and manifest.media_type not in MANIFEST_TYPES:
            found = f"{reference} is of type {manifest.media_type or 'unknown'}, which cannot be carried"
            raise ExportError(f"looking at {self._ref}", context=[found], hint="publish it as an OCI image")
        return manifest

    def _add(self, manifest: OciManifest, kind: BlobKind) -> None:
        """Take a manifest with everything below it."""
        self._manifests[manifest.digest] = manifest
        if manifest.config is not None:
            self._config(manifest)
        kept = {digest for digest, _ in references(manifest.content)}
        for layer in manifest.layers:
            # The others are to be had from their maker alone (``urls``), as Windows base layers are.
            if layer.digest in kept:
                self._streamed.setdefault(layer.digest, (layer, kind))

    def _config(self, manifest: OciManifest) -> Body:
        """Return a manifest's config; nothing where it is not JSON."""
        config = manifest.config
        if config is None:
            return {}
        if config.digest not in self._configs:
            if config.size > MAX_CONFIG_BYTES:
                found = f"its config has {config.size} bytes, and {MAX_CONFIG_BYTES} are the limit"
                raise ExportError(f"looking at {self._ref}", context=[found], hint="publish it as an OCI image")
            self._configs[config.digest] = b"".join(self._source.blob(self._repository, config))
        try:
            body = json.loads(self._configs[config.digest])
        except (ValueError, RecursionError):
            return {}
        return body if is_mapping(body) else {}

    def _attach(self, carried: set[Digest]) -> None:
        """Take along the SBOMs that are attached to what is carried: by referrers, cosign's tag, BuildKit's entries."""
        for digest in sorted(carried):
            try:
                self._attach_referrers(digest)
            except (
                RegistryLoginError,
                RegistryForbiddenError,
                RegistryRejectedError,
                RegistryUnavailableError,
            ) as error:
                # Many networks reach a mirror and nothing else. In an outage, another run may find more.
                if isinstance(error, RegistryUnavailableError) and not error.is_mirrored:
                    raise
                said = error.context[0] if error.context else str(error)
                self._notices.append(f"is carried without what may be attached to it: {said}")
        for entry in (one for index in self._indexes for one in index.children):
            image = Digest(entry.annotations.get(ATTESTED, ""))
            attested = self._extra(entry) if image in carried else None
            kinds = [layer.annotations.get(_PREDICATE, "") for layer in attested.layers] if attested else []
            told = next(filter(_SBOM_TYPES.search, kinds), "")
            if attested is not None and told:
                self._attach_one(image, attested, told)

    def _attach_referrers(self, digest: Digest) -> None:
        for found in self._source.referrers(self._repository, digest):
            if _SBOM_TYPES.search(f"{found.artifact_type} {found.media_type}"):
                self._attach_one(digest, self._fetch(found.digest), found.artifact_type)
        tagged = self._source.manifest(self._repository, f"{digest.replace(':', '-')}.sbom")
        if tagged is not None:
            self._attach_one(digest, tagged, "")

    def _attach_one(self, image: Digest, manifest: OciManifest, artifact_type: str) -> None:
        layers = manifest.layers
        media_type = artifact_type or (layers[0].media_type if layers else manifest.media_type)
        self._add(manifest, BlobKind.ATTACHMENT)
        self._attachments.append(Attachment(image=image, media_type=media_type, digest=manifest.digest))

    def _size(self) -> int:
        fixed = [len(one.content) for one in self._manifests.values()] + [len(one) for one in self._configs.values()]
        return sum(fixed) + sum(one.size for one, _ in self._streamed.values())


def blobs_of(gathered: Sequence[Gathered], *, in_base: set[Digest]) -> list[Blob]:
    """Return the blobs of all images, each once.

    Raises:
        ExportError: when two manifests disagree about the size of a blob.
    """
    sizes: dict[Digest, Blob] = {}
    wrong: list[str] = []

    def take(digest: Digest, size: int, kind: BlobKind) -> None:
        is_elsewhere = kind is BlobKind.LAYER and digest in in_base
        known = sizes.setdefault(digest, Blob(digest=digest, size=size, kind=kind, in_base=is_elsewhere))
        if known.size != size:
            wrong.append(f"{digest} has {known.size} bytes in one manifest and {size} in another")

    for image in gathered:
        for manifest in image.manifests:
            take(manifest.digest, len(manifest.content), BlobKind.MANIFEST)
        for digest, content in image.configs.items():
            take(digest, len(content), BlobKind.CONFIG)
        for descriptor, kind in image.blobs:
            take(descriptor.digest, descriptor.size, kind)
    if wrong:
        hint = "ask their publisher to publish them again"
        raise ExportError("putting images together", context=sorted(set(wrong)), hint=hint)
    return list(sizes.values())
