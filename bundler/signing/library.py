"""The one door to ``cryptography``. Layer: signing; loaded by those who sign or check, for it takes 60 ms.

Raises:
    SignatureError: when it is loaded where the library is not: bundler as one file carries it for some interpreters.
"""

from __future__ import annotations

from bundler.errors.delivery import SignatureError

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError as error:
    raise SignatureError(
        "signing or checking a signature",
        context=[f"the library `cryptography` cannot be loaded here: {error}"],
        hint="run bundler by one of the Pythons it is carried for, or install it here: pip install cryptography",
    ) from error


def load_private(secret: bytes) -> Ed25519PrivateKey:
    """Return the library's form of a private key."""
    return Ed25519PrivateKey.from_private_bytes(secret)


def public_half(secret: bytes) -> bytes:
    """Return the raw public key of a private one."""
    return load_private(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def is_signature(public: bytes, signed: bytes, value: bytes) -> bool:
    """Return whether a signature holds.

    Args:
        public: the public key.
        signed: what was signed.
        value: the signature.
    """
    key = Ed25519PublicKey.from_public_bytes(public)
    try:
        key.verify(value, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_cipher(key: bytes) -> ChaCha20Poly1305:
    """Return ChaCha20-Poly1305 under a key of 32 bytes."""
    return ChaCha20Poly1305(key)


def decrypt(key: bytes, nonce: bytes, data: bytes, head: bytes) -> bytes | None:
    """Return what was encrypted, None where key, data or head are not those it was made with.

    Args:
        key: 32 bytes.
        nonce: used once.
        data: encrypted.
        head: authenticated, not encrypted.
    """
    try:
        return load_cipher(key).decrypt(nonce, data, head)
    except InvalidTag:
        return None
