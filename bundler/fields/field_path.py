"""Field paths as the API server writes them. Layer: fields, pure.

``spec.ports[1].port``, ``containers[name="web"].image``, ``metadata.labels[app.kubernetes.io/name]``, ``data.my.conf``:
keys may hold the very characters that part them, so that only the object tells where one ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import JSONValue

_ENDS = (".", "[", ":", " ")


def leading_steps(text: str, body: JSONValue) -> tuple[str | int, ...]:
    """Return the steps of the path that ``text`` begins with, as far as ``body`` has them."""
    steps: list[str | int] = []
    rest = f".{text.removeprefix('.')}"
    while (found := max(_next_steps(rest, body), key=lambda one: len(one[0]), default=None)) is not None:
        written, step, body = found
        steps.append(step)
        rest = rest[len(written) :]
    return tuple(steps)


def _next_steps(text: str, body: JSONValue) -> Iterator[tuple[str, str | int, JSONValue]]:
    """Yield each way to read the beginning of ``text``: what is written, the step it means, what is there."""
    if is_list(body):
        inside, closing, _ = text[1:].partition("]")
        if text.startswith("[") and closing:
            yield from ((f"[{inside}]", index, item) for index, item in enumerate(body) if _means(inside, index, item))
    elif is_mapping(body):
        for key, value in body.items():
            for written in (f"[{key}]", f'["{key}"]', f".{key}"):
                rest = text.removeprefix(written)
                if len(rest) < len(text) and (not rest or rest.startswith(_ENDS)):
                    yield written, key, value


def _means(written: str, index: int, item: JSONValue) -> bool:
    """Tell whether an item is meant: by its number, or by keys as in ``name="web",port=80``."""
    if "=" not in written:
        return written == str(index)
    pairs = [pair.partition("=") for pair in written.split(",")]
    return is_mapping(item) and all(str(item.get(key)) == value.strip('"') for key, _, value in pairs)
