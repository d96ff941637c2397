"""Places that name a Job as its template does, although it gets the hash of its spec. Layer: planning, pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from bundler.model.json import JSONValue, is_list, is_mapping, items_at, list_at
from bundler.model.lean import dataclass
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.jobs import is_job
from bundler.planning.normalize import real_name

_NAME_LABELS = {"job-name", "batch.kubernetes.io/job-name"}
_JOB_WORDS = {"job", "jobs", "job.batch", "jobs.batch"}
_SLASHED = re.compile(r"\b(?:jobs?|jobs?\.batch)/([a-z0-9][-a-z0-9.]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReference:
    """One place that names a Job that will have another name."""

    ref: ObjectRef
    field: str
    job: str
    real_name: str


def job_references(manifests: Sequence[Manifest]) -> Iterator[JobReference]:
    """Yield the places in rendered objects that name a Job of the bundle by the name that its template gives it.

    Args:
        manifests: as rendered, before Jobs get the names of their specs.
    """
    names = {m.ref.name: real_name(m) for m in manifests if is_job(m.ref)}
    if not names:
        return
    for manifest in manifests:
        for job, field in _named_in(manifest):
            if job in names:
                yield JobReference(ref=manifest.ref, field=field, job=job, real_name=names[job])


def _named_in(manifest: Manifest) -> Iterator[tuple[str, str]]:
    if manifest.ref.kind in {"Role", "ClusterRole"}:
        for index, rule in enumerate(items_at(manifest.body, "rules")):
            if "jobs" in list_at(rule, "resources"):
                yield from ((str(name), f"rules[{index}].resourceNames") for name in list_at(rule, "resourceNames"))
    yield from _named_below(manifest.body, "")


def _named_below(value: JSONValue, path: str) -> Iterator[tuple[str, str]]:
    if is_mapping(value):
        for key, item in value.items():
            if key in _NAME_LABELS and isinstance(item, str):
                yield item, path
            else:
                yield from _named_below(item, f"{path}.{key}".lstrip("."))
    elif is_list(value):
        yield from ((word, path) for word in _after_job_words(value))
        for index, item in enumerate(value):
            yield from _named_below(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield from ((name, path) for name in _SLASHED.findall(value))


def _after_job_words(items: Sequence[JSONValue]) -> Iterable[str]:
    """Return the words that follow ``job``, as in the arguments of ``kubectl wait job migrate``."""
    return [str(after) for word, after in pairwise(items) if isinstance(word, str) and word in _JOB_WORDS]
