"""What a layer of an image says about packages. Layer: sbom, pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field
from bundler.sbom.packages import Package

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one file says."""

    packages: tuple[Package, ...] = ()
    distribution: str = ""
    """``debian-12``, of os-release."""
    problem: str = ""
    """Why it is not read, or not all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerContent:
    """One layer: its package databases, and what it removes from the layers below it."""

    found: Mapping[str, Found] = field(default_factory=dict)
    """By path in the image."""
    hidden: frozenset[str] = frozenset()
    """Paths of which nothing is left of the layers below."""
    problem: str = ""
    """Why it is not read, or not all of it."""


def encode_layer(content: LayerContent) -> bytes:
    """Return a layer's content as a child process hands it over."""
    found = {
        path: [
            [[one.kind, one.name, one.version, one.arch, one.license] for one in file.packages],
            file.distribution,
            file.problem,
        ]
        for path, file in content.found.items()
    }
    return json.dumps([found, sorted(content.hidden), content.problem]).encode()


def decode_layer(text: bytes) -> LayerContent:
    """Read what :func:`encode_layer` wrote."""
    found, hidden, problem = json.loads(text)
    return LayerContent(
        found={
            path: Found(
                packages=tuple(Package(*fields) for fields in packages), distribution=distribution, problem=trouble
            )
            for path, (packages, distribution, trouble) in found.items()
        },
        hidden=frozenset(hidden),
        problem=problem,
    )
