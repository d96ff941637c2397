"""Find the data files that come with bundler. Layer: loader; reads local files only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_dir(kind: Literal["bundles", "schemas"]) -> Path:
    """Return the folder of shipped bundles or schemas: inside an installed package, or at the root of a checkout."""
    installed = _PACKAGE / "_shipped" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind
