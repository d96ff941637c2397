"""Bounds on what is loaded. Layer: loader, pure."""

from __future__ import annotations

from bundler.archive.limits import ArchiveLimits
from bundler.model.lean import dataclass
from bundler.syntax.limits import DEFAULT_LIMITS, Limits

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What a bundle may hold; the same bounds hold for a folder and for an archive."""

    max_file_bytes: int = 10 * MIB
    max_total_bytes: int = 128 * MIB
    max_files: int = 10_000
    max_ratio: int = ArchiveLimits().max_ratio
    """Of an archive: unpacked bytes for each packed one."""
    max_component_depth: int = 8
    """Components inside components."""
    yaml: Limits = DEFAULT_LIMITS

    @property
    def archive(self) -> ArchiveLimits:
        """The same for an archive."""
        return ArchiveLimits(
            max_entries=self.max_files,
            max_file_bytes=self.max_file_bytes,
            max_total_bytes=self.max_total_bytes,
            max_ratio=self.max_ratio,
        )


DEFAULT_LOAD_LIMITS = LoadLimits()
