"""An object whose name changes with its content, shown as one change of one object. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable

from bundler.model.change import Action, Change
from bundler.model.json import Body, JSONValue, mapping_at
from bundler.model.lean import replace
from bundler.planning.jobs import is_job, job_stem

_HASHED = frozenset({("batch", "Job"), ("", "ConfigMap"), ("", "Secret")})
"""Kinds that may have such names."""
_CONTROLLER_LABELS = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)


def with_replaced(changes: Iterable[Change]) -> list[Change]:
    """Return changes as they are shown: an object that is made and the one it takes the place of are one update.

    The name of a Job holds a hash of its spec, and that of a ConfigMap or Secret may hold one of its content
    (`digest_name`), so that a changed one is a new object next to the old one's deletion.
    """
    all_changes = list(changes)
    made, gone = (_by_place(all_changes, action) for action in (Action.CREATE, Action.DELETE))
    pairs = {made[place].ref: gone[place] for place in made.keys() & gone.keys()}
    hidden = {one.ref for one in pairs.values()}
    return [
        _replacing(change, pairs[change.ref]) if change.ref in pairs else change
        for change in all_changes
        if change.ref not in hidden
    ]


def _by_place(changes: Iterable[Change], action: Action) -> dict[tuple[str, ...], Change]:
    """Return the one change of each name without its hash; a name that two have is no one's."""
    found: dict[tuple[str, ...], list[Change]] = {}
    for one in changes:
        ref = one.ref
        if one.action is action and (ref.group, ref.kind) in _HASHED and job_stem(ref.name):
            found.setdefault((ref.group, ref.kind, ref.namespace, job_stem(ref.name)), []).append(one)
    return {place: those[0] for place, those in found.items() if len(those) == 1}


def _replacing(change: Change, old: Change) -> Change:
    if is_job(change.ref):
        said = f"its spec changed: it runs, and {old.ref.short} is deleted"
    else:
        said = f"its content changed: it takes the place of {old.ref.short}"
    return replace(
        change,
        action=Action.UPDATE,
        before=_as_written(old.before),
        after=_as_written(change.after),
        reason="; ".join(filter(None, (said, change.reason))),
    )


def _as_written(job: Body | None) -> Body | None:
    """Leave out what the server adds to tell the pods of one Job from those of another."""
    if job is None or job.get("kind") != "Job":
        return job
    spec = {key: value for key, value in mapping_at(job, "spec").items() if key != "selector"}
    template = _without_labels(mapping_at(spec, "template"))
    return {**_without_labels(job), "spec": {**spec, "template": template}}


def _without_labels(body: Body) -> dict[str, JSONValue]:
    metadata = dict(mapping_at(body, "metadata"))
    labels = {key: value for key, value in mapping_at(metadata, "labels").items() if key not in _CONTROLLER_LABELS}
    if "labels" in metadata:
        metadata["labels"] = labels
    return {**body, "metadata": metadata} if "metadata" in body else dict(body)
