"""Components in namespaces of their own: ``components[].namespace``. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import evaluate_text
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import ComponentSpec

_NAMESPACE = LazyPattern(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def component_namespace(spec: ComponentSpec, names: Mapping[str, object], codes: CompiledCodes | None) -> str:
    """Return the namespace of a component; empty where it has none of its own.

    Args:
        spec: of the component.
        names: what the expression sees: ``values`` of the bundle around it, ``release`` and ``site``.
        codes: what is compiled of the bundle already.

    Raises:
        RenderError: when it cannot be computed, or is not a name of a namespace.
    """
    if not spec.namespace:
        return ""
    found = evaluate_text(spec.namespace, names, source=spec.source, codes=codes)
    if isinstance(found, str) and (not found or _NAMESPACE.fullmatch(found)):
        return found
    raise ExpressionError(
        f"computing the namespace of component {spec.name}",
        context=[spec.source.found(f"`{spec.namespace}` is {found!r}, which is not a name of a namespace")],
        hint="let it be at most 63 lower-case letters, digits and hyphens, or empty for the namespace of the release",
    )


def in_namespace(names: Mapping[str, object], namespace: str) -> dict[str, object]:
    """Return what expressions see, with another namespace of the release."""
    release = names.get("release")
    return {**names, "release": {**(release if isinstance(release, Mapping) else {}), "namespace": namespace}}
