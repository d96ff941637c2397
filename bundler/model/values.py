"""Values and where each leaf came from. Layer: model, pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body, JSONValue


class LayerKind(StrEnum):
    """The layers of one bundle's values, earliest first; later wins."""

    SCHEMA = "schema"
    DEFAULTS = "defaults"
    DERIVED = "derived"
    PARENT = "parent"
    COMPONENT = "component"
    """``components[].values`` of the parent's bundle.yaml."""
    RECORDED = "recorded"
    """User values recorded with an earlier revision."""
    SITE = "site"
    FILE = "file"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who set a leaf."""

    kind: LayerKind
    source: str
    """A file's path, or the flag as typed: ``--set qps=1000`` (the value masked when sensitive)."""
    line: int = 0
    detail: str = ""
    """For derived values: the formula."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


Pointer = str
"""An RFC 6901 JSON pointer into merged values: ``/web/replicas``; the root is the empty string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesLayer:
    """One layer of values, with the origin of each leaf it holds."""

    data: Body
    origin: Origin
    """Origin of the layer as a whole; used for leaves that have none of their own."""
    leaf_origins: Mapping[Pointer, Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedValues:
    """What templates of one bundle see, and who set each leaf."""

    data: Body
    origins: Mapping[Pointer, Origin]
    """For each leaf of ``data``; a deleted leaf (null) has its origin here too."""
    sensitive: frozenset[Pointer] = frozenset()
    """Leaves whose schema says ``writeOnly: true``."""
    components: Mapping[str, MergedValues] | None = None
    """Values of each enabled component, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserValues:
    """What the user gave, before it is merged: site file, -f files, --set family, in order; and what was unset."""

    layers: tuple[ValuesLayer, ...] = ()
    data: Body | None = None
    """The layers folded into one mapping; null stands for a deletion. This is what a revision records."""

    def folded(self) -> Mapping[str, JSONValue]:
        """Return ``data``, empty where nothing was given."""
        return self.data or {}
