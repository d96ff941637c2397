"""Field paths as the API server writes them. Layer: fields, pure.

``spec.ports[1].port``, ``containers[name="web"].image``, ``metadata.labels[app.kubernetes.io/name]``, ``data.my.conf``,
``finalizers[="kept"]``: keys may hold the very characters that part them, so that only the object tells where one ends.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from bundler.model.digits import parse_digits
from bundler.model.json import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.model.json import JSONValue

_ENDS = (".", "[", ":", " ")
_BRACKET = re.compile(r'\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]')
_UNSPELT: Final = {"protocol": "TCP"}
"""Keys of list items that have a default: the server writes it, and a template need not."""
_PAIR = re.compile(r'([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


def leading_steps(text: str, body: JSONValue) -> tuple[str | int, ...]:
    """Return the steps of the path that ``text`` begins with, as far as ``body`` has them."""
    return _followed(text, body)[0]


def value_at_path(body: JSONValue, path: str) -> JSONValue:
    """Return the value at a whole path, which is the object's own where the path is empty; None where there is none."""
    _, rest, value = _followed(path, body)
    return None if rest else value


def without_field(body: JSONValue, path: str) -> JSONValue:
    """Return a copy of an object without the field at a path; the same object where there is no such field."""
    steps, rest, _ = _followed(path, body)
    return body if rest or not steps else _without(body, steps)


def with_field(body: JSONValue, path: str, value: JSONValue) -> JSONValue:
    """Return a copy of an object with another value at a path; the same object where there is no such field.

    Args:
        body: the object.
        path: as the API server writes it.
        value: what shall be there.
    """
    steps, rest, _ = _followed(path, body)
    return body if rest or not steps else _with(body, steps, value)


def _with(body: JSONValue, steps: Sequence[str | int], value: JSONValue) -> JSONValue:
    if not steps:
        return value
    step, *below = steps
    if is_list(body):
        return [_with(item, below, value) if at == step else item for at, item in enumerate(body)]
    if is_mapping(body):
        return {key: _with(item, below, value) if key == step else item for key, item in body.items()}
    return body


def _without(value: JSONValue, steps: Sequence[str | int]) -> JSONValue:
    step, *below = steps
    if is_list(value):
        return [
            _without(item, below) if below and at == step else item
            for at, item in enumerate(value)
            if below or at != step
        ]
    if is_mapping(value):
        return {
            key: _without(item, below) if below and key == step else item
            for key, item in value.items()
            if below or key != step
        }
    return value


def _followed(text: str, body: JSONValue) -> tuple[tuple[str | int, ...], str, JSONValue]:
    """Return the steps that lead into ``body``, what of the text is left after them, and the value there."""
    steps: list[str | int] = []
    rest = f".{text.removeprefix('.')}" if text else ""
    while (found := max(_next_steps(rest, body), key=lambda one: len(one[0]), default=None)) is not None:
        written, step, body = found
        steps.append(step)
        rest = rest[len(written) :]
    return tuple(steps), rest, body


def _next_steps(text: str, body: JSONValue) -> Iterator[tuple[str, str | int, JSONValue]]:
    """Yield each way to read the beginning of ``text``: what is written, the step it means, what is there."""
    if is_list(body):
        if bracket := _BRACKET.match(text):
            written, inside = bracket.group(), bracket.group(1)
            yield from ((written, index, item) for index, item in enumerate(body) if _means(inside, index, item))
    elif is_mapping(body):
        for key, value in body.items():
            for written in (f"[{key}]", f'["{key}"]', f".{key}"):
                rest = text.removeprefix(written)
                if len(rest) < len(text) and (not rest or rest.startswith(_ENDS)):
                    yield written, key, value


def _means(written: str, index: int, item: JSONValue) -> bool:
    """Return whether an item is meant: by number, by itself as in ``="web"``, or by keys: ``name="web",port=80``."""
    if (number := parse_digits(written)) is not None:
        return number == index
    if written.startswith("="):
        return item == _scalar(written[1:])
    pairs = [(key, _scalar(value)) for key, value in _PAIR.findall(written)]
    return bool(pairs) and is_mapping(item) and all(item.get(key, _UNSPELT.get(key)) == value for key, value in pairs)


def _scalar(text: str) -> JSONValue:
    try:
        value: JSONValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
