"""The kinds that the controller serves, as the API server is to be told. Layer: controller; reads its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

_FOLDER: Final = Path(__file__).resolve().parent


def definition(name: Literal["release", "menu"]) -> str:
    """Return one CustomResourceDefinition as YAML.

    Args:
        name: of the kind, in lower case.
    """
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def all_definitions() -> str:
    """Return every CustomResourceDefinition of the controller, for ``kubectl apply -f -``."""
    return "---\n".join((definition("release"), definition("menu")))
