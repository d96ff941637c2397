"""Kinds of orders as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bundler.model.kind import ControllerCheck, KindField, OrderKind


class ControllerCheckForm(TypedDict):
    """A rule that the controller checks, since the API server cannot, or not wholly."""

    keyword: str
    """Of JSON Schema; ``*`` is everything there and below, ``derive`` a formula of the bundle."""
    reason: str


class KindFieldForm(TypedDict):
    """One field of an order; one without a type is a value that an order does not set."""

    path: str
    """``web.image``; ``hosts[]`` is each item, ``labels.*`` each entry; empty: the values as a whole."""
    type: str
    required: bool
    rules: list[str]
    """What the API server checks, in words."""
    controllerChecks: list[ControllerCheckForm]
    description: str


class OrderKindForm(TypedDict):
    """The kind that a bundle can be ordered as."""

    kind: str
    group: str
    version: str
    definition: str
    """The name of its CustomResourceDefinition."""
    fields: list[KindFieldForm]


def order_kind_form(kind: OrderKind) -> OrderKindForm:
    """Return a kind with its fields, and who checks what."""
    return {
        "kind": kind.spec.kind,
        "group": kind.spec.group,
        "version": kind.spec.version,
        "definition": kind.spec.definition_name,
        "fields": [_field_form(field) for field in kind.fields],
    }


def _field_form(field: KindField) -> KindFieldForm:
    return {
        "path": field.path,
        "type": field.type,
        "required": field.is_required,
        "rules": list(field.rules),
        "controllerChecks": [_check_form(check) for check in field.checks],
        "description": field.description,
    }


def _check_form(check: ControllerCheck) -> ControllerCheckForm:
    return {"keyword": check.keyword, "reason": check.reason}
