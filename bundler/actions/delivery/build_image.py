"""Make an image from a base and files of this machine, without an engine. Layer: actions.

Layers of the base are never unpacked: they go from place to place byte by byte, and are looked through in processes of
their own for packages and for the folders that something is added to. The same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bundler.actions.delivery.base_image import Base, BaseLayers, PlatformBase, read_base
from bundler.actions.delivery.image_target import Part, Shipping, Target
from bundler.actions.delivery.new_image import NewImage, make_image, make_index, refuse_masking
from bundler.archive.image_layer import PackedLayer
from bundler.delivery.layout_target import LayoutTarget
from bundler.errors.delivery import ImageBuildError, ImageTagTakenError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.images.config import labels_of
from bundler.loader.added_tree import read_additions
from bundler.model.digest import Digest, digest_of
from bundler.model.events import Notice, Warned
from bundler.model.image_build import AddedFiles, BuiltImage, BuiltPlatform, EntryKind, ImageBuild, Placed
from bundler.model.oci import CYCLONEDX, EMPTY_BLOB, EMPTY_CONTENT, Descriptor, artifact_manifest, bytes_source
from bundler.sbom.cyclonedx import make_image_sbom
from bundler.sbom.image import ImageContent, installed, placed
from bundler.sbom.layer_scan import LayerScans

if TYPE_CHECKING:
    from bundler.model.oci import OciManifest
    from bundler.ports import Reporter
    from bundler.sbom.layer import LayerContent


def build_image(
    request: ImageBuild,
    base: Base | None,
    target: Target,
    *,
    report: Reporter,
    is_stopped: Callable[[], bool] = lambda: False,
) -> BuiltImage:
    """Make an image and store it; its name comes last, so that whatever has the name is whole.

    Args:
        request: what it is made of.
        base: what it is built on; None: nothing.
        target: where it goes.
        report: receives progress and warnings.
        is_stopped: asked between steps; True ends the run.

    Raises:
        ImageBuildError: when the base or what is added cannot be used.
        ImageTagTakenError: when the tag names another image in the registry; no tag was changed.
        RegistryError, ExportError: when the base cannot be read, or the registry does not take the image.
        InterruptedRunError: when the run was asked to stop.
    """
    added = read_additions(request.additions)
    bases = read_base(base, request.platforms, report)
    if base is None and not added.entries:
        hint = "add something: --add ./src:/app"
        raise ImageBuildError("making the image", context=["nothing is added to an empty base"], hint=hint)
    with ExitStack() as stack:
        layers = None
        if base is not None:
            layers = BaseLayers(base, _stage(base, target, stack), report=report, is_stopped=is_stopped)
        places = frozenset(entry.path for entry in added.entries)
        scans = stack.enter_context(LayerScans(are_wanted=True, places=places))
        builder = _Builder(request, added, target, layers, report)
        return builder.build(bases, scans, stack)


def _stage(base: Base, target: Target, stack: ExitStack) -> LayoutTarget | None:
    """Return where layers of the base are kept on their way; None where they are read where they are."""
    if base.is_near or base.repository.host == target.repository.host:
        return None
    if target.layout is not None:
        return target.layout
    return stack.enter_context(LayoutTarget(Path(stack.enter_context(TemporaryDirectory(prefix="bundler-")))))


class _Builder:
    def __init__(
        self, request: ImageBuild, added: AddedFiles, target: Target, layers: BaseLayers | None, report: Reporter
    ) -> None:
        self._request, self._added, self._target = request, added, target
        self._layers, self._report = layers, report
        self._shipping = Shipping(target, report)

    def build(self, bases: Sequence[PlatformBase], scans: LayerScans, stack: ExitStack) -> BuiltImage:
        """Make the image of each platform and store them all."""
        every = [layer for base in bases for layer in base.layers]
        contents = self._layers.look_into(every, scans) if self._layers else {}
        self._warn(contents)
        places = [placed(_contents(base, contents)) for base in bases]
        refuse_masking(self._added, zip((base.platform for base in bases), places, strict=True))
        packing = _Packing(self._request, self._added, scans, stack)
        images = [
            make_image(self._request, base, packing.layer(found)) for base, found in zip(bases, places, strict=True)
        ]
        described = [self._content(image, contents, packing) for image in images]
        return self._stored(images, described)

    def _warn(self, contents: Mapping[Digest, LayerContent]) -> None:
        for digest, content in contents.items():
            if content.problem:
                said = f"a layer of the base cannot be read to its end ({content.problem}): {digest}"
                self._report(Warned(f"{said}; the SBOM lacks what it holds"))
        user = self._request.settings.user
        if user and not user.split(":")[0].isdecimal():
            said = f"the image runs as {user}; where pods have to say runAsNonRoot, Kubernetes takes a number only"
            self._report(Notice(said))

    def _content(self, image: NewImage, contents: Mapping[Digest, LayerContent], packing: _Packing) -> ImageContent:
        """Return what the SBOM says of an image."""
        own = [packing.content(image.packed)] if image.packed else []
        packages, distribution, problems = installed([*_contents(image.base, contents), *own])
        return ImageContent(
            ref=self._target.ref,
            digest=image.manifest.digest,
            platform=image.platform,
            labels=labels_of(image.config),
            packages=packages,
            distribution=distribution,
            problems=problems,
        )

    def _stored(self, images: Sequence[NewImage], described: Sequence[ImageContent]) -> BuiltImage:
        root = make_index(images)
        was_there = self._is_there(root)
        self._shipping.put(part for image in images for part in self._parts(image))
        for image in images:
            self._shipping.name(image.manifest)
        attached = self._describe(root, images, described)
        self._shipping.name(root, tag=self._target.tag)
        return BuiltImage(
            place=self._request.to,
            digest=root.digest,
            media_type=root.media_type,
            platforms=tuple(
                BuiltPlatform(
                    platform=image.platform,
                    digest=image.manifest.digest,
                    config=image.config_blob.digest,
                    base=image.base.digest,
                    layers=image.layers,
                    packages=len(content.packages),
                    sbom=attached.get(image.manifest.digest, ""),
                )
                for image, content in zip(images, described, strict=True)
            ),
            added=self._added,
            sent_bytes=self._shipping.sent_bytes,
            was_there=was_there,
        )

    def _is_there(self, root: OciManifest) -> bool:
        """Return whether the tag names this image already.

        Raises:
            ImageTagTakenError: when it names another one.
        """
        target = self._target
        known = target.store.head_manifest(target.repository, target.tag)
        if known is not None and known.digest != root.digest and not self._request.is_forced and not target.layout:
            raise ImageTagTakenError(
                f"storing the image {target.ref}",
                context=[f"the tag names {known.digest}", f"this image is {root.digest}"],
                hint="choose a new tag, so that what runs stays what it is, or pass --force to move this one",
            )
        return known is not None and known.digest == root.digest

    def _parts(self, image: NewImage) -> Iterator[Part]:
        if self._layers is not None:
            mount_from = self._layers.mount_from(self._target.repository)
            for layer in image.base.layers:
                yield Part(blob=layer, source=self._layers.source(layer), mount_from=mount_from)
        if image.packed is not None and image.layer is not None:
            yield Part(blob=image.layer, source=image.packed.read)
        yield Part(blob=image.config_blob, source=bytes_source(image.config_bytes))

    def _describe(
        self, root: OciManifest, images: Sequence[NewImage], described: Sequence[ImageContent]
    ) -> dict[Digest, Digest]:
        """Attach an SBOM to the image of each platform, or write one of them all to a file."""
        hashes = [image.packed.hashes if image.packed else {} for image in images]
        if self._request.sbom_file is not None:
            whole = ImageContent(ref=self._target.ref, digest=root.digest, platform="")
            top = described[0] if len(images) == 1 else whole
            _write(self._request.sbom_file, make_image_sbom(top, described, hashes[0]))
            return {}
        attached: dict[Digest, Digest] = {}
        for image, content, hashed in zip(images, described, hashes, strict=True):
            sbom = make_image_sbom(content, [content], hashed)
            layer = Descriptor(digest=digest_of(sbom), size=len(sbom), media_type=CYCLONEDX)
            manifest = artifact_manifest(CYCLONEDX, layer, subject=image.manifest)
            empty = Part(blob=EMPTY_BLOB, source=bytes_source(EMPTY_CONTENT))
            self._shipping.put([empty, Part(blob=layer, source=bytes_source(sbom))])
            self._shipping.name(manifest)
            attached[image.manifest.digest] = manifest.digest
        return attached


class _Packing:
    """Packs what is added: once for all platforms, unless folders of their bases differ."""

    def __init__(self, request: ImageBuild, added: AddedFiles, scans: LayerScans, stack: ExitStack) -> None:
        self._request, self._added, self._scans, self._stack = request, added, scans, stack
        self._packed: list[tuple[dict[str, Placed], PackedLayer]] = []
        self._contents: dict[Digest, LayerContent] = {}

    def layer(self, places: Mapping[str, Placed]) -> PackedLayer | None:
        """Return what is added as a layer on a base that has these places; None where nothing is added."""
        if not self._added.entries:
            return None
        folders = {path: place for path, place in places.items() if place.kind is EntryKind.FOLDER}
        known = next((packed for of, packed in self._packed if of == folders), None)
        if known is None:
            owner, mtime = self._request.owner, self._request.time_s
            packed = PackedLayer(self._added.entries, owner=owner, folders=folders, mtime=mtime)
            known = self._stack.enter_context(packed)
            self._packed.append((folders, known))
        return known

    def content(self, packed: PackedLayer) -> LayerContent:
        """Return what a layer of ours holds: packages may be among what is added."""
        if packed.digest not in self._contents:
            content = self._scans.read(packed.read(0), packed.size, is_stopped=lambda: False)
            self._contents[packed.digest] = content
        return self._contents[packed.digest]


def _contents(base: PlatformBase, contents: Mapping[Digest, LayerContent]) -> list[LayerContent]:
    return [contents[layer.digest] for layer in base.layers]


def _write(path: Path, sbom: bytes) -> None:
    try:
        write_whole(path, sbom)
    except OSError as error:
        found = [f"{path}: {error.strerror or error}"]
        hint = hint_to_write(error, "choose a file in a folder that you can write to")
        raise ImageBuildError("writing the SBOM", context=found, hint=hint) from error
