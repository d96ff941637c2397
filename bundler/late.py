"""Load the modules of a package when they are first named. Layer: below everything, standard library only.

A file says at its head which packages it works with, ``from bundler import signing``, and where it works with one,
``signing.keys.read_public(...)``, the module is loaded: a run pays for what it needs. Source: PEP 562.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def late_modules(package: str) -> Callable[[str], ModuleType]:
    """Return the ``__getattr__`` of a package that loads its modules.

    Args:
        package: its name. For type checkers it imports the modules that are asked for in this way.
    """

    def load(name: str) -> ModuleType:
        whole = f"{package}.{name}"
        try:
            return import_module(whole)
        except ModuleNotFoundError as error:
            if error.name != whole:
                raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
