"""Render a bundle and its components. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import bundler.render
from bundler.errors.bundle import ExpressionError, ManifestError, RenderError, TemplateError, TemplateSyntaxError
from bundler.expressions.bounds import Meter, metered
from bundler.model.bundle import BESIDE_TEMPLATES, HOOKS_FOLDER, Bundle, Reach, ReadinessRule, template_place
from bundler.model.definition import kind_of
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import INSTANCE, MANAGED_BY, MANAGED_BY_VALUE
from bundler.model.lean import replace
from bundler.model.manifest import GeneratedSecret, Manifest, Source
from bundler.model.refs import ObjectRef, group_of
from bundler.render.content_names import ContentNames
from bundler.render.names import GeneratedAddresses, base_names, generated_secrets, job_name, switched_on
from bundler.render.objects import ObjectPart, ObjectReader, TextPart
from bundler.render.parts import Part, declared_reach, walk
from bundler.render.problems import Problem, problem_of_expression, raise_problems
from bundler.render.sensitive import redactor_of, sensitive_values
from bundler.render.splice import Insertion, Stamps, UnspliceableError, apply_insertions, insertions, stamped_body
from bundler.render.templates import RenderFailedError, TemplateSet, is_partial
from bundler.render.types import (
    RenderContext,
    RenderedBundle,
    RenderedTemplate,
    Rendering,
    unknown_origin,
    unknown_reads,
    unknown_source,
)
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from bundler.expressions.expression import ValuePath
    from bundler.model.values import MergedValues
    from bundler.render.tracing import TracedObject

_NOT_RENDERED = (TemplateError, TemplateSyntaxError, ExpressionError)
_CRD_GROUP = "apiextensions.k8s.io"
_TEMPLATES = "templates/"
_CRDS = "crds/"


def render_what_can_be(bundle: Bundle, values: MergedValues, context: RenderContext) -> Rendering:
    """Render everything that is switched on and leave out what fails, so that the rest can be inspected too.

    Args:
        bundle: loaded, with its components.
        values: merged.
        context: release, capabilities and site facts that templates see.
    """
    return with_sources(_finished(bundle, values, context), bundle, values, context)


def render_bundle(bundle: Bundle, values: MergedValues, context: RenderContext) -> Rendering:
    """Render everything that is switched on.

    Args:
        bundle: loaded, with its components.
        values: merged, of the bundle and its components.
        context: release, capabilities and site facts that templates see.

    Raises:
        RenderError: with every problem of every template; its subclass where all problems share one.
    """
    result = _finished(bundle, values, context)
    _raise(result.problems, bundle, values, context)
    return with_sources(replace(result, needs=dict(_needs(bundle, values, ""))), bundle, values, context)


def with_sources(rendering: Rendering, bundle: Bundle, values: MergedValues, context: RenderContext) -> Rendering:
    """Return a rendering that finds lines again after it crossed to this process.

    A template runs once more for that, here: it came to an end before, and does the same again.

    Args:
        rendering: as it came from the other process.
        bundle: loaded, with its components.
        values: merged, of the bundle and its components.
        context: release, capabilities and site facts that templates see.
    """

    @cache
    def tracer() -> bundler.render.tracing.Tracer:
        def traced(component: str, file: str) -> list[TracedObject]:
            return _traced(bundle, values, context, component, file)

        return bundler.render.tracing.Tracer(rendering.manifests, traced, context.bounds)

    return replace(
        rendering,
        find_source=lambda ref, steps: tracer().find_source(ref, steps),
        find_origin=lambda ref, steps: tracer().find_origin(ref, steps),
        find_reads=cache(lambda component, file: _read_by(bundle, values, context, component, file)),
    )


def without_sources(rendering: Rendering) -> Rendering:
    """Return a rendering that can cross to another process."""
    return replace(rendering, find_source=unknown_source, find_origin=unknown_origin, find_reads=unknown_reads)


def _read_by(
    bundle: Bundle, values: MergedValues, context: RenderContext, component: str, file: str
) -> frozenset[ValuePath] | None:
    for part in walk(bundle, values, context.site):
        for name in part.bundle.templates if part.component == component else ():
            if part.path(template_place(name)) == file and not is_partial(name):
                templates = TemplateSet(part.bundle.templates, {}, folder=part.path(_TEMPLATES), codes=context.codes)
                return templates.reads_of(name).all()
    return None


def _traced(
    bundle: Bundle, values: MergedValues, context: RenderContext, component: str, file: str
) -> list[TracedObject]:
    """Render one file once more and keep what lines are found by; kept at first, it would weigh on every run."""
    rendering = _BundleRendering(context)
    for part in walk(bundle, values, context.site):
        if part.component == component:
            rendering.render(part, only=file)
    return list(rendering.traced())


def _raise(problems: Sequence[Problem], bundle: Bundle, values: MergedValues, context: RenderContext) -> None:
    metadata = bundle.metadata
    doing = f"rendering {metadata.name} {metadata.version} for release {context.release_name}"
    raise_problems(problems, doing, redactor_of(values))


def render_texts(bundle: Bundle, values: MergedValues, context: RenderContext) -> tuple[RenderedTemplate, ...]:
    """Render without reading the result, so that broken YAML can be inspected; nothing is stamped.

    Args:
        bundle: loaded, with its components.
        values: merged, of the bundle and its components.
        context: release, capabilities and site facts that templates see.

    Raises:
        RenderError: with every template that fails.
    """
    rendering = _rendered(bundle, values, context)
    failed = [problem for problem in rendering.problems if issubclass(problem.error_type, _NOT_RENDERED)]
    _raise(failed, bundle, values, context)
    return rendering.texts


def _rendered(bundle: Bundle, values: MergedValues, context: RenderContext) -> _BundleRendering:
    rendering = _BundleRendering(context)
    with metered(Meter(context.bounds)):
        for part in walk(bundle, values, context.site):
            rendering.render(part)
    return rendering


def _finished(bundle: Bundle, values: MergedValues, context: RenderContext) -> Rendering:
    rendering = _rendered(bundle, values, context).finish(values)
    parts = list(walk(bundle, values, context.site))
    has_patches = any(part.bundle.patches for part in parts)
    return bundler.render.overlay.overlay(rendering, parts, context) if has_patches else rendering


def _needs(
    bundle: Bundle, values: MergedValues, component: str, needed: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each component with those that must be ready before it: ``needed`` by it, and by its own objects."""
    enabled = values.components or {}
    prefix = f"{component}/" if component else ""
    if all_needed := (*needed, *(prefix + name for name in bundle.needs if name in enabled)):
        yield component, all_needed
    for spec in bundle.components:
        if spec.name in enabled:
            inner = tuple(prefix + name for name in spec.needs if name in enabled)
            yield from _needs(bundle.component_bundles[spec.name], enabled[spec.name], prefix + spec.name, inner)


