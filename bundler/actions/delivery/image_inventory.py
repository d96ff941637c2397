"""Which images a bundle can need: rendered over the switches in its schema. Layer: actions, pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from bundler.actions.compose.compose import expression_names, render_context, values_of
from bundler.actions.compose.render_request import RenderRequest, as_hooks_see
from bundler.actions.compose.site_overlay import rewriter_of, where_in
from bundler.actions.delivery.switches import find_extents, find_switches, find_thresholds, order_with
from bundler.errors import BundlerError
from bundler.errors.delivery import ImageMissingError
from bundler.expressions.expression import compile_expression
from bundler.images.image_paths import ImageRule, Place, rules_of
from bundler.images.inventory import Where, find_suspects, find_uses
from bundler.images.matrix import Matrix, Variant, described, ends_of, everything_on, make_matrix
from bundler.model.image import FoundImage, ImageInventory, ImageRef, ImageUse
from bundler.render.bundle import render_bundle
from bundler.render.patches import apply_patches

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.manifest import Manifest
    from bundler.model.values import MergedValues

_MAX_WARNINGS = 20
_MAX_EXPLORED = 160


def take_inventory(order: RenderRequest) -> ImageInventory:
    """Find every image that a bundle can need, confined; see :func:`_inventory_of`.

    Raises:
        BundlerError: when the order as given cannot be rendered, or names something that is not an image.
        WorkLimitError: when that takes too much.
    """
    name = order.bundle.metadata.name
    return order.confinement.run(lambda: _inventory_of(order), doing=f"looking for the images of {name}")


def _inventory_of(order: RenderRequest) -> ImageInventory:
    """Find every image that a bundle can need.

    The order is rendered as given, over the switches of the bundle (see :func:`find_switches`), at what conditions
    compare with, and with all numbers and texts at their ends, which no one may want. What ``--set`` sets stays as it
    is set; site and values files are starting points like the bundle's own defaults.

    Raises:
        BundlerError: when the order as given cannot be rendered, or names something that is not an image.
    """
    with order.codes:
        values = values_of(order)
        switches = find_switches(order, values)
        matrix = make_matrix(switches)
        gathered, orders = _Gathered(rules_of(order.bundle)), as_hooks_see(order)
        for variant, one in product(matrix.variants, orders):
            gathered.take(one, variant)
        ends = ends_of(find_thresholds(order, values), find_extents(order, values, switches))
        gathered.explore(order, [(fixed, end) for end in ends for fixed in {(): None, everything_on(switches): None}])
    return gathered.inventory(order.bundle, matrix)


def take_order(order: RenderRequest) -> ImageInventory:
    """Find the images of an order as it is given, over no switches.

    Raises:
        BundlerError: when it cannot be rendered, or names something that is not an image.
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
        self._add(found, variant)
        for manifest in manifests:
            self._manifests.setdefault((manifest.ref, json.dumps(manifest.body, sort_keys=True)), manifest)

    def explore(self, order: RenderRequest, settings: Sequence[tuple[Variant, Variant]]) -> None:
        """Render settings that no one may want; those that lead to images, or are not allowed, by halves again.

        Args:
            order: as given.
            settings: of each what stays, and what is halved.
        """
        plain, waiting, explored = frozenset(self._uses), list(settings), 0
        while waiting and explored < _MAX_EXPLORED:
            fixed, part = waiting.pop(0)
            explored += 1
            if self._leads_on(order, (*fixed, *part), plain) and len(part) > 1:
                middle = len(part) // 2
                waiting += [(fixed, part[:middle]), (fixed, part[middle:])]

    def _leads_on(self, order: RenderRequest, variant: Variant, plain: frozenset[ImageRef]) -> bool:
        """Render a setting; return whether it leads to an image that no plain one does, or cannot be rendered."""
        try:
            found, _ = self._rendered(order_with(order, variant))
        except BundlerError:
            return True
        made_up = _made_up(variant, order.bundle)
        real = [(ref, use) for ref, use in found if ref in plain or not made_up(use.ref)]
        self._add(real, variant)
        return any(ref not in plain for ref, _ in found)

    def _add(self, found: Sequence[tuple[ImageRef, ImageUse]], variant: Variant) -> None:
        self._tried += 1
        for ref, use in found:
            self._uses.setdefault(ref, set()).add(use)
            settings = self._settings.setdefault(ref, [])
            text = described(variant)
            if text not in settings:
                settings.append(text)

    def _rendered(self, order: RenderRequest) -> tuple[list[tuple[ImageRef, ImageUse]], tuple[Manifest, ...]]:
        values = values_of(order)
        rendering = render_bundle(order.bundle, values, render_context(order, None))
        manifests = apply_patches(rendering.manifests, order.place.patches if order.place else ()).manifests
        declared = list(_declared(order.bundle, values, expression_names(order)))
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


def _made_up(variant: Variant, bundle: Bundle) -> Callable[[str], bool]:
    """Return a check whether an image's name contains a value that was set: such a version does not exist."""
    texts = {str(value) for _, value in variant if value not in {"", None} and not isinstance(value, bool)}
    words = "|".join(re.escape(text) for text in sorted(texts))
    pattern = re.compile(rf"(?<![0-9])(?:{words})(?![0-9])", re.IGNORECASE)

    def is_made_up(name: str) -> bool:
        return bool(words) and pattern.search(name) is not None and not _is_written(name, bundle)

    return is_made_up


def _is_written(name: str, bundle: Bundle) -> bool:
    """Return whether a bundle or a component of it holds an image's name as it is."""
    return any(name.encode() in file.content for one in bundle.tree() for file in one.files.values())


def _shortest(settings: Sequence[str]) -> tuple[str, ...]:
    """Keep the settings that say the least: what the order as given needs, others need too."""
    if "" in settings:
        return ("",)
    fewest = min(len(text.split(" ")) for text in settings)
    return tuple(text for text in settings if len(text.split(" ")) == fewest)


def _declared(bundle: Bundle, values: MergedValues, names: dict[str, object]) -> Iterator[tuple[ImageRef, ImageUse]]:
    for spec in bundle.images:
        if not spec.ref:
            continue
        seen = {**names, "values": values.data}
        is_on = not spec.when or bool(compile_expression(spec.when, source=spec.source).evaluate(seen))
        if is_on:
            yield ImageRef.parse(spec.ref), ImageUse(spec.ref, str(spec.source))
    for name, inner in (values.components or {}).items():
        yield from _declared(bundle.component_bundles[name], inner, names)


def _all_declared(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield where images are declared, and which."""
    yield from ((str(spec.source), spec.ref) for one in bundle.tree() for spec in one.images if spec.ref)
