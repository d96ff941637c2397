"""The embedded cluster behind the ClusterClient port. Layer: adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.sandbox import client as client

__getattr__ = late_modules(__name__)
