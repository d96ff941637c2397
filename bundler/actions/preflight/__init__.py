"""Checks before an installation. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.preflight import (
        missing_rights as missing_rights,
        required_images as required_images,
        run as run,
    )

__getattr__ = late_modules(__name__)
