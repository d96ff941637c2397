"""The verbs that change a release, and its history. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.release import (
        causes as causes,
        checks as checks,
        correct as correct,
        install as install,
        migrate_storage as migrate_storage,
        owned_objects as owned_objects,
        recorded_command as recorded_command,
        rollback_causes as rollback_causes,
        why as why,
    )

__getattr__ = late_modules(__name__)
