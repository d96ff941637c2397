"""Bundles on disk into the model. Layer: loader; reads local files only.

``locate.find_bundle`` finds what a user names, ``load.load_bundle`` loads it, ``shipped.shipped_dir`` finds the data
files that come with bundler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.loader import (
        conflict_rules as conflict_rules,
        kind_spec as kind_spec,
        limits as limits,
        locate as locate,
        lockfile as lockfile,
        patches as patches,
        shipped as shipped,
        site_file as site_file,
        site_windows as site_windows,
        step_rules as step_rules,
        user_files as user_files,
        vendored as vendored,
    )

__getattr__ = late_modules(__name__)
