"""A Job whose spec changes, shown as one change of one Job. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.change import Action
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.planning.jobs import is_job, job_stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.change import Change
    from bundler.model.json import Body, JSONValue

_CONTROLLER_LABELS = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)


def with_replaced_jobs(changes: Iterable[Change]) -> list[Change]:
    """Return changes as they are shown: a Job that is made and the one it takes the place of are one update.

    The name of a Job holds a hash of its spec, so that a changed one is a new object next to the old one's deletion.
    """
    all_changes = list(changes)
    old = {_place(one): one for one in all_changes if one.action is Action.DELETE and is_job(one.ref)}
    pairs = {
        one.ref: old[_place(one)]
        for one in all_changes
        if one.action is Action.CREATE and is_job(one.ref) and job_stem(one.ref.name) and _place(one) in old
    }
    gone = {one.ref for one in pairs.values()}
    return [
        _replacing(change, pairs[change.ref]) if change.ref in pairs else change
        for change in all_changes
        if change.ref not in gone
    ]


def _place(change: Change) -> tuple[str, str]:
    return change.ref.namespace, job_stem(change.ref.name)


def _replacing(change: Change, old: Change) -> Change:
    said = f"its spec changed: it runs, and {old.ref.short} is deleted"
    return replace(
        change,
        action=Action.UPDATE,
        before=_as_written(old.before),
        after=_as_written(change.after),
        reason="; ".join(filter(None, (said, change.reason))),
    )


def _as_written(job: Body | None) -> Body | None:
    """Leave out what the server adds to tell the pods of one Job from those of another."""
    if job is None:
        return None
    spec = {key: value for key, value in mapping_at(job, "spec").items() if key != "selector"}
    template = _without_labels(mapping_at(spec, "template"))
    return {**_without_labels(job), "spec": {**spec, "template": template}}


def _without_labels(body: Body) -> dict[str, JSONValue]:
    metadata = dict(mapping_at(body, "metadata"))
    labels = {key: value for key, value in mapping_at(metadata, "labels").items() if key not in _CONTROLLER_LABELS}
    if "labels" in metadata:
        metadata["labels"] = labels
    return {**body, "metadata": metadata} if "metadata" in body else dict(body)
