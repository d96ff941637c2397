"""Signatures, and whom a site trusts. Layer: model, pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from datetime import datetime

INDEX_PAYLOAD = "application/vnd.bundler.delivery-index.v1+json"
"""Payload type of a signature over the raw bytes of a delivery's index."""
BUNDLE_PAYLOAD = "application/vnd.bundler.bundle.v1+json"
"""Payload type of a signature over a bundle's name, version and digest."""
CATALOGUE_PAYLOAD = "application/vnd.bundler.catalogue.v1+json"
"""Payload type of a signature over the raw bytes of a catalogue's document."""
PLAN_PAYLOAD = "application/vnd.bundler.saved-plan.v1"
"""Payload type of a signature over the bytes of a saved plan's file."""
PUBLIC_KEY_WORD: Final = "bundler-ed25519"
SHORT_KEY_ID_CHARS: Final = 16
_KEY_BYTES = 32
_P = 2**255 - 19
_MAX_NAME_CHARS = 100


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

    @property
    def line(self) -> str:
        """The one line of its ``.pub`` file."""
        return f"{PUBLIC_KEY_WORD} {base64.b64encode(self.public).decode()} {self.name}"

    @property
    def shown(self) -> str:
        """``"acme release 2026" (key id 0123456789abcdef)``."""
        return f'"{self.name}" (key id {self.key_id[:SHORT_KEY_ID_CHARS]})'


def make_key(
    public: bytes, name: str, *, not_before: datetime | None = None, not_after: datetime | None = None
) -> TrustedKey:
    """Return a public key with its id.

    Args:
        public: the public key.
        name: shown with signatures.
        not_before: valid from; None without a start.
        not_after: valid until; None without an end.

    Raises:
        ValueError: when the bytes or the name cannot be those of a key.
    """
    if len(public) != _KEY_BYTES:
        raise ValueError(f"a public key has {_KEY_BYTES} bytes, not {len(public)}")
    if not is_sound_point(public):
        raise ValueError("the public key is of a kind that anyone can sign for, or written in a second way")
    if not name.strip() or len(name) > _MAX_NAME_CHARS or not name.isprintable() or '"' in name:
        raise ValueError(f"the name of a key is one line of 1 to {_MAX_NAME_CHARS} characters without quotes")
    key_id = hashlib.sha256(public).hexdigest()
    return TrustedKey(name=name.strip(), public=public, key_id=key_id, not_before=not_before, not_after=not_after)


def is_sound_point(public: bytes) -> bool:
    """Return whether an Ed25519 public key is written in its one way and is of large order.

    For a point of small order anyone can make signatures; in a second spelling one key would count as two. Verifiers
    need not check either. Source: RFC 8032, section 5.1.3 (y is below p); a point of order 8 doubles to y = 0.
    """
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if y >= _P:
        return False
    d = -121665 * pow(121666, -1, _P)
    return y not in {0, 1, _P - 1} and (d * pow(y, 4, _P) + 2 * y * y - 1) % _P != 0


def parse_public_key(
    line: str, *, name: str = "", not_before: datetime | None = None, not_after: datetime | None = None
) -> TrustedKey:
    """Read the one line of a ``.pub`` file; ``name`` wins over the one in it.

    Args:
        line: of the file.
        name: wins over the one in the line.
        not_before: valid from; None without a start.
        not_after: valid until; None without an end.

    Raises:
        ValueError: when it is no such line.
    """
    word, _, rest = line.strip().partition(" ")
    text, _, own_name = rest.strip().partition(" ")
    if word != PUBLIC_KEY_WORD or "\n" in line.strip():
        raise ValueError(f"a public key is one line that begins with {PUBLIC_KEY_WORD}")
    try:
        public = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("its second word is not base64") from error
    return make_key(public, name or own_name.strip() or "unnamed", not_before=not_before, not_after=not_after)


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed. Source: DSSE v1.0, protocol.md, "Signature Definition"."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def bundle_document(name: str, version: str, digest: str) -> bytes:
    """Return what is signed for a bundle that travels as an archive or in a registry.

    Args:
        name: of the bundle.
        version: of the bundle.
        digest: of its archive.
    """
    document = {"digest": digest, "name": name, "version": version}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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

    @property
    def asks_for_signature(self) -> bool:
        """Return whether nothing unsigned is taken: where keys are named, or it is said."""
        return bool(self.keys) or self.requires_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Who signed, as far as it was checked."""

    signers: tuple[TrustedKey, ...]
    """Trusted keys whose signatures hold; empty where none was asked for."""
