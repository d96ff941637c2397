"""Plan and carry out a change of a cluster. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.change import migrate_storage as migrate_storage

__getattr__ = late_modules(__name__)
