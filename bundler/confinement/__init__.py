"""Work on foreign bundles in processes that can be ended. Layer: adapters of the Confinement and RuleJudge ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.confinement import forked as forked, rules as rules

__getattr__ = late_modules(__name__)
