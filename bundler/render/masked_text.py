"""Rendered text without the leaves of Secrets, for showing. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bundler.model.redaction import MASK
from bundler.model.secret_leaves import LEAF_FIELDS
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.spans import Span, scalar_spans


def masked_text(text: str) -> str:
    """Return YAML with ``"***"`` in place of each leaf of a Secret, wherever the Secret is: in a List, in JSON.

    A text that is not YAML has no leaves that could be told; it stays as it is.
    """
    try:
        spans = scalar_spans(text.removeprefix("\ufeff"))
    except YamlSyntaxError:
        return text
    bodies = {span.path[:-1] for span in spans if span.path[-1] == "kind" and span.value == "Secret"}
    return _with_masks(text, {(span.start, span.end) for span in spans if _is_leaf(span, bodies)})


def _is_leaf(span: Span, bodies: Collection[tuple[str, ...]]) -> bool:
    path = span.path
    return any(path[depth] in LEAF_FIELDS and path[:depth] in bodies for depth in range(1, len(path)))


def _with_masks(text: str, places: Iterable[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in sorted(places):
        if end > start:
            pieces += [text[at:start], f'"{MASK}"']
            at = end
    return "".join([*pieces, text[at:]])
