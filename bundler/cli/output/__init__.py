"""What people and programs see. Layer: cli; the only place that imports rich, and only when it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.cli.output import (
        built_image as built_image,
        graph as graph,
        images as images,
        saved_plan as saved_plan,
        sweep as sweep,
    )

__getattr__ = late_modules(__name__)
