"""What is installed in an image, from the databases in its layers. Layer: sbom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from bundler.model.digest import Digest
    from bundler.model.image import ImageRef
    from bundler.model.image_build import Placed
    from bundler.sbom.layer import LayerContent
    from bundler.sbom.packages import Package

T = TypeVar("T")

_RELEASES: Final = ("etc/os-release", "usr/lib/os-release")
"""The first counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """One image of one platform."""

    ref: ImageRef
    digest: Digest
    """Of the platform's own manifest."""
    platform: str
    labels: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[Package, ...] = ()
    distribution: str = ""
    """``debian-12``; empty where the image does not say."""
    problems: tuple[str, ...] = ()
    """What could not be read, and why."""


def installed(layers: Sequence[LayerContent]) -> tuple[tuple[Package, ...], str, tuple[str, ...]]:
    """Return packages, distribution and problems of an image.

    Args:
        layers: the lowest first.
    """
    files = _topmost(layers, lambda layer: layer.found)
    problems = {f"a layer is not read: {layer.problem}" for layer in layers if layer.problem}
    problems |= {file.problem for file in files.values() if file.problem}
    packages = {package for file in files.values() for package in file.packages}
    released = [files[path].distribution for path in _RELEASES if path in files]
    return tuple(sorted(packages)), released[0] if released else "", tuple(sorted(problems))


def placed(layers: Sequence[LayerContent]) -> dict[str, Placed]:
    """Return what an image has at the paths that were asked for.

    Args:
        layers: the lowest first.
    """
    return _topmost(layers, lambda layer: layer.placed)


def _topmost(layers: Sequence[LayerContent], of: Callable[[LayerContent], Mapping[str, T]]) -> dict[str, T]:
    """Return each path as the topmost layer leaves it. Source: OCI image-spec, layer.md, "Whiteouts"."""
    files: dict[str, T] = {}
    hidden: set[str] = set()
    for layer in reversed(layers):
        visible = {path: file for path, file in of(layer).items() if path not in files and not _is_in(path, hidden)}
        files.update(visible)
        hidden |= layer.hidden
    return files


def _is_in(path: str, hidden: set[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:depth]) in hidden for depth in range(len(parts) + 1))
