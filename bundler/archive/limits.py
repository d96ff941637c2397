"""Bounds on archives. Layer: archive, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold."""

    max_entries: int = 10_000
    max_file_bytes: int = 10 * MIB
    max_total_bytes: int = 128 * MIB
    """Of the whole archive, unpacked."""
    max_ratio: int = 200
    """Unpacked bytes for each packed one; text packs up to about 1:30."""
    ratio_from_bytes: int = MIB
    """Below this the ratio is not asked."""

    @property
    def max_steps(self) -> int:
        """How many headers and records of the tar are read; an entry has a handful of them at most."""
        return 1000 + 50 * self.max_entries


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()
