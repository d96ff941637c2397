"""Put an image together: configuration, manifest, index, and what is attached. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.errors.delivery import ImageBuildError
from bundler.images.config import make_config, platform_json
from bundler.model.digest import digest_of
from bundler.model.image_build import AddedFiles, BuiltLayer, EntryKind, ImageBuild, Placed
from bundler.model.json import Body, JSONValue, canonical_json, strings_at
from bundler.model.lean import dataclass
from bundler.model.oci import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST, Descriptor, OciManifest, platform_of
from bundler.model.size import first_of

if TYPE_CHECKING:
    from bundler.actions.delivery.base_image import PlatformBase
    from bundler.archive.image_layer import PackedLayer

_BASE_DIGEST = "org.opencontainers.image.base.digest"
"""Source: OCI image-spec v1.1, annotations.md."""
_MAX_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """The image of one platform."""

    base: PlatformBase
    config: Body
    config_bytes: bytes
    manifest: OciManifest
    packed: PackedLayer | None
    """What is added; None where it is the configuration alone."""

    @property
    def platform(self) -> str:
        """The platform, of the configuration."""
        return platform_of(self.config)

    @property
    def config_blob(self) -> Descriptor:
        """The configuration as a blob."""
        return _described(self.config_bytes, OCI_CONFIG)

    @property
    def layer(self) -> Descriptor | None:
        """What is added, as a blob."""
        return layer_blob(self.packed) if self.packed else None

    @property
    def layers(self) -> tuple[BuiltLayer, ...]:
        """All layers, the lowest first."""
        diff_ids = list(strings_at(self.config, "rootfs", "diff_ids"))
        return tuple(
            BuiltLayer(
                digest=layer.digest,
                diff_id=diff_id,
                size=layer.size,
                is_added=self.packed is not None and number == len(diff_ids) - 1,
            )
            for number, (layer, diff_id) in enumerate(zip(self.manifest.layers, diff_ids, strict=True))
        )


def make_image(request: ImageBuild, base: PlatformBase, packed: PackedLayer | None) -> NewImage:
    """Return the image of one platform.

    Args:
        request: what it is made of.
        base: what it is built on.
        packed: what is added; None for nothing.

    Raises:
        ImageBuildError: when the time that it should say is none.
    """
    try:
        config = make_config(
            base.config, request.settings, diff_id=packed.diff_id if packed else "", time_s=request.time_s
        )
    except ValueError as error:
        hint = "set SOURCE_DATE_EPOCH to seconds since 1970, or unset it"
        raise ImageBuildError("making the image", context=[str(error)], hint=hint) from error
    content = canonical_json(config)
    layers: list[JSONValue] = [*base.layer_items, *([layer_blob(packed).to_json()] if packed else [])]
    body: dict[str, JSONValue] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _described(content, OCI_CONFIG).to_json(),
        "layers": layers,
        **({"annotations": {_BASE_DIGEST: base.digest}} if base.digest else {}),
    }
    return NewImage(
        base=base,
        config=config,
        config_bytes=content,
        manifest=OciManifest.of(canonical_json(body), OCI_MANIFEST),
        packed=packed,
    )


def make_index(images: Sequence[NewImage]) -> OciManifest:
    """Return what stands for all platforms: an index, or the manifest of the only one."""
    if len(images) == 1:
        return images[0].manifest
    entries: list[JSONValue] = [
        {**image.manifest.descriptor.to_json(), "platform": platform_json(image.config)} for image in images
    ]
    body: dict[str, JSONValue] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return OciManifest.of(canonical_json(body), OCI_INDEX)


def layer_blob(packed: PackedLayer) -> Descriptor:
    """Return what is added, as a blob."""
    return Descriptor(digest=packed.digest, size=packed.size, media_type=OCI_LAYER_GZIP)


def refuse_masking(added: AddedFiles, found: Iterable[tuple[str, Mapping[str, Placed]]]) -> None:
    """Refuse what would hide something of the base that is not a file: a link to a folder, say, with all behind it.

    Args:
        added: what is added.
        found: for each platform what the base has at these paths.

    Raises:
        ImageBuildError: with every such path, and where it should go.
    """
    problems = [f"{platform}: {line}" for platform, places in found for line in _masked(added, places)]
    if problems:
        hint = "add it at another path: the one that the link leads to, where it is a link"
        context = first_of(sorted(set(problems)), _MAX_NAMED)
        raise ImageBuildError("comparing what is added with the base", context=context, hint=hint)


def _masked(added: AddedFiles, places: Mapping[str, Placed]) -> Iterator[str]:
    for entry in added.entries:
        known = places.get(entry.path)
        is_folder = entry.kind is EntryKind.FOLDER
        if known is None or is_folder == (known.kind is EntryKind.FOLDER):
            continue
        if not is_folder:
            yield f"/{entry.path} is a folder of the base, and a {entry.kind} is added in its place"
        elif known.kind is EntryKind.LINK:
            yield f"/{entry.path} is a link to {known.target} in the base, and something is added below it"
        else:
            yield f"/{entry.path} is a file of the base, and something is added below it"


def _described(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(digest=digest_of(content), size=len(content), media_type=media_type)
