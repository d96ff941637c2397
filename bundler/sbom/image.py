"""What is installed in an image, from the databases in its layers. Layer: sbom."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from bundler.model.lean import dataclass, field
from bundler.sbom.packages import Package, UnreadableError, read_database, read_os_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.digest import Digest
    from bundler.model.image import ImageRef
    from bundler.sbom.layer import LayerScan


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


def installed(scans: Sequence[LayerScan]) -> tuple[tuple[Package, ...], str, tuple[str, ...]]:
    """Return packages, distribution and problems of an image.

    Args:
        scans: of its layers, the lowest first.
    """
    files = _merged(scans)
    problems = [f"a layer is not read: {scan.problem}" for scan in scans if scan.problem]
    packages: set[Package] = set()
    for path, file in sorted(files.items()):
        if path.endswith(("os-release", ".md5sums")):
            continue
        try:
            packages.update(read_database(path, file))
        except UnreadableError as error:
            problems.append(str(error))
    return tuple(sorted(packages)), _distribution(files), tuple(sorted(set(problems)))


def _merged(scans: Sequence[LayerScan]) -> dict[str, IO[bytes]]:
    """Return each file as the topmost layer leaves it. Source: OCI image-spec, layer.md, "Whiteouts"."""
    files: dict[str, IO[bytes]] = {}
    for scan in scans:
        files = {path: file for path, file in files.items() if not scan.hides(path)}
        files.update(scan.files)
    return files


def _distribution(files: Mapping[str, IO[bytes]]) -> str:
    file = files.get("etc/os-release") or files.get("usr/lib/os-release")
    said = read_os_release(file) if file is not None else {}
    return "-".join(part for part in (said.get("ID", ""), said.get("VERSION_ID", "")) if part)
