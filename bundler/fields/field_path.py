"""Field paths as the API server writes them. Layer: fields, pure.

``spec.ports[1].port``, ``containers[name="web"].image``, ``metadata.labels[app.kubernetes.io/name]``, ``data.my.conf``,
``finalizers[="kept"]``: keys may hold the very characters that part them, so that only the object tells where one ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from bundler.model.digits import parse_digits
from bundler.model.json import JSONValue, is_list, is_mapping

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
    return _with_values(body, path, ())


def with_field(body: JSONValue, path: str, value: JSONValue) -> JSONValue:
    """Return a copy of an object with another value at a path; the same object where there is no such field.

    Args:
        body: the object.
        path: as the API server writes it.
        value: what shall be there.
    """
    return _with_values(body, path, (value,))


def _with_values(body: JSONValue, path: str, values: tuple[JSONValue, ...]) -> JSONValue:
    steps, rest, _ = _followed(path, body)
    return body if rest or not steps else _replaced(body, steps, values)


def _replaced(body: JSONValue, steps: Sequence[str | int], values: tuple[JSONValue, ...]) -> JSONValue:
    """Return a copy with these values, none or one, in place of what is at the end of ``steps``."""
    step, *below = steps

    def kept(key: str | int, item: JSONValue) -> tuple[JSONValue, ...]:
        if key != step:
            return (item,)
        return (_replaced(item, below, values),) if below else values

    if is_list(body):
        return [one for at, item in enumerate(body) for one in kept(at, item)]
    if is_mapping(body):
        return {key: one for key, item in body.items() for one in kept(key, item)}
    return body


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
