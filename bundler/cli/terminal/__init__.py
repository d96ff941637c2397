"""Streams, colours, tables and progress. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.cli.terminal import live_table as live_table, progress as progress

__getattr__ = late_modules(__name__)
