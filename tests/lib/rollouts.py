"""Open rollouts, as the record holds them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.actions.release.history import read_history
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import Rollout, RolloutState, Share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import RevisionSummary
    from bundler.ports import Clock, ReleaseStore


def paused_rollout(**more: object) -> Rollout:
    """One step of 10 %, paused after it by Ada."""
    usual = Rollout(
        shares={"": (Share(10, is_percent=True),)}, state=RolloutState.PAUSED, by="ada", pause_after="canary"
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def record_rollout(
    store: ReleaseStore,
    clock: Clock,
    namespace: str,
    release: str = "shop",
    rollout: Rollout | None = None,
    changed: Mapping[ObjectRef, Manifest] = MappingProxyType({}),
) -> RevisionSummary:
    """Record the newest revision once more, with some objects changed, as one that is rolled out in steps."""
    newest = read_history(store, namespace, release).newest
    assert newest is not None
    summary = replace(
        newest,
        revision=newest.revision + 1,
        status=ReleaseStatus.PENDING_UPGRADE,
        created=clock.now(),
        updated=clock.now(),
        rollout=rollout or paused_rollout(),
    )
    revision = store.load(newest, with_sensitive=True)
    inventory = tuple(replace(one, manifest=changed.get(one.ref, one.manifest)) for one in revision.inventory)
    return store.save(replace(revision, summary=summary, inventory=inventory)).summary
