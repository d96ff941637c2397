"""Builders for tests of rendering: bundles in memory, and one call that renders them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bundler.model.bundle import Bundle, BundleMetadata
from bundler.model.digest import digest_of
from bundler.model.values import LayerKind, MergedValues, Origin, ValuesLayer
from bundler.render.bundle import render_bundle
from bundler.render.types import Capabilities, RenderContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body
    from bundler.render.types import Rendering

CLUSTER_SCOPED = {"Namespace", "ClusterRole", "CustomResourceDefinition", "List"}


def bundle_of(templates: Mapping[str, str], *, name: str = "shop", **fields: object) -> Bundle:
    """Return a bundle in memory; template texts are dedented."""
    origin = Origin(LayerKind.DEFAULTS, "values.yaml")
    return Bundle(
        metadata=BundleMetadata(name=name, version="1.4.0", app_version="2026.11"),
        digest=digest_of(name.encode()),
        origin=name,
        defaults=ValuesLayer(data={}, origin=origin, leaf_origins={}),
        templates={path: textwrap.dedent(text).lstrip("\n") for path, text in templates.items()},
        **fields,
    )


def values_of(data: Body, *, sensitive: frozenset[str] = frozenset(), **components: MergedValues) -> MergedValues:
    """Return merged values without origins."""
    return MergedValues(data=data, origins={}, sensitive=sensitive, components=components)


def context_of(**fields: object) -> RenderContext:
    """Return what the tests render for: release ``shop`` in namespace ``prod``."""
    defaults: dict[str, object] = {
        "release_name": "shop",
        "namespace": "prod",
        "capabilities": Capabilities(
            kube_version="v1.36.2+k3s1", has_api={"apps/v1", "apps/v1/Deployment"}.__contains__
        ),
        "scope_of": lambda _group, kind: kind not in CLUSTER_SCOPED,
    }
    return RenderContext(**{**defaults, **fields})


def render(templates: Mapping[str, str], data: Body | None = None, **fields: object) -> Rendering:
    """Render templates with values."""
    return render_bundle(bundle_of(templates, **fields), values_of(data or {}), context_of())
