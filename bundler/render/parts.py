"""The parts of a bundle: itself and each component that is switched on, with what is around it. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.model.json import Body
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle, Reach
    from bundler.model.values import MergedValues
    from bundler.render.types import RenderContext


@dataclass(frozen=True, slots=True)
class Part:
    """One bundle of the tree: the top one, or a component that is switched on."""

    bundle: Bundle
    values: MergedValues
    component: str
    """Its path; empty for the top bundle."""
    site: Body
    namespace: str
    """Empty where it is the release's."""

    def within(self, context: RenderContext) -> RenderContext:
        """Return what the bundle is rendered for: the release, in its own namespace where it has one."""
        return replace(context, namespace=self.namespace) if self.namespace else context

    def path(self, inside: str) -> str:
        """Return how the user knows a file of this bundle."""
        return f"{self.component}/{inside}" if self.component else inside


def walk(bundle: Bundle, values: MergedValues, site: Body, component: str = "", namespace: str = "") -> Iterator[Part]:
    """Yield a bundle and its switched-on components, each before its own; outer site facts win over inner defaults.

    Args:
        bundle: loaded, with its components.
        values: merged, of the bundle and its components.
        site: facts of the site, which win.
        component: path of the component; empty for the bundle itself.
        namespace: of the bundle around it, where it is not the release's.
    """
    namespace = values.namespace or namespace
    known = {**bundle.site_defaults, **site}
    yield Part(bundle, values, component, known, namespace)
    enabled = values.components or {}
    for spec in bundle.components:
        if spec.name in enabled:
            path = f"{component}/{spec.name}" if component else spec.name
            yield from walk(bundle.component_bundles[spec.name], enabled[spec.name], known, path, namespace)


def declared_reach(bundle: Bundle, values: MergedValues) -> Reach:
    """Return what a bundle declares: its ``reach``, and the namespaces that it gives its own components.

    Those that are given further down are the word of someone else, and the bundle declares them in its ``reach``.
    """
    given = {one.namespace for one in (values.components or {}).values()} - {""}
    return replace(bundle.reach, namespaces=(*bundle.reach.namespaces, *sorted(given)))
