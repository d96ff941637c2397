"""HTTP/1.1, TLS, proxies and retries for every adapter that speaks to servers. Layer: adapter foundation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.http import client_config as client_config, fence as fence, programs as programs, proxy as proxy

__getattr__ = late_modules(__name__)