def _by_folder(templates: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the templates that print objects: first those of templates/, under no name, then checks/ and hooks/."""
    by_folder: dict[str, list[str]] = {"": []}
    for path in sorted(templates):
        if not is_partial(path):
            is_beside = path.startswith(BESIDE_TEMPLATES)
            folder = f"{template_place(path).partition('/')[0]}/" if is_beside else ""
            by_folder.setdefault(folder, []).append(path)
    return iter(by_folder.items())


class _BundleRendering:
    """Collects texts and objects; stamps them when all are read, because CRDs tell the scope of others."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._reader = ObjectReader(context.bounds)
        self._texts: list[tuple[Part, str, TextPart, list[ObjectPart]]] = []
        self._generated: list[GeneratedSecret] = []
        self._readiness: list[ReadinessRule] = []
        self._bundles: list[RenderedBundle] = []
        self._reach = Reach()
        self._content_names = ContentNames()
        self.problems = self._reader.problems

    def render(self, part: Part, *, only: str = "") -> None:
        """Render one bundle without its components.

        Args:
            part: the bundle.
            only: one file of it; where it is a partial, all templates that may have used it.
        """
        bundle = part.bundle
        metadata = bundle.metadata
        self._bundles.append(
            RenderedBundle(component=part.component, name=metadata.name, version=metadata.version, digest=bundle.digest)
        )
        self._readiness.extend(bundle.readiness)
        if not part.component:
            self._reach = declared_reach(bundle, part.values)
        context = part.within(self._context)
        for path, text in sorted(bundle.crds.items()):
            if only in {"", part.path(_CRDS + path.removeprefix(_CRDS))}:
                self._read_crd(part, path, text)
        names = base_names(bundle, part.values, context, component=part.component, site=part.site)
        secrets = self._generated_of(part, names)
        names |= {"generated": GeneratedAddresses(secrets), "job_name": job_name}
        names["digest_name"] = self._content_names.digest_name
        seen_by_hooks = {"revision": context.revision, "operation": context.operation}
        is_any = not only or is_partial(only)
        for folder, paths in _by_folder(bundle.templates):
            seen = names | seen_by_hooks if folder == HOOKS_FOLDER else names
            templates = TemplateSet(bundle.templates, seen, folder=part.path(_TEMPLATES), codes=self._context.codes)
            for path in paths:
                if is_any or part.path(template_place(path)) == only:
                    self._render_template(part, templates, path, folder)

    def _generated_of(self, part: Part, names: Mapping[str, object]) -> tuple[GeneratedSecret, ...]:
        try:
            secrets = generated_secrets(part.bundle, names, part.within(self._context), component=part.component)
            self._generated.extend(switched_on(secrets, part.bundle, names, self._context))
        except RenderError as error:
            self.problems.append(problem_of_expression(error))
            return ()
        return secrets

    def _render_template(self, part: Part, templates: TemplateSet, path: str, folder: str) -> None:
        try:
            rendered = templates.render(path)
        except RenderFailedError as failed:
            self.problems.append(failed.problem)
            return
        text_part = TextPart(
            text=rendered.text,
            note_lines=rendered.notes,
            source_of_note=lambda note: templates.object_source(rendered, note),
            source_at=lambda offset: templates.source_at(rendered, offset),
            parts_of=lambda start, end: templates.parts_of(rendered, start, end),
            reads=lambda: templates.reads_of(path).all(),
            folder=folder,
        )
        self._texts.append((part, part.path(template_place(path)), text_part, self._reader.read(text_part)))

    def _read_crd(self, part: Part, path: str, text: str) -> None:
        full = part.path(_CRDS + path.removeprefix(_CRDS))

        def source_at(offset: int) -> Source:
            return Source(full, text.count("\n", 0, offset) + 1)

        notes = [(0, 0, 1)]
        text_part = TextPart(
            text=text, note_lines=notes, source_of_note=lambda _note: Source(full, 1), source_at=source_at
        )
        objects = [
            found._replace(source=source_at(found.document.start_offset)) for found in self._reader.read(text_part)
        ]
        self._texts.append((part, full, text_part, objects))

    @property
    def texts(self) -> tuple[RenderedTemplate, ...]:
        """What was printed, as it was printed."""
        return tuple(
            RenderedTemplate(component=part.component, path=path, text=text.text) for part, path, text, _ in self._texts
        )

    def traced(self) -> Iterator[bundler.render.tracing.TracedObject]:
        """Yield every object with the text that it stands in."""
        scopes = self._scopes()
        for part, _, text, objects in self._texts:
            stamper = _Stamper(part, part.within(self._context), scopes)
            for one in objects:
                yield bundler.render.tracing.TracedObject(stamper.ref_of(one.body), one, text)

    def _scopes(self) -> dict[tuple[str, str], bool]:
        return dict(_defined_scopes(found.body for _, _, _, objects in self._texts for found in objects))

    def finish(self, values: MergedValues) -> Rendering:
        """Stamp every object and return the whole.

        Args:
            values: of the whole bundle: what is sensitive among them must not be found by the name of an object.
        """
        scopes = self._scopes()
        templates, manifests = [], []
        for part, path, text_part, objects in self._texts:
            text = text_part.text
            stamper = _Stamper(part, part.within(self._context), scopes)
            is_backup = path == part.path(part.bundle.upgrade.backup)
            found: list[Insertion] = []
            for one in objects:
                try:
                    manifest, inserted = stamper.stamp(one, text)
                except UnspliceableError as error:
                    self.problems.append(_unspliceable(one, error))
                    continue
                if is_backup:
                    manifest = replace(manifest, is_backup=True)
                is_hook = text_part.folder == HOOKS_FOLDER
                manifests.append(bundler.render.hooks.with_deadline(manifest) if is_hook else manifest)
                found += inserted
            templates.append(RenderedTemplate(component=part.component, path=path, text=apply_insertions(text, found)))
        self.problems.extend(self._content_names.problems(manifests, sensitive_values(values)))
        return Rendering(
            templates=tuple(templates),
            manifests=tuple(manifests),
            content_names=frozenset(self._content_names.given),
            generated=tuple(self._generated),
            needs={},
            readiness=tuple(self._readiness),
            reach=self._reach,
            bundles=tuple(self._bundles),
            problems=tuple(self.problems),
        )


class _Stamper:
    """Gives the objects of one text their labels and namespace."""

    def __init__(self, part: Part, context: RenderContext, scopes: Mapping[tuple[str, str], bool]) -> None:
        self._component = part.component
        self._namespace = context.namespace
        self._scope_of = context.scope_of
        self._scopes: dict[tuple[str, str], bool] = dict(scopes)
        self._labels = ((MANAGED_BY, MANAGED_BY_VALUE), (INSTANCE, context.release_name))
        self._label_names = frozenset(name for name, _ in self._labels)

    def stamp(self, found: ObjectPart, text: str) -> tuple[Manifest, list[Insertion]]:
        """Return the manifest and what goes into its text.

        Raises:
            UnspliceableError: when the text cannot take it.
        """
        body = found.body
        metadata = mapping_at(body, "metadata")
        ref = self.ref_of(body)
        labels = mapping_at(metadata, "labels")
        stamps = Stamps(
            namespace=ref.namespace if not text_at(metadata, "namespace") else "",
            labels=self._labels
            if self._label_names.isdisjoint(labels)
            else tuple(pair for pair in self._labels if pair[0] not in labels),
        )
        inserted = insertions(metadata, stamps, found.find_mark, text)
        stamped = stamped_body(body, stamps)
        _verify(found, stamped, inserted)
        api_version = text_at(body, "apiVersion")
        manifest = Manifest(
            ref=ref, api_version=api_version, body=stamped, source=found.source, component=self._component
        )
        return manifest, inserted

    def ref_of(self, body: Body) -> ObjectRef:
        """Return what an object is called once it is stamped."""
        metadata = mapping_at(body, "metadata")
        group, kind = group_of(text_at(body, "apiVersion")), text_at(body, "kind")
        is_namespaced = self._is_namespaced(group, kind)
        namespace = (text_at(metadata, "namespace") or self._namespace) if is_namespaced else ""
        return ObjectRef(group, kind, namespace, text_at(metadata, "name"))

    def _is_namespaced(self, group: str, kind: str) -> bool:
        key = (group, kind)
        if key not in self._scopes:
            scope = self._scope_of(group, kind)
            # most kinds are; a custom one is known to the cluster, or to a CRD of this bundle
            self._scopes[key] = True if scope is None else scope
        return self._scopes[key]


def _verify(found: ObjectPart, stamped: Body, inserted: list[Insertion]) -> None:
    """Read a document with anchors again: what was inserted must show up in one place only."""
    document = found.document
    begin, end = document.start_offset, document.end_offset
    if document.text.find("&", begin, end) < 0 or found.pointer:
        return
    moved = [one._replace(offset=one.offset - begin) for one in inserted]
    try:
        again = read_document(apply_insertions(document.text[begin:end], moved)).value
    except YamlSyntaxError as error:
        raise UnspliceableError(error.problem) from error
    if again != stamped:
        raise UnspliceableError("an alias elsewhere in the document repeats it")


def _unspliceable(found: ObjectPart, error: UnspliceableError) -> Problem:
    name = text_at(found.body, "metadata", "name")
    return Problem(
        error_type=ManifestError,
        source=found.source,
        sentence=f"{text_at(found.body, 'kind')}/{name}: bundler cannot add its labels to metadata: {error}",
        hint="write out metadata, labels and annotations as plain mappings, without anchors, aliases and empty keys",
    )


def _defined_scopes(bodies: Iterator[Body]) -> Iterator[tuple[tuple[str, str], bool]]:
    for body in bodies:
        if body.get("kind") == "CustomResourceDefinition" and text_at(body, "apiVersion").startswith(_CRD_GROUP):
            yield kind_of(body), text_at(body, "spec", "scope") != "Cluster"
