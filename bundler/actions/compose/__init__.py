"""From a bundle and what its user gives to manifests. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.compose import (
        expressions as expressions,
        render_request as render_request,
        site_overlay as site_overlay,
        step_gates as step_gates,
    )

__getattr__ = late_modules(__name__)
