"""Content digests. Layer: model, pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NewType

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hex digits."""


_HEX_DIGITS = frozenset("0123456789abcdef")


def is_sha256_hex(text: str) -> bool:
    """Return whether a text is 64 lower-case hex digits."""
    return len(text) == 64 and _HEX_DIGITS.issuperset(text)


def is_digest(text: str) -> bool:
    """Return whether a text is a sha256 digest with its algorithm before it."""
    return text.startswith("sha256:") and is_sha256_hex(text.removeprefix("sha256:"))


def digest_of(content: bytes) -> Digest:
    """Return the sha256 digest of ``content``."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def tree_digest(files: Iterable[tuple[str, int, Digest]]) -> Digest:
    """Return the digest of a bundle: over its sorted list of (path, mode, sha256), never over compressed bytes."""
    lines = (f"{path}\0{mode:o}\0{digest}\n" for path, mode, digest in sorted(files))
    return digest_of("".join(lines).encode())
