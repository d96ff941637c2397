"""What of a live object is the server's own bookkeeping. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import mapping_at

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

_SERVER_FIELDS = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp",
     "deletionGracePeriodSeconds"}
)  # fmt: skip


def content_of(body: Body) -> dict[str, JSONValue]:
    """Return the body without status and without what the server keeps in metadata.

    Version, kind and metadata come first: lists, answers and templates each have an order of their own.
    """
    head = {key: body[key] for key in ("apiVersion", "kind") if key in body}
    content = {key: value for key, value in body.items() if key not in {"apiVersion", "kind", "metadata", "status"}}
    metadata = {key: value for key, value in mapping_at(body, "metadata").items() if key not in _SERVER_FIELDS}
    return {**head, "metadata": metadata, **content}


def same_content(one: Body, other: Body) -> bool:
    """Tell whether two answers of the server say the same but for its bookkeeping."""
    return content_of(one) == content_of(other)
