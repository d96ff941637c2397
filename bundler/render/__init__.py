"""From bundle and values to Kubernetes objects. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.render import (
        hooks as hooks,
        kept_lines as kept_lines,
        line_marks as line_marks,
        masked_text as masked_text,
        overlay as overlay,
        tracing as tracing,
    )

__getattr__ = late_modules(__name__)
