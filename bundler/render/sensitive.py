"""Which strings of a rendering must never be printed. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import at_pointer, texts_in
from bundler.model.redaction import Redactor
from bundler.model.secret_leaves import is_secret, leaf_texts

if TYPE_CHECKING:
    from bundler.model.values import MergedValues
    from bundler.render.types import Rendering


def sensitive_strings(rendering: Rendering, values: MergedValues) -> frozenset[str]:
    """Return what a redactor must learn: sensitive values, and every leaf of a rendered Secret, decoded."""
    found = set(sensitive_values(values))
    for manifest in rendering.manifests:
        if is_secret(manifest.body):
            found.update(leaf_texts(manifest.body))
    return frozenset(found)


def sensitive_values(values: MergedValues) -> frozenset[str]:
    """Return the leaves at sensitive pointers, components included."""
    found = {leaf for pointer in values.sensitive for leaf in texts_in(at_pointer(values.data, pointer)[0])}
    for component in (values.components or {}).values():
        found |= sensitive_values(component)
    return frozenset(found)


def redactor_of(values: MergedValues) -> Redactor:
    """Return what masks sensitive values, spelled as Python quotes them in messages too."""
    redactor = Redactor()
    for secret in sensitive_values(values):
        redactor.learn(secret, repr(secret)[1:-1])
    return redactor
