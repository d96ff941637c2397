"""Jobs of a release: their names, and which of them have run. Layer: planning, pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from bundler.model.json import Body, canonical_json, items_at, mapping_at
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.release import Revision, RevisionSummary

HASH_CHARS = 8
_NAME_MAX_CHARS = 63
_MARK_CHARS = 10


def is_job(ref: ObjectRef) -> bool:
    """Return whether an object is a Job."""
    return (ref.group, ref.kind) == ("batch", "Job")


def hashed_name(body: Body) -> str:
    """Return the name of a Job of that spec, so that a changed one runs and an unchanged one does not run again."""
    digest = hashlib.sha256(canonical_json(body.get("spec"))).hexdigest()[:HASH_CHARS]
    name = str(mapping_at(body, "metadata").get("name", ""))
    return f"{name[: _NAME_MAX_CHARS - HASH_CHARS - 1].rstrip('-.')}-{digest}"


def job_stem(name: str) -> str:
    """Return the name that a Job has in its bundle; empty where it carries no hash of its spec."""
    stem, _, digest = name.rpartition("-")
    return stem if re.fullmatch(f"[0-9a-f]{{{HASH_CHARS}}}", digest) else ""


def job_failed(ref: ObjectRef, live: Body) -> bool:
    """Return whether this is a Job whose last run failed; the same spec must be able to run again."""
    if not is_job(ref):
        return False
    return any(c.get("type") == "Failed" and c.get("status") == "True" for c in items_at(live, "status", "conditions"))


def job_mark(ref: ObjectRef) -> str:
    """Return the short text by which a record remembers that a Job has finished: which one it is, and its spec."""
    return f"{_place(ref)}.{ref.name.rpartition('-')[2]}"


def _place(ref: ObjectRef) -> str:
    text = f"{ref.namespace}/{job_stem(ref.name) or ref.name}"
    return hashlib.sha256(text.encode()).hexdigest()[:_MARK_CHARS]


def jobs_done(revision: Revision) -> frozenset[ObjectRef]:
    """Return the Jobs of a revision that need not be there any more: all of one that was deployed."""
    jobs = [ref for ref in revision.refs if is_job(ref)]
    if revision.summary.status.was_deployed:
        return frozenset(jobs)
    return frozenset(ref for ref in jobs if job_mark(ref) in revision.summary.finished_jobs)


def finished_before(jobs: Iterable[ObjectRef], summaries: Iterable[RevisionSummary]) -> frozenset[ObjectRef]:
    """Return those Jobs that did their work in a revision since which no other one of their name did.

    A revision that failed, or was interrupted, may have come as far as its migration: it does not run twice.

    Args:
        jobs: with the names of their specs.
        summaries: of the release, oldest first.
    """
    newest_first = sorted(summaries, key=lambda summary: -summary.revision)
    return frozenset(ref for ref in jobs if _is_last_word(ref, newest_first))


def _is_last_word(ref: ObjectRef, newest_first: Iterable[RevisionSummary]) -> bool:
    mark, place = job_mark(ref), _place(ref)
    for summary in newest_first:
        if mark in summary.finished_jobs:
            return True
        is_replaced = any(other.partition(".")[0] == place for other in summary.finished_jobs)
        if is_replaced and summary.status.was_deployed:
            return False
    return False


def runs_of(
    jobs: Collection[ObjectRef], summaries: Iterable[RevisionSummary], *, rolled_back_to: int = 0
) -> Mapping[ObjectRef, int]:
    """Return, for each Job that has finished before, the newest revision for which it did.

    Args:
        jobs: with the names of their specs.
        summaries: of the release.
        rolled_back_to: the revision whose Jobs these are; where it was deployed, they have run for it.
    """
    found: dict[ObjectRef, int] = {}
    for summary in sorted(summaries, key=lambda summary: summary.revision):
        is_target = summary.revision == rolled_back_to and summary.status.was_deployed
        done = [ref for ref in jobs if is_target or job_mark(ref) in summary.finished_jobs]
        found |= dict.fromkeys(done, summary.revision)
    return found
