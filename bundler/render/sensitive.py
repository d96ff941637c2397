"""Which strings of a rendering must never be printed. Layer: render, pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.model.digits import parse_digits
from bundler.model.json import mapping_at, texts_in
from bundler.model.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import Body, JSONValue
    from bundler.model.values import MergedValues
    from bundler.render.types import Rendering


def sensitive_strings(rendering: Rendering, values: MergedValues) -> frozenset[str]:
    """Return what a redactor must learn: sensitive values, and every leaf of a rendered Secret, decoded."""
    found = set(sensitive_values(values))
    for manifest in rendering.manifests:
        if manifest.ref.kind == "Secret" and manifest.ref.group == "":
            found.update(_secret_leaves(manifest.body))
    return frozenset(found)


def sensitive_values(values: MergedValues) -> frozenset[str]:
    """Return the leaves at sensitive pointers, components included."""
    found = {leaf for pointer in values.sensitive for leaf in texts_in(_at(values.data, pointer))}
    for component in (values.components or {}).values():
        found |= sensitive_values(component)
    return frozenset(found)


def redactor_of(values: MergedValues) -> Redactor:
    """Return what masks sensitive values, spelled as Python quotes them in messages too."""
    redactor = Redactor()
    for secret in sensitive_values(values):
        redactor.learn(secret, repr(secret)[1:-1])
    return redactor


def _at(value: JSONValue, pointer: str) -> JSONValue:
    here = value
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, Sequence) and not isinstance(here, str):
            index = parse_digits(step)
            here = here[index] if index is not None and index < len(here) else None
        else:
            return None
    return here


def _secret_leaves(body: Body) -> Iterator[str]:
    yield from texts_in(mapping_at(body, "stringData"))
    for encoded in texts_in(mapping_at(body, "data")):
        yield encoded
        try:
            yield base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
