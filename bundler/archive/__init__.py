"""Bundles as deterministic archives. Layer: archive; local files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.archive import reader as reader

__getattr__ = late_modules(__name__)
