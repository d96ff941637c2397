"""What an image is made of, and what came of making it. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bundler.model.image import TAG, ImageRef
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.digest import Digest

SCRATCH: Final = "scratch"
"""The base that has nothing in it."""
LAYOUT_SCHEME: Final = "oci:"
"""Of an OCI layout, as skopeo writes it: ``oci:DIR``, ``oci:DIR:NAME``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlace:
    """Where an image is read from or written to: a registry, or an OCI layout in a folder."""

    ref: ImageRef | None = None
    """In a registry; None for a layout."""
    folder: str = ""
    """Of a layout."""
    name: str = ""
    """Of the image in a layout; empty where it has none, or is the only one."""

    def __str__(self) -> str:
        if self.ref is not None:
            return str(self.ref)
        return f"{LAYOUT_SCHEME}{self.folder}{f':{self.name}' if self.name else ''}"

    @classmethod
    def parse(cls, text: str) -> ImagePlace:
        """Read a place as it is typed.

        Raises:
            ValueError: when it is none.
        """
        scheme, sign, rest = text.partition("://")
        if sign:
            raise ValueError(f"leave {scheme}:// out: an image in a registry is {rest}, one in a folder oci:DIR")
        if not text.startswith(LAYOUT_SCHEME):
            return cls(ref=ImageRef.parse(text))
        folder, colon, name = text.removeprefix(LAYOUT_SCHEME).partition(":")
        if not folder or (colon and not TAG.fullmatch(name) and ImageRef.of(name) is None):
            raise ValueError(f"{text!r} is not an OCI layout like oci:DIR or oci:DIR:registry.example/app:1.0")
        return cls(folder=folder, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A file or folder of this machine, and where it goes in the image."""

    source: Path
    target: str
    """Absolute path in the image; for a file one that ends in ``/`` is the folder that it goes into."""


class EntryKind(StrEnum):
    """What an entry of a layer is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerEntry:
    """One entry of the layer that is made."""

    path: str
    """From the root of the image, without a slash in front: ``app/main.py``."""
    kind: EntryKind
    size: int = 0
    is_executable: bool = False
    target: str = ""
    """Of a link, as it is written."""
    origin: Path | None = None
    """The file on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What the base has at a path."""

    kind: EntryKind
    mode: int = 0
    uid: int = 0
    gid: int = 0
    target: str = ""
    """Of a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFiles:
    """Everything that is added, by path."""

    entries: tuple[LayerEntry, ...] = ()
    left_out: int = 0
    """Files and folders that are ignored."""

    @property
    def files(self) -> int:
        """How many files and links there are."""
        return sum(entry.kind is not EntryKind.FOLDER for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns what is added."""

    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """What the configuration of the image says, on top of its base. None: as the base has it."""

    entrypoint: tuple[str, ...] | None = None
    """The base's command goes with it, unless ``command`` is set too."""
    command: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    user: str | None = None
    """``1000``, ``1000:1000`` or a name."""
    workdir: str | None = None
    ports: tuple[str, ...] = ()
    """``8080/tcp``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """An image to be made."""

    base: ImagePlace | None
    """None: nothing."""
    to: ImagePlace
    additions: tuple[Addition, ...] = ()
    settings: ImageSettings = ImageSettings()
    platforms: tuple[str, ...] = ()
    """Empty: the base's only one, else ``linux/amd64``."""
    owner: Owner = Owner()
    time_s: int = 0
    """Seconds since 1970 that everything made here carries."""
    sbom_file: Path | None = None
    """Where the SBOM is written; None: it is attached to the image."""
    is_forced: bool = False
    """A tag that names another image in a registry names this one from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLayer:
    """One layer of what was made."""

    digest: Digest
    diff_id: str
    size: int
    """Bytes, packed."""
    is_added: bool
    """It is not of the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPlatform:
    """The image of one platform."""

    platform: str
    digest: Digest
    config: Digest
    base: str
    """Digest of the base's manifest; empty for an image from nothing."""
    layers: tuple[BuiltLayer, ...]
    packages: int
    """How many packages the SBOM names."""
    sbom: str = ""
    """Digest of the manifest that attaches it; empty where it is in a file."""

    @property
    def size(self) -> int:
        """Bytes of all layers, packed."""
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """What was made."""

    place: ImagePlace
    digest: Digest
    """Of the index, or of the manifest where there is one platform."""
    media_type: str
    platforms: tuple[BuiltPlatform, ...]
    added: AddedFiles
    sent_bytes: int
    """Bytes that went to the registry, or into the layout."""
    was_there: bool
    """The same image was there under that name already."""
