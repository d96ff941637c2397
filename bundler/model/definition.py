"""What a CustomResourceDefinition says of the kind that it defines. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.json import Body, items_at, text_at

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef

DEFINITION: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")


def is_definition(ref: ObjectRef) -> bool:
    """Return whether an object is a CustomResourceDefinition."""
    return (ref.group, ref.kind) == DEFINITION


def kind_of(crd: Body) -> tuple[str, str]:
    """Return group and kind of what a definition defines."""
    return text_at(crd, "spec", "group"), text_at(crd, "spec", "names", "kind")


def served_versions(crd: Body) -> tuple[str, ...]:
    """Return the versions in which clients can use the kind."""
    return tuple(text_at(one, "name") for one in items_at(crd, "spec", "versions") if one.get("served") is not False)


def storage_of(crd: Body) -> str:
    """Return the version in which objects are stored when they are written."""
    return next((text_at(one, "name") for one in items_at(crd, "spec", "versions") if one.get("storage") is True), "")
