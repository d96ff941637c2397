"""Fields that a bundle leaves empty for their controller to fill: ``caBundle``. Layer: planning, pure.

Source: cert-manager's ca-injector and others write ``clientConfig.caBundle`` where a template says ``""``.
"""

from __future__ import annotations

from typing import cast

from bundler.fields.field_set import Tree, owned_fields
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, mapping_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest

_PEOPLE = ("kubectl", "helm", "k9s", "Lens")
"""How the field managers of people's tools begin: what they set is not a controller's."""
_BLANK = ("", "Cg==", "Cgo=")
"""Empty, or the base64 of an empty line: what templates of webhooks say where an injector shall write."""


def without_filled_fields(manifest: Manifest, live: Body) -> Manifest:
    """Return the manifest without the fields that it leaves empty and that a controller has filled since.

    Args:
        manifest: as it is wanted.
        live: the object, managedFields included.
    """
    entries = [entry for entry in items_at(live, "metadata", "managedFields") if _is_a_controllers(entry)]
    if not entries or not _has_blank(manifest.body):
        return manifest
    ours = owned_fields(live, FIELD_MANAGER).tree
    body = manifest.body
    for entry in entries:
        body = _cleared(body, live, cast("Tree", mapping_at(entry, "fieldsV1")), ours)
    return manifest if body is manifest.body else replace(manifest, body=body)


def _is_a_controllers(entry: Body) -> bool:
    manager = str(entry.get("manager", ""))
    return manager != FIELD_MANAGER and not entry.get("subresource") and not manager.startswith(_PEOPLE)


def _has_blank(value: JSONValue) -> bool:
    if is_mapping(value):
        return not value or any(_has_blank(member) for member in value.values())
    if is_list(value):
        return not value or any(_has_blank(item) for item in value)
    return value in _BLANK


def _cleared(wanted: Body, live: JSONValue, theirs: Tree, ours: Tree) -> Body:
    """Return a mapping without the empty members that are theirs alone; itself where there is none."""
    if not is_mapping(live):
        return wanted
    cleared: dict[str, JSONValue] = {}
    for name, value in wanted.items():
        node, own = theirs.get(f"f:{name}"), ours.get(f"f:{name}")
        found = live.get(name)
        if node is None:
            cleared[name] = value
        elif _is_blank(value):
            if own is not None or _is_blank(found):
                cleared[name] = value
        else:
            cleared[name] = _below(value, found, node, own or {})
    return wanted if all(cleared.get(name) is value for name, value in wanted.items()) else cleared


def _below(value: JSONValue, live: JSONValue, theirs: Tree, ours: Tree) -> JSONValue:
    if is_mapping(value):
        return _cleared(value, live, theirs, ours)
    if not is_list(value) or not is_list(live):
        return value
    items = [_item(item, live, theirs, ours) for item in value]
    return value if all(one is other for one, other in zip(items, value, strict=True)) else items


def _item(item: JSONValue, live: JSONValue, theirs: Tree, ours: Tree) -> JSONValue:
    """Clear an item of a list whose items are distinguished by a key, as webhooks are by their name."""
    name = item.get("name") if is_mapping(item) else None
    step = f'k:{{"name":"{name}"}}'
    if not is_mapping(item) or not is_list(live) or step not in theirs:
        return item
    found = next((one for one in live if is_mapping(one) and one.get("name") == name), None)
    return _cleared(item, found, theirs[step], ours.get(step, {}))


def _is_blank(value: JSONValue) -> bool:
    if isinstance(value, str):
        return value in _BLANK
    return value is None or ((is_mapping(value) or is_list(value)) and not value)
