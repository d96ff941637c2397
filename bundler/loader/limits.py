"""Bounds on what is loaded. Layer: loader, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass
from bundler.syntax.events import DEFAULT_LIMITS, Limits

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What a bundle may hold; the same bounds hold for a folder and for an archive."""

    max_file_bytes: int = 10 * MIB
    max_total_bytes: int = 128 * MIB
    max_files: int = 10_000
    max_component_depth: int = 8
    """Components inside components."""
    yaml: Limits = DEFAULT_LIMITS


DEFAULT_LOAD_LIMITS = LoadLimits()
