"""Read the base of an image: which platforms it is there for, what each of them says, what its layers hold.

Layer: actions.

Nothing of a base is believed: configurations are bounded and checked, layers are only read in processes of their own,
and every byte is compared with its digest. A layer that is far away comes once: into the layout that is written, or
into a temporary one on its way to a registry of another host. Where it only has to be mounted, it is read and not kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.actions.delivery.platforms import (
    MAX_CONFIG_BYTES,
    MAX_INDEX_DEPTH,
    TooDeepError,
    best_match,
    offered_platforms,
)
from bundler.concurrency import map_parallel
from bundler.delivery.check import references
from bundler.errors import InterruptedRunError
from bundler.errors.delivery import ImageBuildError
from bundler.images.config import config_problems, empty_config, is_plain_json
from bundler.isolation.child import ChildStoppedError
from bundler.model.digest import Digest
from bundler.model.events import Acquired, BytesMoved
from bundler.model.json import Body, JSONValue, is_mapping, items_at, text_at
from bundler.model.lean import dataclass
from bundler.model.oci import DEFAULT_PLATFORM, MANIFEST_TYPES, OCI_LAYER, OCI_LAYER_GZIP, Repository, platform_of

if TYPE_CHECKING:
    from bundler.delivery.layout_target import LayoutTarget
    from bundler.model.oci import BlobSource, Descriptor, OciManifest
    from bundler.ports import ImageSource, Reporter
    from bundler.sbom.layer import LayerContent
    from bundler.sbom.layer_scan import LayerScans

_LAYER_TYPES: Final = {
    "application/vnd.docker.image.rootfs.diff.tar": OCI_LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": OCI_LAYER_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{OCI_LAYER}+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}
"""Docker's types, as OCI calls them."""
_HINT: Final = "choose another base, or ask its publisher to publish it again"
_OCI_LAYERS: Final = "application/vnd.oci.image.layer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where the base of an image is."""

    source: ImageSource
    repository: Repository
    reference: str
    """Tag or digest."""
    shown: str
    """As the user knows it."""
    is_near: bool = False
    """It is on a disk of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformBase:
    """The base for one platform."""

    platform: str
    config: Body
    digest: str = ""
    """Of its manifest; empty where it is nothing."""
    layers: tuple[Descriptor, ...] = ()
    layer_items: tuple[Body, ...] = ()
    """The same as they are in a manifest, with OCI's media types."""


def read_base(base: Base | None, wanted: Sequence[str], report: Reporter) -> tuple[PlatformBase, ...]:
    """Return the base for each platform, sorted.

    Args:
        base: where it is; None: nothing.
        wanted: ``os/arch``; none: the only one, else ``linux/amd64``.
        report: receives which image was taken.

    Raises:
        ImageBuildError: when there is no such image, or not for these platforms, or it cannot be built on.
        RegistryError, ExportError: when it cannot be read.
    """
    if base is None:
        names = sorted(set(wanted)) or [DEFAULT_PLATFORM]
        return tuple(PlatformBase(platform=name, config=empty_config(name)) for name in names)
    return _Reader(base).read(wanted, report)


class _Reader:
    def __init__(self, base: Base) -> None:
        self._base = base
        self._manifests: dict[Digest, OciManifest] = {}
        self._configs: dict[Digest, JSONValue] = {}

    def read(self, wanted: Sequence[str], report: Reporter) -> tuple[PlatformBase, ...]:
        top = self._manifest(self._base.reference)
        report(Acquired(f"base {self._base.shown}, {top.digest}"))
        try:
            offered = offered_platforms(top, lambda entry: self._manifest(entry.digest), self._platform)
        except TooDeepError as error:
            raise self._error(f"its indexes list each other more than {MAX_INDEX_DEPTH} deep") from error
        chosen = self._chosen([(entry.digest, platform) for platform, entry in offered], wanted)
        said = {entry.digest: platform for platform, entry in offered}
        found = (self._platform_base(self._manifest(digest), said[digest]) for digest in dict.fromkeys(chosen))
        return tuple(sorted(found, key=lambda one: one.platform))

    def _platform(self, manifest: OciManifest) -> str:
        """Return the platform of a manifest, of its configuration."""
        config = self._config(manifest)
        return platform_of(config) if is_mapping(config) else ""

    def _chosen(self, offered: Sequence[tuple[Digest, str]], wanted: Sequence[str]) -> list[Digest]:
        if not wanted and len(offered) == 1:
            return [offered[0][0]]
        found = {platform: best_match(offered, platform) for platform in wanted or [DEFAULT_PLATFORM]}
        missing = [platform for platform, digest in found.items() if digest is None]
        if missing:
            there = ", ".join(sorted({platform or "an unnamed platform" for _, platform in offered})) or "none"
            lines = [f"it does not exist for {platform}; there is {there}" for platform in missing]
            raise self._error(*lines, hint="choose among these with --platform, or another base")
        return [digest for digest in found.values() if digest is not None]

    def _manifest(self, reference: str) -> OciManifest:
        known = self._manifests.get(Digest(reference))
        if known is not None:
            return known
        manifest = self._base.source.manifest(self._base.repository, reference)
        if manifest is None:
            hint = "check the name, and that this machine may read it (`bundler login`)"
            raise self._error(f"there is no {reference}", hint=hint)
        if not manifest.is_index and manifest.media_type not in MANIFEST_TYPES:
            found = f"{reference} is of type {manifest.media_type or 'unknown'}, which is not a container image"
            raise self._error(found, hint="name an OCI image, or one of Docker's newer format")
        self._manifests[manifest.digest] = manifest
        return manifest

    def _config(self, manifest: OciManifest) -> JSONValue:
        """Return the configuration of an image; None where it is not JSON."""
        config = manifest.config
        if config is None:
            raise self._error(f"{manifest.digest} has no configuration")
        if config.digest not in self._configs:
            if not 0 <= config.size <= MAX_CONFIG_BYTES:
                raise self._error(f"its configuration has {config.size} bytes, and {MAX_CONFIG_BYTES} are the limit")
            content = b"".join(self._base.source.blob(self._base.repository, config))
            try:
                self._configs[config.digest] = json.loads(content)
            except (ValueError, RecursionError):
                self._configs[config.digest] = None
        return self._configs[config.digest]

    def _platform_base(self, manifest: OciManifest, said: str) -> PlatformBase:
        config = self._config(manifest)
        items = [_as_oci(item) for item in items_at(manifest.body, "layers")]
        problems = config_problems(config, layers=len(items))
        strange = {kind for item in items if not (kind := text_at(item, "mediaType")).startswith(_OCI_LAYERS)}
        problems += [f"a layer is of type {kind or 'unknown'}, which no container engine unpacks" for kind in strange]
        problems += [] if is_plain_json(items) else ["its manifest holds what JSON cannot"]
        platform, own = self._platform(manifest), {digest for digest, _ in references(manifest.content)}
        if not problems and said and said.split("/")[:2] != platform.split("/")[:2]:
            problems.append(f"its index lists it for {said}, its configuration says {platform}")
        if problems or not is_mapping(config):
            raise self._error(*problems)
        return PlatformBase(
            platform=platform,
            config=config,
            digest=manifest.digest,
            # The others are to be had from their maker alone (`urls`), as Windows base layers are.
            layers=tuple(layer for layer in manifest.layers if layer.digest in own),
            layer_items=tuple(items),
        )

    def _error(self, *found: str, hint: str = _HINT) -> ImageBuildError:
        return ImageBuildError(f"reading the base {self._base.shown}", context=sorted(found), hint=hint)


def _as_oci(item: Body) -> Body:
    kind = text_at(item, "mediaType")
    return {**item, "mediaType": _LAYER_TYPES[kind]} if kind in _LAYER_TYPES else item


_AT_ONCE: Final = 4


class BaseLayers:
    """The layers of one base; what is kept of them on the way is gone when it is closed."""

    def __init__(
        self, base: Base, stage: LayoutTarget | None, *, report: Reporter, is_stopped: Callable[[], bool]
    ) -> None:
        """Read nothing yet.

        Args:
            base: where they are.
            stage: the layout that they come into; None: they are read where they are.
            report: receives progress.
            is_stopped: asked between pieces; True ends the run.
        """
        self._base, self._stage = base, stage
        self._report, self._is_stopped = report, is_stopped
        self._lock = threading.Lock()
        self._done = self._total = 0

    def look_into(self, layers: Sequence[Descriptor], scans: LayerScans) -> dict[Digest, LayerContent]:
        """Return what each layer holds.

        Args:
            layers: of all platforms; one that is there twice is read once.
            scans: reads them, in processes of their own.

        Raises:
            ContentMismatchError: when one is not what its digest says.
            RegistryError, ExportError: when one cannot be read.
            InterruptedRunError: when the run was asked to stop.
        """
        unique = list({layer.digest: layer for layer in layers}.values())
        self._total = sum(layer.size for layer in unique)
        found = map_parallel(lambda layer: self._look(layer, scans), unique, at_once=_AT_ONCE)
        return {layer.digest: content for layer, content in zip(unique, found, strict=True)}

    def source(self, layer: Descriptor) -> BlobSource:
        """Return a source of a layer, for the registry that it goes to."""

        def pieces(offset: int) -> Iterator[bytes]:
            at = 0
            for piece in self._near(layer):
                if at + len(piece) > offset:
                    yield piece[max(offset - at, 0) :]
                at += len(piece)

        return pieces

    def mount_from(self, repository: Repository) -> str:
        """Return the repository that a registry may mount layers from; empty where it is on another host."""
        base = self._base.repository
        return base.name if base.host == repository.host and base != repository else ""

    def _look(self, layer: Descriptor, scans: LayerScans) -> LayerContent:
        if self._stage is not None:
            self._stage.put_blob(self._base.repository, layer, lambda _: self._counted(self._far(layer)))
        pieces = self._near(layer) if self._stage is not None else self._counted(self._far(layer))
        try:
            return scans.read(pieces, layer.size, is_stopped=self._is_stopped)
        except ChildStoppedError as error:
            raise _interruption() from error

    def _near(self, layer: Descriptor) -> Iterator[bytes]:
        return self._far(layer) if self._stage is None else self._stage.blob(self._base.repository, layer)

    def _far(self, layer: Descriptor) -> Iterator[bytes]:
        return self._base.source.blob(self._base.repository, layer)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._is_stopped():
                raise _interruption()
            yield piece
            with self._lock:
                self._done += len(piece)
                done = self._done
            self._report(BytesMoved("reading the base", done, self._total))


def _interruption() -> InterruptedRunError:
    found = "nothing was named by the tag"
    return InterruptedRunError("making the image", context=[found], hint="run the same command again")
