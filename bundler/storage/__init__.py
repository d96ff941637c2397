"""Release records and locks in a cluster. Layer: adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.storage import holder as holder, lock as lock, secrets as secrets

__getattr__ = late_modules(__name__)
