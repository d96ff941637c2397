"""What a layer of an image says about packages. Layer: sbom, pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from bundler.model.image_build import EntryKind, Placed
from bundler.model.lean import dataclass, field
from bundler.sbom.packages import Package

_LENGTH: Final = struct.Struct("<I")


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
    placed: Mapping[str, Placed] = field(default_factory=dict)
    """What is at the paths that were asked for."""
    hidden: frozenset[str] = frozenset()
    """Paths of which nothing is left of the layers below."""
    problem: str = ""
    """Why it is not read, or not all of it."""


def encode_question(places: frozenset[str]) -> bytes:
    """Return what a child process reads before the layer: the paths of which it is asked what is there."""
    text = json.dumps(sorted(places)).encode() if places else b""
    return _LENGTH.pack(len(text)) + text


def decode_question(pieces: Iterator[bytes]) -> tuple[frozenset[str], Iterator[bytes]]:
    """Read what :func:`encode_question` wrote; return the paths, and the pieces of the layer that follows."""
    head = b""
    while len(head) < _LENGTH.size or len(head) < (end := _LENGTH.size + _LENGTH.unpack_from(head)[0]):
        piece = next(pieces, b"")
        if not piece:
            raise ValueError("the question is cut short")
        head += piece
    text = head[_LENGTH.size : end]
    return frozenset(json.loads(text) if text else ()), chain([head[end:]], pieces)


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
    placed = {path: [one.kind, one.mode, one.uid, one.gid, one.target] for path, one in content.placed.items()}
    return json.dumps([found, sorted(content.hidden), content.problem, placed]).encode()


def decode_layer(text: bytes) -> LayerContent:
    """Read what :func:`encode_layer` wrote."""
    found, hidden, problem, placed = json.loads(text)
    return LayerContent(
        found={
            path: Found(
                packages=tuple(Package(*fields) for fields in packages), distribution=distribution, problem=trouble
            )
            for path, (packages, distribution, trouble) in found.items()
        },
        placed={
            path: Placed(kind=EntryKind(kind), mode=mode, uid=uid, gid=gid, target=target)
            for path, (kind, mode, uid, gid, target) in placed.items()
        },
        hidden=frozenset(hidden),
        problem=problem,
    )
