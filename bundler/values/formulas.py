"""Where expressions stand in a bundle.yaml, readiness apart. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.model.json import leaves_in
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle


def bare_formulas(bundle: Bundle) -> Iterator[tuple[str, Source]]:
    """Yield the bare expressions of a bundle without its components: ``derive`` and ``when``."""
    for rule in bundle.derive:
        yield rule.formula, rule.source
    conditions = [(spec.when, spec.source) for spec in bundle.components]
    conditions += [(spec.when, spec.source) for spec in bundle.images]
    conditions += [(spec.when, spec.source) for spec in bundle.generate]
    yield from (condition for condition in conditions if condition[0])


def formula_texts(bundle: Bundle) -> Iterator[tuple[str, Source]]:
    """Yield the texts of a bundle without its components that may hold ``{{ … }}``."""
    for spec in bundle.components:
        yield from ((leaf, spec.source) for leaf in (*leaves_in(spec.values), spec.namespace) if isinstance(leaf, str))
    for output in bundle.outputs:
        yield from ((leaf, output.source) for leaf in leaves_in(output.value) if isinstance(leaf, str))
    for patch in bundle.patches:
        yield from ((leaf, patch.source) for leaf in patch.leaves() if isinstance(leaf, str))
    for secret in bundle.generate:
        yield secret.secret, secret.source
