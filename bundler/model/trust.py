"""Signatures, and whom a site trusts. Layer: model, pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

INDEX_PAYLOAD = "application/vnd.bundler.delivery-index.v1+json"
"""Payload type of a signature over the raw bytes of a delivery's index."""
BUNDLE_PAYLOAD = "application/vnd.bundler.bundle.v1+json"
"""Payload type of a signature over a bundle's name, version and digest."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Signature:
    """One signature of an envelope."""

    key_id: str
    """sha256 of the raw public key, 64 hex digits."""
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A DSSE envelope whose payload stands elsewhere: here are its type, its digest and the signatures."""

    payload_type: str
    payload_sha256: str
    """64 hex digits."""
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, who holds it, and when its signatures are taken."""

    name: str
    public: bytes
    """Raw Ed25519 public key, 32 bytes."""
    key_id: str
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """What a site asks of signatures and versions."""

    keys: tuple[TrustedKey, ...] = ()
    threshold: int = 1
    """How many different trusted keys must have signed."""
    requires_signature: bool = False
    """Unsigned bundles are refused even where no key was named."""
    revoked: frozenset[str] = frozenset()
    """Key ids, whole or the first 16 digits."""
    minimum_versions: Mapping[str, str] = field(default_factory=dict)
    """Bundle name to the oldest version that may be installed."""
    source: str = ""
    """Where this was said, for messages: ``acme.yaml`` or ``--key site.pub``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Who signed, as far as it was checked."""

    signers: tuple[TrustedKey, ...]
    """Trusted keys whose signatures hold; empty where none was asked for."""
