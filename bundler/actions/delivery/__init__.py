"""Deliveries for sites without internet: written, checked, signed, imported. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.delivery import image_inventory as image_inventory, import_images as import_images

__getattr__ = late_modules(__name__)
