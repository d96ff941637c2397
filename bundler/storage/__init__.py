"""Release records and locks in a cluster. Layer: adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.storage import (
        blobs as blobs,
        decoding as decoding,
        encoding as encoding,
        holder as holder,
        inventories as inventories,
        lock as lock,
        secrets as secrets,
    )

__getattr__ = late_modules(__name__)
