"""Merge patches. Layer: fields, pure.

Source: RFC 7396 (JSON merge patch); where a schema is available, lists whose items have keys merge by them, as in
kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, is_list, is_mapping

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode


def merge_patch(target: JSONValue, patch: JSONValue, schema: SchemaNode | None = None) -> JSONValue:
    """Return ``target`` with a merge patch: mappings merge, null removes, all else replaces.

    Args:
        target: what is there.
        patch: what is changed.
        schema: of what is there; lists whose items have keys merge by them, ``$patch: delete`` takes an item out.
    """
    if is_list(patch) and is_list(target) and schema is not None and schema.map_keys:
        return _merged_list(target, patch, schema)
    if not is_mapping(patch):
        return patch
    merged = dict(target) if is_mapping(target) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value, schema.field(key) if schema is not None else None)
    return merged


def _merged_list(target: Sequence[JSONValue], patch: Sequence[JSONValue], schema: SchemaNode) -> list[JSONValue]:
    items = list(target)
    keys = [_key(item, schema) for item in items]
    for change in patch:
        key = _key(change, schema)
        place = keys.index(key) if key in keys else len(items)
        if is_mapping(change) and change.get("$patch") == "delete":
            del items[place : place + 1], keys[place : place + 1]
        elif place == len(items):
            items.append(change)
            keys.append(key)
        else:
            items[place] = merge_patch(items[place], change, schema.items)
    return items


def _key(item: JSONValue, schema: SchemaNode) -> tuple[JSONValue, ...]:
    return tuple(item.get(key, schema.key_defaults.get(key)) if is_mapping(item) else None for key in schema.map_keys)
