"""Container images and where they are said. Layer: model, pure."""

from __future__ import annotations

from typing import Final

from bundler.model.digest import Digest, is_digest
from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_OLD_DEFAULT_REGISTRY = "index.docker.io"
_MAX_NAME_CHARS = 255
_MAX_PORT = 65_535
_ID = LazyPattern(r"[a-f0-9]{64}")
"""What engines take for the identifier of an image."""

REPOSITORY: Final = LazyPattern(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
"""Source: OCI distribution specification 1.1, "Pulling manifests", as are tags."""
HOST: Final = LazyPattern(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
    r"(?::[0-9]{1,5})?"
)
"""Source: github.com/distribution/reference, ``domain`` in the grammar of the package comment."""
TAG: Final = LazyPattern(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class ImageRef:
    """A full image reference; short names are completed as container engines do (Docker's ``docker.io/library``).

    Source: github.com/distribution/reference, grammar in the package comment.
    """

    registry: str
    """Host, with a port where there is one."""
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def name(self) -> str:
        """``docker.io/library/nginx``."""
        return f"{self.registry}/{self.repository}"

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Read a reference as it may be in a pod.

        Raises:
            ValueError: when it is none.
        """
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
        registry, path = (first, rest) if has_registry else (DEFAULT_REGISTRY, name)
        registry = DEFAULT_REGISTRY if registry == _OLD_DEFAULT_REGISTRY else registry
        repository, _, tag = path.partition(":")
        if registry == DEFAULT_REGISTRY and "/" not in repository:
            repository = f"library/{repository}"
        is_name = REPOSITORY.fullmatch(repository) and len(repository) <= _MAX_NAME_CHARS and not _ID.fullmatch(name)
        is_good = is_name and HOST.fullmatch(registry) and _is_host(registry) and (not tag or TAG.fullmatch(tag))
        if not is_good or ("@" in text and not is_digest(digest)) or (":" in path and not tag):
            raise ValueError(f"{text!r} is not an image reference")
        return cls(registry, repository, tag or ("" if digest else DEFAULT_TAG), digest)

    @classmethod
    def of(cls, text: str) -> ImageRef | None:
        """Return the image that a text names; None where it names none."""
        try:
            return cls.parse(text)
        except ValueError:
            return None


def _is_host(text: str) -> bool:
    """Return whether a registry's port is one, and brackets in its name hold an IPv6 address."""
    if not text.startswith("["):
        _, colon, port = text.rpartition(":")
        return not colon or int(port) <= _MAX_PORT
    from ipaddress import IPv6Address  # noqa: PLC0415 - few registries are known by such an address

    address, bracket, port = text[1:].partition("]")
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return bool(bracket) and (not port or (port[0] == ":" and port[1:].isdecimal() and int(port[1:]) <= _MAX_PORT))


@dataclass(frozen=True, slots=True, order=True)
class ImageUse:
    """One place that names an image."""

    ref: str
    """As written."""
    where: str
    """``Deployment/web container web (templates/web.yaml:12)``, or the line of bundle.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """An image that a bundle can need, with everything that leads to it."""

    ref: ImageRef
    """Completed."""
    uses: tuple[ImageUse, ...]
    """Sorted, each once."""
    settings: tuple[str, ...] = ()
    """The values that lead to it: empty strings stand for the order as given, others read ``cache.enabled=true``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInventory:
    """Every image that a bundle can need, over the switches in its schema."""

    images: tuple[FoundImage, ...]
    """Sorted by reference."""
    warnings: tuple[str, ...] = ()
    """Texts that look like images in places that no one declared; values that could not be tried."""
    variants: int = 1
    """How many settings of the switches were rendered."""
    has_pairs: bool = True
    """False: there are too many booleans to try every two of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """An image that a delivery carries, pinned."""

    ref: ImageRef
    """As the bundle names it, completed, without digest unless the bundle itself pinned one."""
    digest: Digest
    """What pods are pinned to: the index where all its platforms are carried, else the one platform's manifest."""
    media_type: str
    platforms: tuple[str, ...]
    """``linux/amd64``, sorted."""
    size: int
    """Bytes of all blobs that belong to it, shared ones included."""
    used_by: tuple[str, ...] = ()
