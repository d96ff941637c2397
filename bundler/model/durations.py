"""Durations as people type them. Layer: model, pure."""

from __future__ import annotations

from typing import Final

from bundler.model.pattern import LazyPattern

_UNITS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = LazyPattern(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")


def parse_duration(text: str) -> float:
    """Return seconds: ``10m``, ``90s``, ``1h30m``, ``0``.

    Raises:
        ValueError: when the text is not a duration.
    """
    compact = text.strip()
    if compact == "0":
        return 0.0
    parts = list(_PART.finditer(compact))
    if not parts or "".join(part[0] for part in parts) != compact:
        raise ValueError(f"{text!r} is not a duration; write 90s, 10m or 1h30m")
    return float(sum(float(part[1]) * _UNITS[part[2]] for part in parts))


def short_duration(seconds: float) -> str:
    """Return a length of time in its largest unit, as kubectl shows ages: ``45s``, ``12m``, ``3h``, ``30d``."""
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS[unit]:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return f"{max(0, int(seconds))}s"
