"""Kubernetes objects as one list. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from bundler.model.json import Body


class ListForm(TypedDict):
    """Objects, as kubectl takes them."""

    apiVersion: Literal["v1"]
    kind: Literal["List"]
    items: list[Body]


def list_form(objects: list[Body]) -> ListForm:
    """Return objects as one list."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}
