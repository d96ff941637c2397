"""A kind of the cluster whose objects are orders of one bundle. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
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
    """``spec.menu`` of bundle.yaml: as what kind a bundle can be ordered.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     spec = session.menu("shop").spec
        >>> (spec.kind, spec.definition_name, spec.expose[0])
        ('Shop', 'shops.bundles.example', 'qps')
    """

    group: str
    """API group of the kind: a domain."""
    kind: str
    """``Shop``."""
    plural: str
    """``shops``."""
    short_names: tuple[str, ...] = ()
    """For kubectl."""
    version: str = "v1"
    """API version of the kind."""
    expose: tuple[str, ...] = ()
    """Paths of the values that an order can set; empty: the properties of the schema that name no component."""
    columns: tuple[KindColumn, ...] = ()
    """What ``kubectl get`` prints of orders besides their state."""
    source: Source
    """Where it is written."""
    exposed_in: tuple[Source, ...] = field(default=(), compare=False)
    """File and line of each path of ``expose``."""

    @property
    def definition_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{self.group}"


@dataclass(frozen=True, slots=True, order=True)
class ControllerCheck:
    """A rule of the bundle's schema that the API server cannot hold, or not wholly; the controller does.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     kind = session.menu("webapp")
        >>> print(kind.checks[-1].path, kind.checks[-1].keyword, kind.checks[-1].reason, sep=", ")
        settings.*, *, it can be of several types
    """

    path: str
    """Of the value: ``web.image``; ``hosts[]`` is each item, ``labels.*`` each entry; empty: the values as a whole."""
    keyword: str
    """Of JSON Schema; ``*`` is everything there and below."""
    reason: str
    """Why the API server does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindField:
    """One field of an order; one without a type is a value that an order does not set, and that is checked.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     field = session.menu("shop").fields[0]
        >>> (field.path, field.type, field.rules)
        ('qps', 'integer', ('≥ 1', '≤ 20000'))
    """

    path: str
    """As in a `ControllerCheck`."""
    type: str
    """``integer``, ``list of string``, ``integer or string``, ``any``."""
    rules: tuple[str, ...] = ()
    """What the API server checks: ``≥ 1``, ``one of a, b``."""
    is_required: bool = False
    """An order has to set it."""
    description: str = ""
    """What it is for, with its default."""
    checks: tuple[ControllerCheck, ...] = ()
    """What the controller checks at it."""


@dataclass(frozen=True, slots=True, order=True)
class SecretKey:
    """A key of a Secret, in the namespace of the order that names it.

    Example:
        >>> from bundler import SecretKey
        >>> SecretKey("shop-db", "password").key
        'password'
    """

    name: str
    """Of the Secret."""
    key: str
    """In its ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKind:
    """A kind of orders, made of a bundle.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     kind = session.menu("shop")
        >>> (kind.definition["metadata"]["name"], kind.menu["kind"])
        ('shops.bundles.example', 'Menu')
    """

    spec: KindSpec
    """What bundle.yaml says of it."""
    definition: Body
    """The CustomResourceDefinition."""
    menu: Body
    """The ``Menu`` that tells a controller to serve it."""
    roles: tuple[Body, ...] = ()
    """ClusterRoles that let the controller keep its objects, and people view and edit them."""
    fields: tuple[KindField, ...] = ()
    """Of an order, and who checks what."""
    checks: tuple[ControllerCheck, ...]
    """What the controller checks instead of the API server, sorted by path."""
    secrets: Mapping[str, bool] = field(default_factory=dict)
    """Path of each field that names a Secret, ``db.passwordFrom``; and whether its text is the value, or is YAML."""


@dataclass(frozen=True, slots=True, order=True)
class OrderProblem:
    """Why a bundle cannot be installed as an order says.

    Example:
        >>> from bundler import Session
        >>> order = {"metadata": {"namespace": "prod", "name": "shop"}, "spec": {"qps": 0}}
        >>> with Session.local() as session:
        ...     (problem,) = session.broken_orders("shop", [order])
        >>> print(problem.name, problem.message.partition("  ")[0])
        shop /qps: 0 is less than the minimum of 1
    """

    namespace: str
    """Of the order."""
    name: str
    """Of the order."""
    message: str
    """The place, what was found there, and the rule."""
