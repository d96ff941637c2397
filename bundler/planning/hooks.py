"""Which hooks a change runs, and which of them have run. Layer: planning, pure.

All tries to get from one revision to the next are one run: what one of them has finished, the next leaves alone. The
Job of a hook carries the name of its run, and a record the mark of each Job that has finished in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.model.hooks import Hook, HookPoint, Operation, hook_of, hook_run, is_check
from bundler.model.json import Body, mapping_at
from bundler.model.labels import HOOK_RUN
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.jobs import is_job, job_mark

if TYPE_CHECKING:
    from bundler.model.release import RevisionSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """The run whose hooks are meant."""

    operation: Operation
    start: int
    """The revision that the change leaves; 0 for an install."""

    @property
    def name(self) -> str:
        """``upgrade-from-3``."""
        return f"{self.operation}-from-{self.start}"

    def mark(self, ref: ObjectRef) -> str:
        """Return the short text by which a record remembers that a Job has finished in this run."""
        return f"{job_mark(ref)}.{self.operation[:2]}{self.start}"

    def point_of(self, manifest: Manifest) -> HookPoint | None:
        """Return the point at which an object is written in this run; None where it is not written."""
        hook = hook_in(manifest)
        return hook.point_of(self.operation) if hook else None


def hook_in(manifest: Manifest) -> Hook | None:
    """Return the hook that an object is; what a record holds was checked when it was rendered."""
    return None if is_check(manifest) else hook_of(manifest.body)


def active_hooks(manifests: Iterable[Manifest], run: HookRun) -> Iterator[Manifest]:
    """Yield the hooks that run, their Jobs with the name of the run."""
    for manifest in manifests:
        if run.point_of(manifest) is not None:
            yield of_run(manifest, run.name) if is_job(manifest.ref) else manifest


def of_run(manifest: Manifest, run: str) -> Manifest:
    """Return a Job that carries the name of its run."""
    metadata = mapping_at(manifest.body, "metadata")
    notes = {**mapping_at(metadata, "annotations"), HOOK_RUN: run}
    return replace(manifest, body={**manifest.body, "metadata": {**metadata, "annotations": notes}})


def finished_in(jobs: Iterable[ObjectRef], summaries: Iterable[RevisionSummary], run: HookRun) -> frozenset[ObjectRef]:
    """Return those Jobs of hooks that have finished in an earlier try of the run.

    Args:
        jobs: of hooks.
        summaries: of the release.
        run: that is meant.
    """
    marks = {mark for summary in summaries for mark in summary.finished_jobs}
    return frozenset(ref for ref in jobs if run.mark(ref) in marks)


def is_of_other_run(manifest: Manifest, live: Body) -> bool:
    """Return whether the live Job of a hook did its work in another run, so that it has to run again."""
    return is_job(manifest.ref) and hook_run(manifest.body) not in {"", hook_run(live)}
