"""Where expressions stand in a bundle.yaml, readiness apart. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.bundle import Bundle
    from bundler.model.json import JSONValue
    from bundler.model.manifest import Source


def bare_formulas(bundle: Bundle) -> Iterator[tuple[str, Source]]:
    """Yield the bare expressions of a bundle without its components: ``derive`` and ``when``."""
    for rule in bundle.derive:
        yield rule.formula, rule.source
    conditions = [(spec.when, spec.source) for spec in bundle.components]
    conditions += [(spec.when, spec.source) for spec in bundle.images]
    yield from (condition for condition in conditions if condition[0])


def formula_texts(bundle: Bundle) -> Iterator[tuple[str, Source]]:
    """Yield the texts of a bundle without its components that may hold ``{{ … }}``."""
    for spec in bundle.components:
        yield from ((text, spec.source) for text in _texts(spec.values))
    for secret in bundle.generate:
        yield secret.secret, secret.source


def _texts(value: JSONValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_mapping(value) or is_list(value):
        for item in value.values() if is_mapping(value) else value:
            yield from _texts(item)
