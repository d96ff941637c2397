"""What a bundle renders to, as it is printed. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedText:
    """What templates rendered, as text."""

    text: str
    sensitive: frozenset[str]
    """Strings that must not be printed unless they are asked for."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedObjects:
    """What would be sent to the cluster, as objects."""

    objects: tuple[Body, ...]
    sensitive: frozenset[str]
    """Strings that must not be printed unless they are asked for."""
    warnings: tuple[str, ...] = ()
