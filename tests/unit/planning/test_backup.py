"""Which backups a plan makes, and under which names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bundler.health.compute import compute_health
from bundler.model.change import Action, Change
from bundler.model.health import Status
from bundler.model.labels import BACKUP
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.release import BundleReference, ReleaseStatus, RevisionSummary
from bundler.planning.backup import backup_changes, backup_for_run

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NEWEST = RevisionSummary(
    release="shop",
    namespace="prod",
    revision=3,
    status=ReleaseStatus.DEPLOYED,
    bundle=BundleReference(name="shop", version="1.0.0"),
    updated=NOW,
    created=NOW,
    uid="u-3",
)


def backup(component: str = "", name: str = "dump-0a1b2c3d", kind: str = "Job") -> Manifest:
    group = "batch" if kind == "Job" else "snapshot.storage.k8s.io"
    body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name, "labels": {"app": "dump"}}}
    source = Source("templates/dump.yaml", 1)
    ref = ObjectRef(group, kind, "prod", name)
    return Manifest(ref=ref, api_version=f"{group}/v1", body=body, source=source, component=component, is_backup=True)


def lost(component: str) -> Change:
    return Change(ref=ObjectRef("apps", "StatefulSet", "prod", "db"), action=Action.DELETE, component=component)


@pytest.mark.parametrize(
    ("component", "losing", "is_made"),
    [
        ("", [], False),
        ("", [""], True),
        ("", ["db"], True),  # a bundle backs up what belongs to its components, too
        ("db", ["db"], True),
        ("db", ["db/store"], True),
        ("db", ["dbs"], False),
        ("db", [""], False),
        ("db/store", ["db"], False),
        ("db", ["web", "db"], True),
    ],
)
def test_a_backup_is_made_for_what_belongs_to_its_component(component: str, losing: list[str], is_made: bool) -> None:
    made = backup_changes([backup(component)], [lost(one) for one in losing])
    assert bool(made) == is_made
    assert all(change.action is Action.CREATE for change in made)


def test_each_run_gives_its_backups_new_names_and_a_plan_finds_the_same_names_again() -> None:
    first = backup_for_run(backup(), "shop", 4, NEWEST)
    assert first == backup_for_run(backup(), "shop", 4, NEWEST)
    assert first.ref.name.startswith("dump-r4-")
    assert first.body["metadata"]["name"] == first.ref.name
    assert first.body["metadata"]["labels"] == {"app": "dump", BACKUP: "shop"}
    others = [
        backup_for_run(backup(), "shop", 5, NEWEST),
        backup_for_run(backup(), "shop", 4, replace(NEWEST, uid="u-4")),
        backup_for_run(backup(), "shop", 4, replace(NEWEST, updated=NOW + timedelta(seconds=1))),
        backup_for_run(backup(), "shop", 4, None),
    ]
    assert len({one.ref.name for one in (first, *others)}) == 5


def test_names_stay_within_their_bounds_and_a_snapshot_keeps_its_own() -> None:
    long = backup_for_run(backup(name=f"{'d' * 54}-0a1b2c3d"), "shop", 123, NEWEST)
    assert len(long.ref.name) <= 63
    assert backup_for_run(backup(name="disk-0a1b2c3d", kind="VolumeSnapshot"), "shop", 4, None).ref.name.startswith(
        "disk-0a1b2c3d-r4-"
    )


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ({}, Status.IN_PROGRESS),
        ({"readyToUse": False}, Status.IN_PROGRESS),
        ({"readyToUse": False, "error": {"message": "no class"}}, Status.IN_PROGRESS),
        ({"readyToUse": True}, Status.CURRENT),
    ],
)
def test_a_snapshot_is_made_when_it_can_be_restored_from(status: dict[str, object], health: Status) -> None:
    ref = ObjectRef("snapshot.storage.k8s.io", "VolumeSnapshot", "prod", "disk")
    body = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {}, "status": status}
    found = compute_health(ref, body, age_s=3600.0)
    assert found.status is health
    assert found.message.endswith("no class") == ("error" in status)
