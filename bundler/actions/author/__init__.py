"""What an author of bundles does. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.author import (
        best_practices as best_practices,
        graph as graph,
        roles as roles,
        split as split,
        template as template,
        values as values,
    )

__getattr__ = late_modules(__name__)
