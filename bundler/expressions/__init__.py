"""The sandboxed expression language. Layer: expressions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.expressions import (
        compiled as compiled,
        expression as expression,
        failures as failures,
        template_facts as template_facts,
        template_reads as template_reads,
    )

__getattr__ = late_modules(__name__)
