"""The real names of Jobs, in objects that ask for them and in the text that is shown. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import ManifestError
from bundler.model.job_marks import PREFIX, replace_job_marks
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, text_at
from bundler.model.lean import replace
from bundler.planning.jobs import is_job
from bundler.planning.normalize import real_name
from bundler.render.splice import Insertion, apply_insertions
from bundler.syntax.objects import ObjectDocument, read_objects
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from bundler.errors import Found
    from bundler.model.manifest import Manifest
    from bundler.render.types import RenderedTemplate, Rendering


def with_job_names(rendering: Rendering) -> Rendering:
    """Return a rendering in which everything that asked for a Job's name has it, and whose text shows it.

    The Jobs among the manifests keep the names of their templates: these are what messages and records of lines know.

    Raises:
        ManifestError: with every name that no Job has, or when Jobs name each other in a circle.
    """
    jobs = [manifest for manifest in rendering.manifests if is_job(manifest.ref)]
    is_asked = any(PREFIX in template.text for template in rendering.templates)
    if not jobs and not is_asked:
        return rendering
    naming = _Naming(jobs)
    manifests = rendering.manifests
    if is_asked:
        for one in jobs:
            naming.name_of(one.ref.name)
        manifests = tuple(naming.named(manifest) for manifest in manifests)
        naming.refuse()
    files = {manifest.source.file for manifest in jobs}
    templates = tuple(_shown(one, naming, has_jobs=one.path in files) for one in rendering.templates)
    return replace(rendering, manifests=manifests, templates=templates)


class _Naming:
    """Finds the names of Jobs in the order in which their specs name each other."""

    def __init__(self, jobs: Sequence[Manifest]) -> None:
        self._jobs = {manifest.ref.name: manifest for manifest in jobs}
        self._names: dict[str, str] = {}
        self._chain: list[str] = []
        self._problems: list[str] = []

    def named(self, manifest: Manifest) -> Manifest:
        """Return a manifest whose marks are replaced; itself where it has none."""
        if PREFIX not in str(manifest.body):
            return manifest
        body = _replaced(manifest.body, lambda job: self._asked_by(manifest, job))
        if PREFIX in str(body):
            self._problems.append(_found(manifest, "has what job_name(…) gave cut or changed"))
        ref = replace(manifest.ref, name=text_at(body, "metadata", "name"))
        return replace(manifest, ref=ref, body=body)

    def name_of(self, job: str) -> str:
        """Return the name in the cluster of a Job of the bundle; its own where there is none."""
        if job not in self._names and job in self._jobs:
            self._chain.append(job)
            self._names[job] = real_name(self.named(self._jobs[job]))
            self._chain.pop()
        return self._names.get(job, job)

    def refuse(self) -> None:
        """Stop where something was wrong.

        Raises:
            ManifestError: with all of it.
        """
        if self._problems:
            raise ManifestError(
                "finding the names that templates ask for with job_name(…)",
                context=sorted(set(self._problems)),
                hint="name a Job as its template does; a Job's name comes from its spec, so two cannot name each other",
            )

    def _asked_by(self, manifest: Manifest, job: str) -> str:
        asks = f"asks for job_name({job!r})"
        if job not in self._jobs:
            near = meant_or_known(job, sorted(self._jobs), "its Jobs are")
            self._problems.append(_found(manifest, f"{asks}, which no Job of the bundle is called; {near}"))
            return job
        if job in self._chain:
            circle = " → ".join([*self._chain[self._chain.index(job) :], job])
            self._problems.append(_found(manifest, f"{asks}, whose name depends on this one's: {circle}"))
            return job
        return self.name_of(job)


def _replaced(body: Body, name_of: Callable[[str], str]) -> dict[str, JSONValue]:
    return {replace_job_marks(key, name_of): _replaced_value(value, name_of) for key, value in body.items()}


def _replaced_value(value: JSONValue, name_of: Callable[[str], str]) -> JSONValue:
    if is_mapping(value):
        return _replaced(value, name_of)
    if is_list(value):
        return [_replaced_value(item, name_of) for item in value]
    return replace_job_marks(value, name_of) if isinstance(value, str) else value


def _shown(template: RenderedTemplate, naming: _Naming, *, has_jobs: bool) -> RenderedTemplate:
    text = template.text
    if has_jobs:
        found = [one for document in read_objects(text) for one in _renamings(document, naming)]
        text = apply_insertions(text, found)
    text = replace_job_marks(text, naming.name_of)
    return template if text == template.text else replace(template, text=text)


def _renamings(document: ObjectDocument, naming: _Naming) -> Iterator[Insertion]:
    """Yield what writes the real names of Jobs into their text; a name that is an alias stays as it is."""
    for pointer, body in _objects_in(document):
        if text_at(body, "kind") != "Job" or not text_at(body, "apiVersion").startswith("batch/"):
            continue
        mark = document.detail().marks.get(f"{pointer}/metadata/name")
        name = text_at(body, "metadata", "name")
        if mark is None:
            continue
        for written in (name, f'"{name}"', f"'{name}'"):
            if document.text.startswith(written, mark.offset):
                quote = written[:1] if written != name else ""
                yield Insertion(mark.offset, f"{quote}{naming.name_of(name)}{quote}", len(written))


def _objects_in(document: ObjectDocument) -> Iterator[tuple[str, Body]]:
    if not is_mapping(document.value):
        return
    if document.value.get("kind") == "List":
        yield from ((f"/items/{index}", item) for index, item in enumerate(items_at(document.value, "items")))
    else:
        yield "", document.value


def _found(manifest: Manifest, what: str) -> Found:
    short = manifest.ref.short
    return manifest.source.found(f"{short} {what}", subject=short)
