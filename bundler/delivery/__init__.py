"""The delivery file: index, placement, writing, reading, checking. Layer: delivery; local files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.delivery import reader as reader

__getattr__ = late_modules(__name__)
