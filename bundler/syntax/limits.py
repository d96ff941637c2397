"""Bounds on YAML that is read. Layer: syntax, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what is read."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 100
    """Containers inside containers."""
    max_alias_nodes: int = 10_000
    """Nodes that the aliases of one document stand for, counted as often as they are repeated."""


DEFAULT_LIMITS = Limits()
