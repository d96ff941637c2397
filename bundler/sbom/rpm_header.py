"""Read one package's header as rpm's databases keep it. Layer: sbom, pure.

Nothing is trusted: what is read of a header is bounded by its own size.
Source: rpm.org, "RPM V4 Package format", Header; tags of rpmtag.h. All numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

_TAGS: Final = {1000: "name", 1001: "version", 1002: "release", 1003: "epoch", 1014: "license", 1022: "arch"}
MAX_HEADER_BYTES: Final = 64 * 1024 * 1024
"""The longest are those of packages with ten thousands of files: a few MiB."""
_INT32, _STRING, _I18N = 4, 6, 9
_MAX_ENTRIES = 100_000
_MAX_TEXT_BYTES = 64 * 1024


def read_header(blob: bytes) -> Mapping[str, str]:
    """Return ``name``, ``version``, ``release``, ``epoch``, ``license`` and ``arch``, as far as they are there.

    Raises:
        ValueError, struct.error: when it is not a header.
    """
    entries, data_bytes = struct.unpack_from(">II", blob)
    data = 8 + 16 * entries
    if entries > _MAX_ENTRIES or data + data_bytes > len(blob):
        raise ValueError("a header is longer than its blob")
    found: dict[str, str] = {}
    for at in range(8, data, 16):
        tag, kind, offset, _ = struct.unpack_from(">IIiI", blob, at)
        name = _TAGS.get(tag)
        # The first of a tag counts: so no header makes us copy more than six texts.
        if name is None or name in found or offset < 0:
            continue
        if kind == _INT32:
            found[name] = str(struct.unpack_from(">I", blob, data + offset)[0])
        elif kind in {_STRING, _I18N}:
            found[name] = _text(blob, data + offset)
    return found


def _text(blob: bytes, at: int) -> str:
    end = blob.find(b"\0", at, at + _MAX_TEXT_BYTES)
    if end < 0:
        raise ValueError("a text in a header has no end")
    return blob[at:end].decode("utf-8", "replace")
