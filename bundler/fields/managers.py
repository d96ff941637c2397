"""managedFields as data: who owns which fields since when. Layer: fields, pure.

Source: k8s.io/apimachinery pkg/util/managedfields/internal (managedfields.go, capmanagers.go).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from bundler.fields.field_set import FieldSet
from bundler.model.json import Body, JSONValue, items_at
from bundler.model.lean import dataclass, replace

MAX_UPDATE_MANAGERS = 10
OLD_UPDATES = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"


class ManagerKey(NamedTuple):
    """What tells one entry of managedFields from another."""

    operation: str
    """``Apply`` or ``Update``."""
    manager: str
    version: str
    """apiVersion; empty for an applier, who has one entry whatever version is applied."""
    subresource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What an entry of managedFields says besides its key."""

    fields: FieldSet
    api_version: str
    time: str
    """RFC 3339; empty where none is given."""


Managers: TypeAlias = dict[ManagerKey, Ownership]


def applier(manager: str) -> ManagerKey:
    """Return the key of a manager's applies to the main resource."""
    return ManagerKey("Apply", manager, "", "")


def updater(manager: str, api_version: str, subresource: str = "") -> ManagerKey:
    """Return the key of a manager's other writes.

    Args:
        manager: whose other writes are meant.
        api_version: of the write.
        subresource: ``status``, ``scale``; empty for the object itself.
    """
    return ManagerKey("Update", manager or "unknown", api_version, subresource)


def read_managers(body: Body) -> Managers:
    """Return the managedFields of an object by key."""
    managers: Managers = {}
    for entry in items_at(body, "metadata", "managedFields"):
        operation, version = str(entry.get("operation", "")), str(entry.get("apiVersion", ""))
        key = ManagerKey(
            operation,
            str(entry.get("manager", "")),
            "" if operation == "Apply" else version,
            str(entry.get("subresource", "")),
        )
        fields = FieldSet.parse(entry.get("fieldsV1"))
        managers[key] = Ownership(fields=fields, api_version=version, time=str(entry.get("time", "")))
    return managers


def write_managers(managers: Managers) -> list[JSONValue]:
    """Return managedFields: appliers first, then by time, name and version."""
    order = sorted(managers, key=lambda key: (key.operation, managers[key].time, key.manager, key.version, key[3]))
    return [_entry(key, managers[key]) for key in order]


def _entry(key: ManagerKey, owned: Ownership) -> Body:
    entry: dict[str, JSONValue] = {
        "manager": key.manager,
        "operation": key.operation,
        "apiVersion": owned.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields.serialise(),
    }
    if owned.time:
        entry["time"] = owned.time
    if key.subresource:
        entry["subresource"] = key.subresource
    return entry


def without_empty(managers: Managers) -> Managers:
    """Return the managers that own something."""
    return {key: owned for key, owned in managers.items() if not owned.fields.is_empty}


def capped(managers: Managers) -> Managers:
    """Fold the oldest updaters of each version into one entry, so that at most ten are left."""
    updaters = [key for key in managers if key.operation == "Update"]
    if len(updaters) <= MAX_UPDATE_MANAGERS:
        return managers
    updaters.sort(key=lambda key: (managers[key].time, key.manager, key.version))
    kept = dict(managers)
    first: dict[str, ManagerKey] = {}
    left = len(updaters)
    for key in updaters:
        if left <= MAX_UPDATE_MANAGERS:
            break
        bucket = updater(OLD_UPDATES, kept[key].api_version)
        if key.version not in first:
            first[key.version] = key
            continue
        if bucket not in kept:
            kept[bucket] = kept.pop(first[key.version])
        older = kept.pop(key)
        kept[bucket] = replace(older, fields=older.fields.union(kept[bucket].fields))
        left -= 1
    return kept
