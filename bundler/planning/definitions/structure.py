"""Reading the schema of a CustomResourceDefinition. Layer: planning, pure.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/.
"""

from __future__ import annotations

from typing import Final

from bundler.model.json import Body, is_mapping, items_at, mapping_at, strings_at

KEEPS: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
RULES: Final = "x-kubernetes-validations"
ANYTHING: Final[Body] = {KEEPS: True, "nullable": True}
"""The schema of a place where everything may be."""
OF_EVERY_OBJECT: Final = frozenset({"apiVersion", "kind", "metadata"})
_WITHOUT_LIMITS: Final = frozenset({KEEPS, "nullable", "default", "description", "title", "example", "externalDocs"})
_BY_WORD: Final = {
    "integer": frozenset({"integer"}),
    "number": frozenset({"integer", "number"}),
    **{word: frozenset({word}) for word in ("string", "boolean", "object", "array")},
}


def root_of(schema: Body) -> Body:
    """Return the schema of a whole object: it has apiVersion, kind and metadata, whose rules are Kubernetes' own."""
    return {"type": "object", **schema, EMBEDDED: True}


def takes_anything(schema: Body) -> bool:
    """Return whether everything may be in a place, and is kept."""
    return schema.get(KEEPS) is True and schema.keys() <= _WITHOUT_LIMITS


def types_of(schema: Body) -> frozenset[str] | None:
    """Return the JSON types that may be in a place, ``null`` among them; None where any may."""
    if schema.get("x-kubernetes-int-or-string") is True:
        found = frozenset({"integer", "string"})
    elif isinstance(word := schema.get("type"), str) and word in _BY_WORD:
        found = _BY_WORD[word]
    else:
        return None
    return found | {"null"} if schema.get("nullable") is True else found


def field_of(schema: Body, name: str) -> Body | None:
    """Return the schema of a field; None where the field is unknown, and dropped by the server."""
    known = mapping_at(schema, "properties")
    if schema.get(EMBEDDED) is True and name in OF_EVERY_OBJECT:
        return ANYTHING
    if is_mapping(found := known.get(name)):
        return found
    return other_fields_of(schema)


def other_fields_of(schema: Body) -> Body | None:
    """Return the schema of the fields that have none of their own; None where they are dropped."""
    if is_mapping(extra := schema.get("additionalProperties")):
        return extra
    is_free = extra is True or schema.get(KEEPS) is True
    return ANYTHING if is_free else None


def items_of(schema: Body) -> Body:
    """Return the schema of the items of a list; what keeps unknown fields hands that down."""
    items = mapping_at(schema, "items") or ANYTHING
    return {**items, KEEPS: True} if schema.get(KEEPS) is True else items


def list_type_of(schema: Body) -> tuple[str, tuple[str, ...]]:
    """Return what identifies the items of a list: ``atomic``, ``set``, or ``map`` and by which fields."""
    word = schema.get("x-kubernetes-list-type")
    return (word if isinstance(word, str) else "atomic"), strings_at(schema, "x-kubernetes-list-map-keys")


def rules_of(schema: Body) -> dict[str, str]:
    """Return the CEL rules of a place, and the message of each."""
    return {str(rule.get("rule")): str(rule.get("message") or "") for rule in items_at(schema, RULES)}
