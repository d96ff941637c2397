"""Which objects a list or watch is about. Layer: sandbox, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import RejectedError
from bundler.fields.selectors import SelectorError, fields_match, labels_match, parse_fields, parse_labels
from bundler.model.json import mapping_at, text_at
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.fields.selectors import Requirement
    from bundler.model.cluster import ListQuery
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType
    from bundler.sandbox.store import LogEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Namespace and selectors of one query."""

    namespace: str
    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, body: Body) -> bool:
        """Return whether an object is meant."""
        if self.namespace and text_at(body, "metadata", "namespace") != self.namespace:
            return False
        return labels_match(self.labels, body) and fields_match(self.fields, body)

    def change(self, entry: LogEntry) -> str:
        """Return how a watch tells a change: objects come and go with their labels; empty where it does not."""
        was = entry.previous is not None and self.matches(entry.previous)
        is_now = entry.type != "DELETED" and self.matches(entry.body)
        if was and is_now:
            return "MODIFIED"
        if is_now:
            return "ADDED"
        return "DELETED" if was else ""


def read_filter(query: ListQuery) -> Filter:
    """Read the selectors of a query.

    Raises:
        RejectedError: when one cannot be read.
    """
    try:
        labels, fields = parse_labels(query.label_selector), parse_fields(query.field_selector, query.kind)
    except SelectorError as error:
        raise RejectedError(f"listing {query.kind}", context=[str(error)], hint="correct the selector") from error
    return Filter(namespace=query.namespace, labels=labels, fields=fields)


def metadata_of(body: Body, served: ResourceType) -> Body:
    """Return what a metadata-only request shows of an object."""
    return {"apiVersion": served.api_version, "kind": served.kind, "metadata": mapping_at(body, "metadata")}
