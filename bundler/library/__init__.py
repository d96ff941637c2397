"""What bundler offers to Python programs, and to its own command line. Layer: library.

``session`` is the way in; what it needs of the other modules is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from bundler.library import (
        bundles as bundles,
        clusters as clusters,
        computing as computing,
        inspecting as inspecting,
        linting as linting,
        registries as registries,
        releases as releases,
        rendering as rendering,
        run as run,
        states as states,
    )

_LOADED_LATE = frozenset(
    {
        "bundles",
        "clusters",
        "computing",
        "inspecting",
        "linting",
        "registries",
        "releases",
        "rendering",
        "run",
        "states",
    }
)


def __getattr__(name: str) -> ModuleType:
    """Load a module of this package when it is first named: a verb pays for what it needs."""
    if name in _LOADED_LATE:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
