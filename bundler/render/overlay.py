"""Carry out the patches and injections that bundles declare, the innermost bundle's first. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import BundlePatchError, RenderError
from bundler.expressions.expression import evaluate_texts
from bundler.model.json import Body, JSONValue, is_mapping
from bundler.model.lean import replace
from bundler.model.manifest import Manifest, Source
from bundler.render.names import base_names
from bundler.render.patches import apply_patches
from bundler.render.problems import Problem, problem_of_expression
from bundler.render.types import RenderContext, RenderedTemplate, Rendering
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.model.patch import ObjectPatch
    from bundler.render.parts import Part

_HINT = "correct the patch in bundle.yaml; `bundler template` shows the objects"


def overlay(rendering: Rendering, parts: Sequence[Part], context: RenderContext) -> Rendering:
    """Return the rendering with the patches of all its bundles; what cannot be carried out is among its problems.

    Args:
        rendering: as its templates printed it.
        parts: the bundles that took part, outer ones before inner ones: an outer one has the last word.
        context: what their expressions see besides values.
    """
    try:
        patches = [patch for part in reversed(parts) for patch in _patches_of(part, context)]
    except RenderError as error:
        return replace(rendering, problems=(*rendering.problems, problem_of_expression(error)))
    patched = apply_patches(rendering.manifests, patches)
    problems = [Problem(BundlePatchError, source, sentence, _HINT) for source, sentence in patched.problems]
    is_changed = patched.manifests != rendering.manifests
    return replace(
        rendering,
        manifests=patched.manifests,
        templates=written(patched.manifests) if is_changed else rendering.templates,
        problems=(*rendering.problems, *problems),
        notices=patched.idle,
    )


def written(manifests: Iterable[Manifest]) -> tuple[RenderedTemplate, ...]:
    """Write changed objects out: the text that the templates printed no longer says what they are."""
    texts: dict[tuple[str, str], list[str]] = {}
    for manifest in manifests:
        texts.setdefault((manifest.component, manifest.source.file), []).append(dump_yaml(manifest.body))
    return tuple(
        RenderedTemplate(component=component, path=path, text="---\n".join(parts))
        for (component, path), parts in texts.items()
    )


def _patches_of(part: Part, context: RenderContext) -> Iterator[ObjectPatch]:
    """Yield the patches of one bundle, their expressions computed, for its own objects and its components'."""
    names = base_names(part.bundle, part.values, part.within(context), component=part.component, site=part.site)
    for patch in part.bundle.patches:

        def computed(value: JSONValue, at: Source = patch.source) -> JSONValue:
            return evaluate_texts(value, names, source=at, codes=context.codes)

        def bodies(items: Iterable[Body], at: Source = patch.source) -> tuple[Body, ...]:
            return tuple(body for item in items if is_mapping(body := computed(item, at)))

        merge = computed(patch.merge)
        yield replace(
            patch,
            component=part.path(patch.component) if patch.component else part.component,
            merge=merge if is_mapping(merge) else None,
            operations=bodies(patch.operations),
            injection=patch.injection and patch.injection.changed(bodies),
        )
