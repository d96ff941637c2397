"""Pair what is wanted with what is live, before the server is asked. Layer: planning, pure.

What cannot have changed is settled here, and so is what a change never touches; about the rest the server is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bundler.fields.unchanged import is_unchanged
from bundler.model.cluster import FIELD_MANAGER, is_deleting
from bundler.model.hooks import hook_run
from bundler.model.json import Body, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.autoscale import REPLICAS_PATH, is_stopped, is_stopped_by, with_followed_replicas
from bundler.planning.conflicts import left_fields, without_fields
from bundler.planning.filled_fields import without_filled_fields
from bundler.planning.going_back import left_as_live, never_goes_back
from bundler.planning.hooks import is_of_other_run
from bundler.planning.jobs import job_failed
from bundler.planning.observation import Candidate, Observation, Wanted
from bundler.planning.ownership import owner_of
from bundler.planning.version_stamp import without_version_stamp

NONE_KNOWN: Final[Mapping[ObjectRef, Candidate]] = MappingProxyType({})


def find_candidates(
    wanted: Wanted, observation: Observation, *, known: Mapping[ObjectRef, Candidate] = NONE_KNOWN
) -> tuple[Candidate, ...]:
    """Pair wanted objects with live ones and settle, without asking, those that cannot have changed.

    Args:
        wanted: what is wanted.
        observation: live objects.
        known: candidates of an earlier look; where neither side moved since, they stand.
    """
    return tuple(_candidate(manifest, wanted, observation, known.get(manifest.ref)) for manifest in wanted.manifests)


def _candidate(manifest: Manifest, wanted: Wanted, observation: Observation, known: Candidate | None) -> Candidate:
    left, kept = tuple[str, ...](), ""
    found = observation.live.get(manifest.ref)
    live = None if found is None else without_version_stamp(found)
    if live is not None:
        manifest, kept = left_as_live(manifest, live, wanted)
    rendered = manifest
    lowest = observation.autoscaled.get(manifest.ref)
    is_new = manifest.ref in observation.newly_autoscaled and is_stopped(live)
    if lowest and (is_new or is_stopped_by(live, FIELD_MANAGER)):
        # Its autoscaler would leave it so; one that is not new was to end with the plan that stopped the workload.
        manifest, lowest = with_followed_replicas(manifest, live=None, lowest=lowest), None
        rendered = manifest
    if live is not None:
        left = left_fields(manifest, live, wanted)
        manifest = without_fields(without_filled_fields(manifest, live), left)
    if known is not None and lowest is None and _still_holds(known, manifest, live):
        return known
    if lowest is not None:
        manifest = with_followed_replicas(manifest, live=live, lowest=lowest)
    candidate = Candidate(manifest=manifest, live=live, is_autoscaled=False, settled=None, rendered=rendered, kept=kept)
    if newer := observation.newer.get(manifest.ref):
        return replace(candidate, settled=newer)
    if manifest.ref in observation.shared:
        return replace(candidate, settled=f"it is shared with {owner_of(live or {})}, and stays as it is")
    is_autoscaled = lowest is not None
    settled = _settle(manifest, live, wanted, is_autoscaled=is_autoscaled)
    return replace(candidate, is_autoscaled=is_autoscaled, settled=settled, left=left)


def _still_holds(known: Candidate, manifest: Manifest, live: Body | None) -> bool:
    if known.manifest is not manifest or known.is_autoscaled or known.live is None or live is None:
        return False
    version = text_at(live, "metadata", "resourceVersion")
    return known.live is live or (version != "" and version == text_at(known.live, "metadata", "resourceVersion"))


def _settle(manifest: Manifest, live: Body | None, wanted: Wanted, *, is_autoscaled: bool) -> str | None:
    if live is None:
        return "it has run" if manifest.ref in wanted.finished_jobs else None
    if job_failed(manifest.ref, live) or is_deleting(live) or is_of_other_run(manifest, live):
        return None
    if hook_run(manifest.body):
        return "an earlier try of this change has begun it"
    if never_goes_back(manifest, wanted):
        return "never goes back"
    ignoring = frozenset({REPLICAS_PATH}) if is_autoscaled else frozenset[str]()
    return "unchanged" if is_unchanged(manifest.body, live, manager=FIELD_MANAGER, ignoring=ignoring) else None
