"""Images: where they are, over which settings, and what they become at a site. Layer: images, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.images import image_paths as image_paths

__getattr__ = late_modules(__name__)
