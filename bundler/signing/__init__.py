"""Ed25519 signatures and key files. Layer: signing, an adapter; reads and writes key files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.signing import keys as keys, library as library, sign as sign, verify as verify

__getattr__ = late_modules(__name__)
