"""What a new CustomResourceDefinition means for the objects of its kind. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.planning.definitions import risks as risks

__getattr__ = late_modules(__name__)
