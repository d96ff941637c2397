"""Layers of values into one, with origins. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.values import (
        assignments as assignments,
        deep_check as deep_check,
        derive as derive,
        given_secrets as given_secrets,
        problems as problems,
        sweep as sweep,
        user as user,
    )

__getattr__ = late_modules(__name__)
