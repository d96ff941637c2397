"""What is wanted against what is there. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.planning import inventory as inventory, order as order

__getattr__ = late_modules(__name__)
