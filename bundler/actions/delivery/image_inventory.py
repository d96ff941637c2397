"""Which images a bundle can need: rendered over the switches in its schema. Layer: actions, pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.actions.compose.compose import expression_names, render_context
from bundler.actions.compose.site_overlay import rewriter_of, where_in
from bundler.errors import BundlerError
from bundler.errors.delivery import ImageMissingError
from bundler.expressions.expression import compile_expression
from bundler.images.image_paths import rules_of
from bundler.images.inventory import find_suspects, find_uses
from bundler.images.matrix import Matrix, Switch, described, make_matrix
from bundler.model.image import FoundImage, ImageInventory, ImageRef, ImageUse
from bundler.model.lean import replace
from bundler.model.values import Assignment, AssignmentKind
from bundler.render.bundle import render_bundle
from bundler.render.patches import apply_patches
from bundler.values.compute import compute_values
from bundler.values.paths import format_path, get_value, parse_path
from bundler.values.schema_view import bundle_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.images.image_paths import ImageRule, Place
    from bundler.images.inventory import Where
    from bundler.images.matrix import Variant
    from bundler.model.bundle import Bundle
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.values import MergedValues
    from bundler.values.schema_view import SchemaView

MAX_DEPTH = 8
MAX_CHOICES = 8
_MAX_WARNINGS = 20


def take_inventory(order: RenderRequest) -> ImageInventory:
    """Find every image that a bundle can need, confined; see :func:`_inventory_of`.

    Raises:
        BundlerError: when the order as given cannot be rendered, or names something that is no image.
        WorkLimitError: when that takes too much.
    """
    name = order.bundle.metadata.name
    return order.confinement.run(lambda: _inventory_of(order), doing=f"looking for the images of {name}")


def _inventory_of(order: RenderRequest) -> ImageInventory:
    """Find every image that a bundle can need.

    The order is rendered as given, and over the switches of the bundle: booleans and short enumerations in its schema
    and its components', and booleans that a ``when`` asks for. A switch that ``--set`` sets stays as it is set; site
    and values files are starting points like the bundle's own defaults.

    Raises:
        BundlerError: when the order as given cannot be rendered, or names something that is no image.
    """
    with order.codes as codes:
        values = compute_values(order.bundle, order.user, names=expression_names(order), codes=codes)
        matrix = make_matrix(find_switches(order, values))
        gathered = _Gathered(rules_of(order.bundle))
        for variant in matrix.variants:
            gathered.take(order, variant)
    return gathered.inventory(order.bundle, matrix)


def take_order(order: RenderRequest) -> ImageInventory:
    """Find the images of an order as it is given, over no switches.

    Raises:
        BundlerError: when it cannot be rendered, or names something that is no image.
    """
    matrix = Matrix(((),), has_pairs=True, is_cut=False)
    gathered = _Gathered(rules_of(order.bundle))
    gathered.take(order, ())
    return gathered.inventory(order.bundle, matrix)


def lacking_lines(inventory: ImageInventory, order: RenderRequest) -> list[str]:
    """Return a line for each place of an image that the delivery of an order does not carry, sorted."""
    rewriter = rewriter_of(order)
    return sorted(
        f"{use.where}: {image.ref} is not in it{_only_with(image)}"
        for image in inventory.images
        for use in image.uses
        if rewriter is None or rewriter.locked(use.ref) is None
    )


def refuse_uncarried(inventory: ImageInventory, order: RenderRequest) -> None:
    """Check an inventory against what the delivery of an order carries.

    Raises:
        ImageMissingError: with every image that it lacks, each place that names it, and the settings that lead there.
    """
    lines = lacking_lines(inventory, order)
    if lines:
        raise ImageMissingError(
            "comparing the images of the bundle with the delivery",
            context=lines,
            hint="export the bundle again; images that only some settings need can be left out with --set at export",
        )


def _only_with(image: FoundImage) -> str:
    return "" if image.settings == ("",) else f" (only with {'; or '.join(image.settings)})"


def find_switches(order: RenderRequest, values: MergedValues) -> tuple[Switch, ...]:
    """Return the switches of a bundle and its components, sorted by path.

    Args:
        order: what is ordered; switches that its assignments set are left out.
        values: the merged values of that order.
    """
    found: dict[str, Switch] = {}
    for steps, choices in _in_schema(bundle_view(order.bundle), ()):
        _add(found, steps, choices, values)
    for steps in _in_conditions(order.bundle, ()):
        if isinstance(get_value(values.data, steps), bool):
            _add(found, steps, (True, False), values)
    fixed = {format_path(parse_path(one.path)) for one in order.user.assignments}
    return tuple(switch for path, switch in sorted(found.items()) if path not in fixed)


def _add(found: dict[str, Switch], steps: tuple[str, ...], choices: tuple[object, ...], values: MergedValues) -> None:
    path = format_path(steps)
    plain = tuple(one for one in choices if isinstance(one, str | int | float))
    found.setdefault(path, Switch(path, plain, get_value(values.data, steps)))


def _in_schema(view: SchemaView, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[object, ...]]]:
    if view.is_sensitive or len(way) > MAX_DEPTH:
        return
    if way and view.nodes and view.types <= {"boolean", "null"}:
        yield way, (True, False)
        return
    choices = view.choices
    if way and choices is not None and 1 < len(choices) <= MAX_CHOICES:
        yield way, tuple(choice for choice in choices if choice is not None)
        return
    for name in view.property_names:
        yield from _in_schema(view.child(name), (*way, name))


def _in_conditions(bundle: Bundle, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths, from the top bundle's values, that conditions of components and images read."""
    conditions = [(one.when, one.source) for one in bundle.components if one.when]
    conditions += [(one.when, one.source) for one in bundle.images if one.when]
    for text, source in conditions:
        try:
            paths = compile_expression(text, source=source).paths
        except BundlerError:
            continue  # computing the values tells it
        yield from ((*way, *path[1:]) for path in paths if path[0] == "values" and len(path) > 1)
    for name, inner in bundle.component_bundles.items():
        yield from _in_conditions(inner, (*way, name))


