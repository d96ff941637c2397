"""Backups that a bundle asks for before data is lost: when they are made, and how named. Layer: planning, pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from bundler.model.bundle import is_below
from bundler.model.change import Action, Change
from bundler.model.json import mapping_at
from bundler.model.labels import BACKUP
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.planning.jobs import is_job, job_stem

if TYPE_CHECKING:
    from bundler.model.release import RevisionSummary

_NAME_MAX_CHARS: Final = 63
_TOKEN_CHARS: Final = 4


def is_backup(change: Change) -> bool:
    """Return whether a change makes a backup."""
    return change.desired is not None and change.desired.is_backup


def backup_for_run(manifest: Manifest, release: str, number: int, newest: RevisionSummary | None) -> Manifest:
    """Return a backup under a name that no other run gives it: one that was made for an earlier change does not count.

    Args:
        manifest: as it was rendered.
        release: whose backup it is.
        number: of the revision to be.
        newest: the newest revision; what it says of itself tells runs apart that make no revision.
    """
    said = f"{newest.uid} {newest.updated.isoformat()}" if newest else ""
    token = hashlib.sha256(f"{release} {said}".encode()).hexdigest()[:_TOKEN_CHARS]
    suffix = f"-r{number}-{token}"
    stem = (job_stem(manifest.ref.name) if is_job(manifest.ref) else "") or manifest.ref.name
    name = f"{stem[: _NAME_MAX_CHARS - len(suffix)].rstrip('-.')}{suffix}"
    metadata = mapping_at(manifest.body, "metadata")
    labels = {**mapping_at(metadata, "labels"), BACKUP: release}
    body = {**manifest.body, "metadata": {**metadata, "name": name, "labels": labels}}
    return replace(manifest, ref=replace(manifest.ref, name=name), body=body)


def backup_changes(backups: Iterable[Manifest], lost: Sequence[Change]) -> tuple[Change, ...]:
    """Return the backups that are made before a plan loses data; none where it loses none.

    Args:
        backups: what the bundle and its components ask for.
        lost: the changes that lose data; the backup of a component is for what belongs to it and its own components.
    """
    return tuple(
        Change(
            ref=manifest.ref,
            action=Action.CREATE,
            component=manifest.component,
            desired=manifest,
            reason=f"a backup, before {', '.join(change.ref.short for change in covered)} may lose data",
        )
        for manifest in backups
        if (covered := [change for change in lost if is_below(change.component, manifest.component)])
    )
