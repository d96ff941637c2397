"""HTTP/1.1, TLS, proxies and retries for every adapter that speaks to servers. Layer: adapter foundation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.http import programs as programs

__getattr__ = late_modules(__name__)