class _Gathered:
    """What all variants came to."""

    def __init__(self, rules: Sequence[ImageRule]) -> None:
        self._rules = rules
        self._leading: set[str] = set()
        """Declared paths that led to an image."""
        self._known: dict[tuple[object, ...], str] = {}
        """Where images are; finding a line renders once more, so each is looked for once."""
        self._uses: dict[ImageRef, set[ImageUse]] = {}
        self._settings: dict[ImageRef, list[str]] = {}
        self._manifests: dict[tuple[object, ...], Manifest] = {}
        self._failed: list[str] = []
        self._switched_on: set[str] = set()
        self._tried = 0

    def take(self, order: RenderRequest, variant: Variant) -> None:
        """Render one setting; only the order as given must render."""
        try:
            found, manifests = self._rendered(order_with(order, variant))
        except BundlerError as error:
            if not variant:
                raise
            self._failed.append(f"{described(variant)}: not tried, {error.context[0] if error.context else error}")
            return
        self._tried += 1
        for ref, use in found:
            self._uses.setdefault(ref, set()).add(use)
            settings = self._settings.setdefault(ref, [])
            text = described(variant)
            if text not in settings:
                settings.append(text)
        for manifest in manifests:
            self._manifests.setdefault((manifest.ref, json.dumps(manifest.body, sort_keys=True)), manifest)

    def _rendered(self, order: RenderRequest) -> tuple[list[tuple[ImageRef, ImageUse]], tuple[Manifest, ...]]:
        values = compute_values(order.bundle, order.user, names=expression_names(order), codes=order.codes)
        rendering = render_bundle(order.bundle, values, render_context(order, None))
        manifests = apply_patches(rendering.manifests, order.place.patches if order.place else ()).manifests
        declared = list(_declared(order.bundle, values, expression_names(order), ""))
        self._switched_on |= {use.where for _, use in declared}
        uses = find_uses(manifests, self._rules, self._remembered(where_in(rendering, order)))
        return [*uses, *declared], manifests

    def _remembered(self, where: Where) -> Where:
        def remembered(manifest: Manifest, place: Place) -> str:
            self._leading.add(place.label)
            key = (manifest.ref, manifest.source, place.label, place.text)
            if key not in self._known:
                self._known[key] = where(manifest, place)
            return self._known[key]

        return remembered

    def inventory(self, bundle: Bundle, matrix: Matrix) -> ImageInventory:
        """Return the whole, sorted."""
        images = tuple(
            FoundImage(ref=ref, uses=tuple(sorted(uses)), settings=_shortest(self._settings[ref]))
            for ref, uses in sorted(self._uses.items())
        )
        suspects = find_suspects(self._manifests.values(), self._rules, set(self._uses))
        idle = [(where, ref) for where, ref in _all_declared(bundle) if where not in self._switched_on]
        warnings = [
            *suspects,
            *(f"{where}: no setting that was tried switches {ref} on" for where, ref in idle),
            *(f"{source}: no setting that was tried has an image at {path}" for source, path in self._astray(bundle)),
            *self._failed[:_MAX_WARNINGS],
        ]
        if len(self._failed) > _MAX_WARNINGS:
            warnings.append(f"{len(self._failed) - _MAX_WARNINGS} more settings could not be tried")
        if matrix.is_cut:
            warnings.append("there are too many switches to try each; declare what is rare in spec.images")
        return ImageInventory(images=images, warnings=tuple(warnings), variants=self._tried, has_pairs=matrix.has_pairs)

    def _astray(self, bundle: Bundle) -> Iterator[tuple[str, str]]:
        """Yield declared paths that lead to nothing: most likely they are misspelt."""
        for spec in (spec for one in bundle.tree() for spec in one.images):
            if spec.path and spec.path not in self._leading:
                yield str(spec.source), spec.path


def _shortest(settings: Sequence[str]) -> tuple[str, ...]:
    """Keep the settings that say the least: what the order as given needs, others need too."""
    if "" in settings:
        return ("",)
    fewest = min(len(text.split(" ")) for text in settings)
    return tuple(text for text in settings if len(text.split(" ")) == fewest)


def order_with(order: RenderRequest, variant: Variant) -> RenderRequest:
    """Return an order with the switches of a variant set."""
    assignments = tuple(
        Assignment(kind=AssignmentKind.JSON, path=path, text=json.dumps(value), typed=json.dumps(value))
        for path, value in variant
    )
    return replace(order, user=replace(order.user, assignments=(*order.user.assignments, *assignments)))


def _declared(
    bundle: Bundle, values: MergedValues, names: Body | dict[str, object], component: str
) -> Iterator[tuple[ImageRef, ImageUse]]:
    for spec in bundle.images:
        if not spec.ref:
            continue
        seen = {**names, "values": values.data}
        is_on = not spec.when or bool(compile_expression(spec.when, source=spec.source).evaluate(seen))
        if is_on:
            yield ImageRef.parse(spec.ref), ImageUse(spec.ref, str(spec.source))
    for name, inner in (values.components or {}).items():
        yield from _declared(bundle.component_bundles[name], inner, names, f"{component}/{name}")


def _all_declared(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield where images are declared, and which."""
    yield from ((str(spec.source), spec.ref) for one in bundle.tree() for spec in one.images if spec.ref)
