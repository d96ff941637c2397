"""What a bundle becomes, as a graph. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bundler.model.lean import dataclass


class EdgeKind(StrEnum):
    """What an object, or a component, has to do with another one."""

    NEEDS = "needs"
    """Between components: the target is ready first."""
    ROUTES = "routes to"
    SELECTS = "sends to"
    SCALES = "scales"
    PROTECTS = "protects"
    LOOKS_AFTER = "looks after"
    """Writes it at the API."""
    READS = "reads"
    KEEPS = "keeps data in"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphComponent:
    """A bundle inside the bundle; the first one is the bundle itself."""

    path: str
    """``web/db``; empty for the bundle itself."""
    name: str
    version: str
    needs: tuple[str, ...] = ()
    """Paths of other components."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class GraphObject:
    """One object, or a volume that a StatefulSet asks for."""

    name: str
    """``Deployment/shop-web``; ``volume/data`` for a claim template."""
    component: str
    detail: str = ""
    """Of a volume: its size."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class GraphEdge:
    """One object has to do with another one of the bundle."""

    source: str
    target: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleGraph:
    """Components, their objects, and how these hang together."""

    components: Sequence[GraphComponent]
    objects: Sequence[GraphObject]
    """In the order rendered."""
    edges: Sequence[GraphEdge]
    """Between objects, sorted; needs of components are theirs."""
