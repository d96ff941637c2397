"""Take sensitive leaves out of values, and put them back. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, leaves_in, mapping_at, pointer_tokens
from bundler.model.redaction import MASK

if TYPE_CHECKING:
    from bundler.model.values import Pointer

    IsSecret = Callable[[Pointer, JSONValue], bool]


def hide_leaves(data: Body, is_secret: IsSecret) -> tuple[Body, dict[Pointer, JSONValue]]:
    """Return values with every sensitive leaf masked, and what was there.

    A list with a sensitive leaf is hidden whole, and so is a mapping whose keys are sensitive.

    Args:
        data: the values.
        is_secret: whether a leaf, or a key given as a leaf, at a pointer is sensitive.
    """
    taken: dict[Pointer, JSONValue] = {}
    hidden = _hidden(data, "", is_secret, taken)
    return (hidden if is_mapping(hidden) else {}), taken


def _hidden(value: JSONValue, pointer: Pointer, is_secret: IsSecret, taken: dict[Pointer, JSONValue]) -> JSONValue:
    if is_mapping(value) and value and not any(pointer and is_secret(pointer, key) for key in value):
        return {key: _hidden(item, f"{pointer}/{escape_token(key)}", is_secret, taken) for key, item in value.items()}
    if is_mapping(value) and not value:
        return value
    leaves = leaves_in(value) if is_list(value) or is_mapping(value) else [value]
    if is_mapping(value) or any(leaf is not None and is_secret(pointer, leaf) for leaf in leaves):
        taken[pointer] = value
        return MASK
    return value


def masked_at(data: Body, pointers: Collection[Pointer]) -> JSONValue:
    """Return values with what is at some pointers masked; a pointer that leads nowhere is passed over."""
    return _with_each(data, ((pointer, (MASK,)) for pointer in pointers))


def filled_in(data: Body, found: Mapping[Pointer, JSONValue]) -> Body:
    """Return values with what was hidden put back.

    Args:
        data: with masks.
        found: pointer -> what belongs there.
    """
    return mapping_at(_with_each(data, ((pointer, (value,)) for pointer, value in found.items())))


def left_out(data: Body, pointers: Collection[Pointer]) -> Body:
    """Return values without what is at some pointers."""
    return mapping_at(_with_each(data, ((pointer, ()) for pointer in pointers)))


def _with_each(data: JSONValue, changes: Iterable[tuple[Pointer, tuple[JSONValue, ...]]]) -> JSONValue:
    for pointer, values in changes:
        data = _replaced(data, pointer_tokens(pointer), values)
    return data


def _replaced(here: JSONValue, tokens: tuple[str, ...], values: tuple[JSONValue, ...]) -> JSONValue:
    """Return values with another one, or none, in place of what is at some tokens of a pointer."""
    if not tokens:
        return values[0] if values else here
    if not is_mapping(here) or tokens[0] not in here:
        return here
    if len(tokens) == 1 and not values:
        return {key: item for key, item in here.items() if key != tokens[0]}
    return {**here, tokens[0]: _replaced(here[tokens[0]], tokens[1:], values)}
