"""JSON shapes and safe access to them. Layer: model, pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeGuard

from bundler.model.digits import parse_digits

JSONValue: TypeAlias = "str | int | float | bool | Mapping[str, JSONValue] | Sequence[JSONValue] | None"
Body: TypeAlias = "Mapping[str, JSONValue]"

_EMPTY: Body = {}
_MAPPINGS = (dict, Mapping)
"""The concrete type first: asking an abstract one takes ten times as long."""
_PLAIN = frozenset({str, int, float, bool, type(None), list, tuple})
"""Types that are known not to be mappings: asking an abstract type takes four times as long."""
_LISTS = (list, tuple, Sequence)
_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def decode_json(text: str | bytes) -> JSONValue:
    """Decode JSON from outside.

    Raises:
        ValueError: when it is not JSON, or nested too deeply to be read.
    """
    try:
        value: JSONValue = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def is_mapping(value: JSONValue) -> TypeGuard[Body]:
    """Return whether ``value`` is a JSON object."""
    return isinstance(value, dict) or (type(value) not in _PLAIN and isinstance(value, Mapping))


def is_list(value: JSONValue) -> TypeGuard[Sequence[JSONValue]]:
    """Return whether ``value`` is a JSON array; a string is not."""
    return isinstance(value, (list, tuple))


def is_number(value: JSONValue) -> TypeGuard[int | float]:
    """Return whether ``value`` is a JSON number; a boolean is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_length(value: JSONValue) -> int | None:
    """Return how many characters a text has; None for anything else."""
    return len(value) if isinstance(value, str) else None


def list_length(value: JSONValue) -> int | None:
    """Return how many items a list has; None for anything else."""
    return len(value) if is_list(value) else None


def mapping_length(value: JSONValue) -> int | None:
    """Return how many keys a mapping has; None for anything else."""
    return len(value) if is_mapping(value) else None


def _as_it_is(text: str) -> str:
    return text


def as_json(
    value: object, *, mask: Callable[[str], str] = _as_it_is, mask_key: Callable[[str], str] = _as_it_is
) -> JSONValue:
    """Return forms, objects and values as plain JSON; what JSON does not have becomes text.

    Args:
        value: mappings and lists of any kind, however deep.
        mask: what becomes of texts.
        mask_key: what becomes of keys.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, _MAPPINGS):
        return {mask_key(str(key)): as_json(item, mask=mask, mask_key=mask_key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item, mask=mask, mask_key=mask_key) for item in value]
    return value if isinstance(value, int | float | None) else str(value)


def leaves_in(value: JSONValue) -> Iterator[JSONValue]:
    """Yield what is not a mapping and no list, all the way down."""
    if is_mapping(value):
        for item in value.values():
            yield from leaves_in(item)
    elif is_list(value):
        for item in value:
            yield from leaves_in(item)
    else:
        yield value


def texts_in(value: JSONValue) -> Iterator[str]:
    """Yield the texts and numbers below ``value`` as text: what may have to be masked. Empty ones are left out."""
    for leaf in leaves_in(value):
        if leaf is not None and leaf != "" and not isinstance(leaf, bool):
            yield str(leaf)


def value_at(body: JSONValue, *path: str) -> JSONValue:
    """Return what is at ``path``, or None where a step is missing or not a mapping."""
    here = body
    for step in path:
        if here is None or not isinstance(here, _MAPPINGS):
            return None
        here = here.get(step)
    return here


def value_at_steps(body: JSONValue, steps: Sequence[str | int]) -> JSONValue:
    """Return what is at the end of keys and indexes, or None where one of them is missing.

    Args:
        body: where they begin.
        steps: keys of mappings and indexes of lists.
    """
    here = body
    for step in steps:
        if isinstance(step, str):
            here = value_at(here, step)
        else:
            here = here[step] if is_list(here) and step < len(here) else None
    return here


def mapping_at(body: JSONValue, *path: str) -> Body:
    """Return the mapping at ``path``; an empty one where there is none."""
    here = body.get(path[0]) if len(path) == 1 and isinstance(body, dict) else value_at(body, *path)
    return here if here is not None and isinstance(here, _MAPPINGS) else _EMPTY


def list_at(body: JSONValue, *path: str) -> Sequence[JSONValue]:
    """Return the list at ``path``; an empty one where there is none."""
    here = value_at(body, *path)
    return here if isinstance(here, _LISTS) and not isinstance(here, str) else ()


def items_at(body: JSONValue, *path: str) -> Sequence[Body]:
    """Return the mappings in the list at ``path``; anything else in it is passed over."""
    return [item for item in list_at(body, *path) if isinstance(item, _MAPPINGS)]


def text_at(body: JSONValue, *path: str) -> str:
    """Return the string at ``path``; an empty one where there is none."""
    here = body.get(path[0]) if len(path) == 1 and isinstance(body, dict) else value_at(body, *path)
    return here if isinstance(here, str) else ""


def strings_at(body: JSONValue, *path: str) -> tuple[str, ...]:
    """Return what is in the list at ``path`` as strings; nothing where there is none."""
    return tuple(map(str, list_at(body, *path)))


def int_at(body: JSONValue, *path: str, default: int = 0) -> int:
    """Return the integer at ``path``, or ``default``.

    Args:
        body: the object.
        default: where the key is missing.
        *path: keys and indexes from the root.
    """
    here = value_at(body, *path)
    return here if isinstance(here, int) and not isinstance(here, bool) else default


def escape_token(key: str) -> str:
    """Return ``key`` as one token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def members_of(value: JSONValue, pointer: str = "") -> Iterator[tuple[str | int, str, JSONValue]]:
    """Yield what is in a mapping or list: key or index, pointer, value; nothing for any other value.

    Args:
        value: what is looked into.
        pointer: JSON pointer of it.
    """
    if is_mapping(value):
        yield from ((key, f"{pointer}/{escape_token(key)}", item) for key, item in value.items())
    elif is_list(value):
        yield from ((index, f"{pointer}/{index}", item) for index, item in enumerate(value))


def pointer_tokens(pointer: str) -> tuple[str, ...]:
    """Return the tokens of a JSON pointer, unescaped; an index stays text."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def at_pointer(body: JSONValue, pointer: str) -> tuple[JSONValue, bool]:
    """Return what is at a JSON pointer, and whether anything is."""
    here = body
    for token in pointer_tokens(pointer):
        index = parse_digits(token) if is_list(here) else None
        if is_mapping(here) and token in here:
            here = here[token]
        elif is_list(here) and index is not None and index < len(here):
            here = here[index]
        else:
            return None, False
    return here, True


def type_name(value: JSONValue) -> str:
    """Return the JSON type of a value; ``integer`` for whole numbers."""
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    if is_mapping(value):
        return "object"
    return _TYPE_NAMES.get(type(value), "array")


def canonical_json(value: JSONValue) -> bytes:
    """Encode as the one byte string that stands for this value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def by_label(bodies: Iterable[Body]) -> Mapping[tuple[str, JSONValue], Sequence[Body]]:
    """Index objects by each of their labels, for many that look for theirs among all."""
    found: defaultdict[tuple[str, JSONValue], list[Body]] = defaultdict(list)
    for body in bodies:
        for label in mapping_at(body, "metadata", "labels").items():
            found[label].append(body)
    return found
