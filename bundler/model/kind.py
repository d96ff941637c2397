"""A kind of the cluster whose objects are orders of one bundle. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body
    from bundler.model.manifest import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class KindColumn:
    """A column that ``kubectl get`` prints of orders."""

    name: str
    path: str
    """``.spec.qps``."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec:
    """``spec.menu`` of bundle.yaml: as what kind a bundle can be ordered."""

    group: str
    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    version: str = "v1"
    expose: tuple[str, ...] = ()
    """Paths of the values that an order can set; empty: the properties of the schema that name no component."""
    columns: tuple[KindColumn, ...] = ()
    source: Source
    exposed_in: tuple[Source, ...] = field(default=(), compare=False)
    """File and line of each path of ``expose``."""

    @property
    def definition_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{self.group}"


@dataclass(frozen=True, slots=True, order=True)
class ControllerCheck:
    """A rule of the bundle's schema that the API server cannot hold, or not wholly; the controller does."""

    path: str
    """Of the value: ``web.image``; ``hosts[]`` is each item, ``labels.*`` each entry; empty: the values as a whole."""
    keyword: str
    """Of JSON Schema; ``*`` is everything there and below."""
    reason: str
    """Why the API server does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindField:
    """One field of an order."""

    path: str
    type: str
    """``integer``, ``list of string``, ``integer or string``, ``any``."""
    rules: tuple[str, ...] = ()
    """What the API server checks: ``≥ 1``, ``one of a, b``."""
    is_required: bool = False
    description: str = ""
    checks: tuple[ControllerCheck, ...] = ()
    """What the controller checks at it."""


@dataclass(frozen=True, slots=True, order=True)
class SecretKey:
    """A key of a Secret, in the namespace of the order that names it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKind:
    """A kind of orders, made of a bundle."""

    spec: KindSpec
    definition: Body
    """The CustomResourceDefinition."""
    checks: tuple[ControllerCheck, ...]
    """What the controller checks instead of the API server, sorted by path."""
    secrets: Mapping[str, bool] = field(default_factory=dict)
    """Path of each field that names a Secret, ``db.passwordFrom``; and whether its text is the value, or is YAML."""
