"""Kubernetes objects as one list. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.rendered import SplitObjects


class ListForm(TypedDict):
    """Objects, as kubectl takes them."""

    apiVersion: Literal["v1"]
    kind: Literal["List"]
    items: list[Body]


def list_form(objects: list[Body]) -> ListForm:
    """Return objects as one list."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}


class SplitForm(TypedDict):
    """A folder that holds one file for each rendered object."""

    folder: str
    check: bool
    """Nothing was written."""
    files: list[str]
    """The path of each object's file in the folder."""
    added: list[str]
    """Files that were not there."""
    changed: list[str]
    """Files that had another text."""
    removed: list[str]
    """Files of an earlier run whose objects are rendered no longer."""


def split_form(split: SplitObjects) -> SplitForm:
    """Return what became of a folder."""
    return {
        "folder": str(split.folder),
        "check": split.is_check,
        "files": list(split.files),
        "added": list(split.added),
        "changed": list(split.changed),
        "removed": list(split.removed),
    }
