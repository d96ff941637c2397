"""Values and where each leaf came from. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from bundler.model.json import Body


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


class AssignmentKind(StrEnum):
    """Which option made an assignment; the value is the option's name."""

    SET = "--set"
    JSON = "--set-json"
    FILE = "--set-file"
    ENV = "--set-env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One option of the ``--set`` family, not yet typed by a schema."""

    kind: AssignmentKind
    path: str
    text: str
    """The value: as typed, or the content of the file or variable named."""
    typed: str
    """What is after ``=`` on the command line: the value itself, or the name of a file or variable."""

    @property
    def names_its_content(self) -> bool:
        """Return whether the command line shows where the value comes from and not the value."""
        return self.kind in (AssignmentKind.FILE, AssignmentKind.ENV)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLayers:
    """What the user asks for, before it is typed and folded."""

    layers: tuple[ValuesLayer, ...] = ()
    """Recorded values, site files, -f files; in that order, later wins."""
    assignments: tuple[Assignment, ...] = ()
    """The ``--set`` family, in the order typed."""
    unset: tuple[str, ...] = ()
    """Paths of recorded overrides to drop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserValues:
    """What the user gave, typed: one layer per file and assignment; and folded into what a revision records."""

    layers: tuple[ValuesLayer, ...] = ()
    data: Body = field(default_factory=dict)
    """The layers folded into one mapping; null stands for a deletion. This is what a revision records."""
    sensitive: frozenset[Pointer] = frozenset()
    """Leaves of ``data`` whose schema, the bundle's or a component's, says ``writeOnly: true``."""
    notices: tuple[str, ...] = ()
    """What was asked for and needed nothing done: ``--unset`` of what is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedValues:
    """What templates of one bundle see, and who set each leaf."""

    data: Body
    origins: Mapping[Pointer, Origin]
    """For each leaf of ``data``; a deleted leaf (null) has its origin here too."""
    sensitive: frozenset[Pointer] = frozenset()
    """Leaves whose schema, the bundle's or a component's, says ``writeOnly: true``."""
    components: Mapping[str, MergedValues] | None = None
    """Values of each enabled component, by its name."""
    layers: tuple[ValuesLayer, ...] = ()
    """Every layer that was merged, earliest first; for ``values --explain``."""
    namespace: str = ""
    """Of a component that has one of its own."""
    outputs: Body = field(default_factory=dict)
    """What the bundle tells the one that uses it."""
    warnings: tuple[str, ...] = ()
    """Deprecated values in use, in this bundle and in its components."""
    user: UserValues = UserValues()
    """What the user gave; only in the values of the top bundle."""


def components_seen(names: Iterable[str], enabled: Mapping[str, MergedValues] | None) -> dict[str, Body]:
    """Return ``components`` as templates and expressions see it: which of ``names`` are on, and what they tell."""
    on = enabled or {}
    return {
        name: {"enabled": True, "outputs": on[name].outputs} if name in on else {"enabled": False} for name in names
    }
