"""Sign with a private key. Layer: signing, adapter of the Signer port; computes only."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bundler import signing
from bundler.model.trust import Envelope, Signature, TrustedKey, pre_authentication

if TYPE_CHECKING:
    from bundler.signing.keys import KeyPair


class KeySigner:
    """A private key that signs."""

    def __init__(self, pair: KeyPair) -> None:
        self._pair = pair

    @property
    def key(self) -> TrustedKey:
        """Its public half."""
        return self._pair.key

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        """Sign bytes that stand elsewhere."""
        value = signing.library.load_private(self._pair.secret).sign(pre_authentication(payload_type, payload))
        return Envelope(
            payload_type=payload_type,
            payload_sha256=hashlib.sha256(payload).hexdigest(),
            signatures=(Signature(key_id=self._pair.key.key_id, value=value),),
        )
