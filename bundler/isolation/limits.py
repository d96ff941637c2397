"""Bounds on one piece of work. Layer: isolation, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """What a child process may use; the operating system ends it at once where it wants more."""

    cpu_s: int
    memory_bytes: int = 1024 * MIB
    file_bytes: int = 1024 * MIB
    """Of a file that it writes."""
    open_files: int = 64
    answer_bytes: int = 64 * MIB
