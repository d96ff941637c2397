"""Catalogues of bundles: their document, and how bundles are found by words. Layer: catalogue, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.catalogue import document as document, ranking as ranking

__getattr__ = late_modules(__name__)
