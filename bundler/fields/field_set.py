"""Sets of fields in the fieldsV1 form of managedFields. Layer: fields, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.fields.kinds import SchemaNode
    from bundler.model.json import Body, JSONValue


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A set of field paths; a path is a tuple of ``f:name``, ``k:{"name":"web"}``, ``v:"x"`` and ``i:0``."""

    tree: Body
    """In fieldsV1 form; never modified."""

    @classmethod
    def parse(cls, fields_v1: JSONValue) -> FieldSet:
        """Read ``fieldsV1``."""
        raise NotImplementedError

    @classmethod
    def from_body(cls, body: Body, schema: SchemaNode | None) -> FieldSet:
        """Return the fields that applying ``body`` makes its manager own."""
        raise NotImplementedError

    def serialise(self) -> Body:
        """Return the ``fieldsV1`` value."""
        raise NotImplementedError

    def union(self, other: FieldSet) -> FieldSet:
        """Return the fields in either."""
        raise NotImplementedError

    def difference(self, other: FieldSet) -> FieldSet:
        """Return the fields of this set that are not in the other."""
        raise NotImplementedError

    def intersection(self, other: FieldSet) -> FieldSet:
        """Return the fields in both."""
        raise NotImplementedError

    def leaves(self) -> FieldSet:
        """Return the members that have no member below them."""
        raise NotImplementedError

    def paths(self) -> Iterator[tuple[str, ...]]:
        """Yield the members, parents first."""
        raise NotImplementedError

    def __contains__(self, path: tuple[str, ...]) -> bool:
        """Tell whether exactly this path is a member."""
        raise NotImplementedError

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no field in it."""
        raise NotImplementedError


def to_path(path: tuple[str, ...]) -> str:
    """Write a path as the server does in conflicts: ``.spec.template.spec.containers[name="web"].image``."""
    raise NotImplementedError


def owned_fields(body: Body, manager: str, *, operation: str = "Apply") -> FieldSet:
    """Return what ``manager`` owns in ``body`` by its managedFields, subresources left out."""
    raise NotImplementedError
