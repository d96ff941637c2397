"""What a plan has to find again of the live objects it was made for. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from bundler.fields.field_set import FieldSet, to_path
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.digest import digest_of
from bundler.model.json import Body, canonical_json, items_at, mapping_at, text_at
from bundler.model.refs import ObjectRef
from bundler.model.saved_plan import LiveFact, SavedPlan
from bundler.model.secret_leaves import is_secret
from bundler.model.size import first_of
from bundler.planning.ignored_fields import content_of
from bundler.planning.payloads import without_replicas

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.change import Change, Plan

ROLLOUT_COUNT: Final = "deployment.kubernetes.io/revision"
"""An annotation that the controller of Deployments writes, as others write a status."""
_SHOWN_FIELDS = 3


def live_facts(
    plan: Plan, mask: Callable[[str], str], earlier: SavedPlan | None = None
) -> Mapping[ObjectRef, LiveFact]:
    """Return what is to be found again of each live object of a plan.

    Args:
        plan: with its changes.
        mask: masks what is sensitive in a text.
        earlier: a saved plan; what it knows of an object that did not move is not computed again.
    """
    known = earlier.facts.live if earlier else {}
    since = earlier.created if earlier else None
    return {
        change.ref: _fact(change, change.before, mask, known.get(change.ref), since)
        for change in plan.changes
        if change.before is not None
    }


def _fact(
    change: Change, live: Body, mask: Callable[[str], str], known: LiveFact | None, since: datetime | None
) -> LiveFact:
    uid, version = text_at(live, "metadata", "uid"), text_at(live, "metadata", "resourceVersion")
    if known is not None and (known.uid, known.version) == (uid, version):
        return known
    writers = _writers(live, since) if since else ""
    if is_secret(live):  # it has no status, and a digest of what it holds would give it away
        return LiveFact(uid=uid, version=version, digest="", writers=writers)
    content = canonical_json(_relevant(change, live)).decode()
    return LiveFact(uid=uid, version=version, digest=digest_of(mask(content).encode()), writers=writers)


def _relevant(change: Change, live: Body) -> Body:
    """Return a live object without what controllers write while nothing happens."""
    content = content_of(live)
    notes = mapping_at(content, "metadata", "annotations")
    if ROLLOUT_COUNT in notes:
        kept = {key: value for key, value in notes.items() if key != ROLLOUT_COUNT}
        content["metadata"] = {**mapping_at(content, "metadata"), "annotations": kept}
    return without_replicas(content) if change.is_autoscaled else content


def _writers(live: Body, since: datetime) -> str:
    """Return who wrote an object since a moment, and what they own of it; writes of ``scale`` carry no time."""
    from_second = since.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = []
    for entry in items_at(live, "metadata", "managedFields"):
        manager, time = text_at(entry, "manager"), text_at(entry, "time")
        if manager == FIELD_MANAGER or text_at(entry, "subresource") == "status" or "" < time < from_second:
            continue
        fields = FieldSet.parse(entry.get("fieldsV1")).leaves()
        paths = first_of([to_path(path) for path in fields.paths()], _SHOWN_FIELDS)
        found.append(f"{manager}{f' at {time}' if time else ''} ({', '.join(paths)})")
    return "; ".join(found)
