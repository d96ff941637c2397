"""Built-in kinds and the schemas of objects, generated from Kubernetes' OpenAPI. Layer: fields, pure but for its own data file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body, JSONValue

ScalarType = Literal["quantity", "int-or-string", "string", "integer", "boolean", "number", "time", "micro-time", "bytes", "any", ""]


@dataclass(frozen=True, slots=True, order=True)
class KindInfo:
    """How a built-in kind is served."""

    group: str
    kind: str
    plural: str
    is_namespaced: bool
    versions: tuple[str, ...]
    """Preferred first."""
    has_status: bool
    """Whether it has a status subresource: an apply then never owns ``status``."""
    has_scale: bool


class SchemaNode:
    """What may stand at one place of an object."""

    @property
    def shape(self) -> Literal["map", "list", "scalar", "any"]:
        """``any`` is a free-form value: everything is allowed below it."""
        raise NotImplementedError

    @property
    def scalar(self) -> ScalarType:
        """The type of a scalar; empty for maps and lists."""
        raise NotImplementedError

    @property
    def list_type(self) -> Literal["map", "set", "atomic"]:
        """How a list merges; ``atomic`` where nothing is said."""
        raise NotImplementedError

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The keys that identify an item of a ``map`` list."""
        raise NotImplementedError

    @property
    def key_defaults(self) -> Mapping[str, JSONValue]:
        """Defaults of ``map_keys`` that an item may leave out: ``{"protocol": "TCP"}``."""
        raise NotImplementedError

    @property
    def map_type(self) -> Literal["granular", "atomic"]:
        """How a map merges."""
        raise NotImplementedError

    @property
    def allows_unknown(self) -> bool:
        """Whether fields other than ``field_names`` may stand in this map."""
        raise NotImplementedError

    @property
    def field_names(self) -> frozenset[str]:
        """The known fields of a map."""
        raise NotImplementedError

    @property
    def required(self) -> tuple[str, ...]:
        """The known fields that must be there."""
        raise NotImplementedError

    def field(self, name: str) -> SchemaNode | None:
        """Return the schema of a field: a known one, else that of additional values; None where it is unknown."""
        raise NotImplementedError

    @property
    def items(self) -> SchemaNode | None:
        """The schema of a list's items."""
        raise NotImplementedError


def schema_for(group: str, version: str, kind: str) -> SchemaNode | None:
    """Return the schema of a built-in kind, None where it is not one."""
    raise NotImplementedError


def schema_from_crd(crd: Body, version: str) -> SchemaNode | None:
    """Return the schema of the objects that a CustomResourceDefinition serves as ``version``."""
    raise NotImplementedError


def kind_info(group: str, kind: str) -> KindInfo | None:
    """Return how a built-in kind is served."""
    raise NotImplementedError


def all_kinds() -> tuple[KindInfo, ...]:
    """Return every built-in kind, sorted."""
    raise NotImplementedError


def scope_of(group: str, kind: str) -> bool | None:
    """Tell whether a kind is namespaced; None where it is not built in."""
    raise NotImplementedError


def plural_of(group: str, kind: str) -> str | None:
    """Return ``deployments`` for ``Deployment``; None where it is not built in."""
    raise NotImplementedError


def preferred_version(group: str, kind: str) -> str | None:
    """Return ``v1`` for ``Deployment``; None where it is not built in."""
    raise NotImplementedError


def unknown_fields(body: Body, schema: SchemaNode) -> tuple[str, ...]:
    """Return the dotted paths of fields that the schema does not know, as strict decoding names them: ``spec.foo``."""
    raise NotImplementedError


def pod_spec_path(group: str, kind: str) -> tuple[str, ...] | None:
    """Return where the pod spec of a workload kind stands: ``("spec", "template", "spec")``."""
    raise NotImplementedError


def immutable_changes(before: Body, after: Body) -> tuple[str, ...]:
    """Return the dotted paths of immutable fields of a built-in kind that differ: ``spec.selector``."""
    raise NotImplementedError
