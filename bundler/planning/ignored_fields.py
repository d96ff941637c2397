"""What of a live object is the server's own bookkeeping. Layer: planning, pure."""

from __future__ import annotations

from bundler.fields.typed import same
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, JSONValue, items_at, mapping_at

_SERVER_FIELDS = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp",
     "deletionGracePeriodSeconds"}
)  # fmt: skip


def content_of(body: Body) -> dict[str, JSONValue]:
    """Return the body without what the server keeps in metadata, and without a status that a controller writes.

    Version, kind and metadata come first: lists, answers and templates each have an order of their own.
    """
    head = {key: body[key] for key in ("apiVersion", "kind") if key in body}
    left_out = (
        {"apiVersion", "kind", "metadata"} if _has_own_status(body) else {"apiVersion", "kind", "metadata", "status"}
    )
    content = {key: value for key, value in body.items() if key not in left_out}
    metadata = {key: value for key, value in mapping_at(body, "metadata").items() if key not in _SERVER_FIELDS}
    return {**head, "metadata": metadata, **content}


def _has_own_status(body: Body) -> bool:
    """Return whether the status is what a bundle says: rendered, or applied where it is not a subresource."""
    if "uid" not in mapping_at(body, "metadata"):
        return True
    entries = items_at(body, "metadata", "managedFields")
    applied = (one for one in entries if (one.get("manager"), one.get("operation")) == (FIELD_MANAGER, "Apply"))
    return any("f:status" in mapping_at(one, "fieldsV1") for one in applied)


def same_content(one: Body, other: Body) -> bool:
    """Return whether two answers of the server say the same but for its bookkeeping."""
    return same(content_of(one), content_of(other))
