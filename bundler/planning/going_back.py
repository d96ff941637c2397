"""What stays as it is when a release goes back to an older revision. Layer: planning, pure.

Definitions, namespaces, claims and the claim templates of StatefulSets hold what was made since: no rollback changes
them, except for a claim or volume that ``--recreate`` names. The record of the rollback holds them as they are live, so
that the next change and ``drift`` compare with what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from bundler.fields.field_set import Tree, owned_fields
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, JSONValue, is_mapping, mapping_at
from bundler.model.kept import NEVER_DELETED
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.model.size import first_of
from bundler.planning.claim_growth import is_stateful_set, resized_templates, with_live_templates
from bundler.planning.diff import differing
from bundler.planning.ownership import is_ours
from bundler.planning.recreate import rule_for

if TYPE_CHECKING:
    from bundler.model.release import InventoryEntry
    from bundler.planning.observation import Candidate, Wanted

_SHOWN_FIELDS: Final = 3


def never_goes_back(manifest: Manifest, wanted: Wanted) -> bool:
    """Return whether a change leaves an object that is there as it is: it is of an older revision, and not named."""
    if not wanted.goes_back_to or (manifest.ref.group, manifest.ref.kind) not in NEVER_DELETED:
        return False
    return rule_for(manifest, wanted.recreates) is None


def left_as_live(manifest: Manifest, live: Body, wanted: Wanted) -> tuple[Manifest, str]:
    """Return an object with what stays of it as it is live, and what is said of that; empty where all goes back.

    Args:
        manifest: as the revision recorded it.
        live: the object, managedFields included.
        wanted: what the release shall be.
    """
    if never_goes_back(manifest, wanted) and is_ours(live, wanted.uid):
        stays = _as_written(manifest, live)
        fields = [_path(one.steps) for one in differing(manifest.body, stays.body)]
    elif wanted.goes_back_to and is_stateful_set(manifest.ref) and (sizes := resized_templates(live, manifest.body)):
        stays = with_live_templates(manifest, live)
        fields = [f"the size of {name}" for name in sizes]
    else:
        return manifest, ""
    if not fields:
        return manifest, ""
    named = ", ".join(first_of(fields, _SHOWN_FIELDS))
    return stays, f"a rollback leaves it as it is; revision {wanted.goes_back_to} differs in {named}"


def recorded_inventory(
    inventory: Iterable[InventoryEntry], candidates: Mapping[ObjectRef, Candidate]
) -> tuple[InventoryEntry, ...]:
    """Return the inventory of a revision in which what a rollback leaves is as it is live.

    Args:
        inventory: of the revision that is gone back to.
        candidates: of the plan.
    """
    left = {ref: one.rendered for ref, one in candidates.items() if one.kept}
    return tuple(replace(entry, manifest=left.get(entry.ref, entry.manifest)) for entry in inventory)


def _as_written(manifest: Manifest, live: Body) -> Manifest:
    """Return what the release last wrote of an object, with live values; as recorded where the server knows of none."""
    owned = owned_fields(live, FIELD_MANAGER).tree
    written = _owned(live, owned)
    if not owned or not is_mapping(written):
        return manifest
    metadata = mapping_at(manifest.body, "metadata")
    identity = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    kind = {key: manifest.body[key] for key in ("apiVersion", "kind")}
    return replace(manifest, body={**kind, **written, "metadata": {**identity, **mapping_at(written, "metadata")}})


def _owned(value: JSONValue, owned: Tree) -> JSONValue:
    names = {step[2:]: below for step, below in owned.items() if step.startswith("f:")}
    if not names or not is_mapping(value):
        return value
    return {name: _owned(one, names[name]) for name, one in value.items() if name in names}


def _path(steps: Iterable[str | int]) -> str:
    return "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in steps)
