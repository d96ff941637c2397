"""Read what releases are and how they are doing. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.inspect import drift as drift, explain as explain, support as support

__getattr__ = late_modules(__name__)
