"""Objects that came back from a plain backup: what is in them is ours, and no field says so. Layer: planning, pure.

A backup without managedFields is written again by kubectl or a backup tool, which owns every field from then on,
defaults included. Left so, a field that a later version drops would stay, and one that it changes is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable

from bundler.fields.kinds import schema_of
from bundler.fields.managers import ManagerKey, read_managers
from bundler.fields.merge import applied_fields, without_abandoned
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, items_at, mapping_at
from bundler.model.manifest import Manifest
from bundler.planning.ownership import is_ours

REASON = "restored from a backup: its fields are taken back"
_RESTORERS = ("kubectl-create", "kubectl-replace", "kubectl-client-side-apply", "velero", "before-first-apply")
"""How the field managers that write backups begin; the last is the server's word for what was written by no one."""


def is_restored(live: Body, uid: str) -> bool:
    """Return whether an object of the release was written again from a backup, and not by bundler since."""
    entries = items_at(live, "metadata", "managedFields")
    if not uid or not is_ours(live, uid) or any(entry.get("manager") == FIELD_MANAGER for entry in entries):
        return False
    return not entries or any(_is_restorers(entry) for entry in entries)


def are_restorers(managers: Iterable[str]) -> bool:
    """Return whether all of these field managers are those that write backups."""
    return all(manager.startswith(_RESTORERS) for manager in managers)


def taken_back(live: Body, applied: Body) -> Body:
    """Return a restored object whose fields are owned as if it had never been away.

    Args:
        live: the object.
        applied: what the server would make of it by a forced apply of what the release recorded; its entry of ours
            says which fields these are. Others that the backup held, as defaults, belong to no one again.
    """
    ours = [one for one in items_at(applied, "metadata", "managedFields") if one.get("manager") == FIELD_MANAGER]
    others = [one for one in items_at(live, "metadata", "managedFields") if not _is_restorers(one)]
    return {**live, "metadata": {**mapping_at(live, "metadata"), "managedFields": [*ours, *others]}}


def without_dropped(answer: Body, live: Body, recorded: Manifest, desired: Manifest) -> Body:
    """Return what a restored object will be, fields that the release wants no longer left out.

    The server's dry-run answer still has them: while it is asked, they belong to who restored the object.

    Args:
        answer: the server's, to a forced apply of ``desired``.
        live: the object.
        recorded: what the release had written.
        desired: what it will write.
    """
    others = [owned for key, owned in read_managers(live).items() if not _is_a_restorers(key)]
    last = applied_fields(recorded.body, schema_of(recorded.body))
    return without_abandoned(answer, last=last, others=others, applied=desired.body)


def _is_restorers(entry: Body) -> bool:
    return any(map(_is_a_restorers, read_managers({"metadata": {"managedFields": [entry]}})))


def _is_a_restorers(key: ManagerKey) -> bool:
    is_whole = key.operation == "Update" and not key.subresource
    return is_whole and key.manager.startswith(_RESTORERS)
