"""Objects of API versions and kinds that the cluster no longer serves. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.model.change import Change, KeptObject
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.planning.observation import Observation, Wanted


def gone_objects(wanted: Wanted, observation: Observation) -> Iterator[KeptObject]:
    """Yield recorded objects whose kind is not served any more: they went with it.

    An upgrade names those of the deployed revision; a rollback or an uninstall all that are recorded.
    """
    refs = {manifest.ref for manifest in wanted.manifests}
    counts_all = wanted.is_removal or wanted.is_rollback
    for ref in sorted(wanted.owned):
        is_unserved = (ref.group, ref.kind) in observation.unserved
        if is_unserved and ref not in refs and (counts_all or ref in wanted.recorded):
            kind = f"{ref.kind} in {ref.group}" if ref.group else ref.kind
            yield KeptObject(ref, f"the cluster serves no {kind} any more")


def in_served_version(change: Change) -> Change:
    """Return a change that says in which version its object was recorded, where that is not served any more."""
    manifest = change.desired
    if manifest is None or not manifest.recorded_in:
        return change
    said = f"recorded in {manifest.recorded_in}, which is not served any more; written in {manifest.api_version}"
    return replace(change, reason=f"{change.reason}; {said}" if change.reason else said)
