"""Options, arguments and completions. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.cli.parsing import completions as completions

__getattr__ = late_modules(__name__)
