"""Whether an object is ready. Layer: health, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.health import author as author

__getattr__ = late_modules(__name__)
