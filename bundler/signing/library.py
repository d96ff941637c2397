"""The one door to ``cryptography``, which only those pay for who sign or check. Layer: signing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bundler.errors.delivery import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


@contextmanager
def _there() -> Iterator[None]:
    """Say plainly where the library is not: bundler as one file carries it for some interpreters only."""
    try:
        yield
    except ImportError as error:
        found = f"the library `cryptography` cannot be loaded here: {error}"
        hint = "run bundler by one of the Pythons it is carried for, or install it here: pip install cryptography"
        raise SignatureError("signing or checking a signature", context=[found], hint=hint) from error


def load_private(secret: bytes) -> Ed25519PrivateKey:
    """Return the library's form of a private key."""
    with _there():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - 60 ms

    return Ed25519PrivateKey.from_private_bytes(secret)


def load_public(public: bytes) -> Ed25519PublicKey:
    """Return the library's form of a public key."""
    with _there():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - 60 ms

    return Ed25519PublicKey.from_public_bytes(public)


def public_half(secret: bytes) -> bytes:
    """Return the raw public key of a private one."""
    private = load_private(secret)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def is_signature(public: bytes, signed: bytes, value: bytes) -> bool:
    """Tell whether a signature holds."""
    key = load_public(public)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.verify(value, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_cipher(key: bytes) -> ChaCha20Poly1305:
    """Return ChaCha20-Poly1305 under a key of 32 bytes."""
    with _there():
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415 - as above

    return ChaCha20Poly1305(key)


def decrypt(key: bytes, nonce: bytes, data: bytes, head: bytes) -> bytes | None:
    """Return what was encrypted, None where key, data or head are not those it was made with."""
    cipher = load_cipher(key)
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

    try:
        return cipher.decrypt(nonce, data, head)
    except InvalidTag:
        return None
