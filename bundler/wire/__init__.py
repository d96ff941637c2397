"""What bundler says to programs: results, events, errors and plans as JSON. Layer: wire, pure.

Each form is a ``TypedDict`` beside the plain function that makes it, so that the type checker holds one against the
other; ``schemas/output/`` is written from the same types. Keys are camelCase without ``is``, times are RFC 3339 in
UTC, sizes are bytes. A key is always there unless its form says ``NotRequired``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.wire import checked as checked, graph as graph, objects as objects

__getattr__ = late_modules(__name__)
