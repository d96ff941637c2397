"""Server-side apply as data: field sets, merge rules, quantities, built-in kinds. Layer: fields, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.fields import quantity as quantity

__getattr__ = late_modules(__name__)
