"""All values of a bundle and its components, leaf by leaf, fit to be shown. Layer: values, pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, mapping_at, pointer_tokens
from bundler.model.redaction import MASK
from bundler.values.merge import merge_values
from bundler.values.paths import starts_below
from bundler.values.problems import shown_value

if TYPE_CHECKING:
    from bundler.model.values import MergedValues, Origin, Pointer

_SHOWN_CHARS = 60


class Leaf(NamedTuple):
    """One leaf of the values; a list is one leaf."""

    value: JSONValue
    """None where a layer deleted it."""
    origin: Origin | None
    owner: MergedValues
    """The values of the bundle or component that the leaf belongs to."""
    pointer: Pointer
    """In ``owner``."""

    @property
    def shown(self) -> str:
        """The value as it may be printed: in one line, sensitive parts masked."""
        return shown_leaf(self.value, self.pointer, self.owner.sensitive)

    @property
    def masked(self) -> JSONValue:
        """The value whole, sensitive parts masked; None where it is deleted."""
        return masked_leaf(self.value, self.pointer, self.owner.sensitive)

    @property
    def is_sensitive(self) -> bool:
        """Return whether the value, or a part of it, must not be shown."""
        return is_touching(self.pointer, self.owner.sensitive)


def flatten(merged: MergedValues, prefix: Pointer = "") -> dict[Pointer, Leaf]:
    """Return every leaf by its pointer in the top bundle's values; deleted ones too.

    What a component sees stands in place of what its parent says about it.
    """
    components = merged.components or {}
    found: dict[Pointer, Leaf] = {}
    for pointer, value in _leaves(merged.data, ""):
        found[prefix + pointer] = Leaf(value, merged.origins.get(pointer), merged, pointer)
    for pointer, origin in merged.origins.items():
        if prefix + pointer not in found and _is_gone(merged.data, pointer):
            found[prefix + pointer] = Leaf(None, origin, merged, pointer)
    for name, below in components.items():
        found |= flatten(below, f"{prefix}/{escape_token(name)}")
    return found


def whole_data(merged: MergedValues, *, is_masked: bool = True) -> dict[str, JSONValue]:
    """Return the values of the bundle with those of its enabled components in their places.

    Args:
        merged: the values.
        is_masked: whether ``***`` stands in place of what is sensitive.
    """
    data = mask_values(merged.data, merged.sensitive) if is_masked else dict(merged.data)
    for name, below in (merged.components or {}).items():
        data[name] = merge_values(mapping_at(data, name), whole_data(below, is_masked=is_masked))
    return data


def mask_values(data: Body, sensitive: Collection[Pointer]) -> dict[str, JSONValue]:
    """Return ``data`` with ``***`` at each sensitive pointer."""
    masked = _masked(data, "", sensitive) if sensitive else data
    return dict(masked) if is_mapping(masked) else {}


def shown_leaf(value: JSONValue, pointer: Pointer, sensitive: Collection[Pointer]) -> str:
    """Return a leaf in one line: scalars and short lists in full, sensitive parts masked.

    Args:
        value: of the leaf.
        pointer: JSON Pointer of the place.
        sensitive: pointers of the sensitive values.
    """
    if not is_mapping(value) and not is_list(value):
        return shown_value(value, is_sensitive=is_touching(pointer, sensitive))
    masked = _masked(value, pointer, sensitive)
    if is_shown_whole(masked):
        return json.dumps(masked, ensure_ascii=False)
    return f"{len(value)} item{'' if len(value) == 1 else 's'}"


def is_shown_whole(value: JSONValue) -> bool:
    """Return whether a list or mapping is short enough to be shown in one line."""
    text = json.dumps(value, ensure_ascii=False)
    return len(text) <= _SHOWN_CHARS and text.isprintable()


def masked_leaf(value: JSONValue, pointer: Pointer, sensitive: Collection[Pointer]) -> JSONValue:
    """Return a leaf whole, ``***`` in place of what is sensitive; all of it where it is part of such a value.

    Args:
        value: of the leaf.
        pointer: JSON Pointer of the place.
        sensitive: pointers of the sensitive values.
    """
    is_inside = any(starts_below(pointer, each) for each in sensitive)
    return MASK if is_inside and value is not None else _masked(value, pointer, sensitive)


def is_touching(pointer: Pointer, sensitive: Collection[Pointer]) -> bool:
    """Return whether what is at ``pointer`` is, holds, or is part of something sensitive."""
    return any(starts_below(each, pointer) or starts_below(pointer, each) for each in sensitive)


def leaves_of(data: Body) -> dict[Pointer, JSONValue]:
    """Return the leaves of plain data; a list is one leaf, a null is a deletion."""
    return dict(_leaves(data, ""))


def _leaves(value: JSONValue, pointer: Pointer) -> Iterator[tuple[Pointer, JSONValue]]:
    if is_mapping(value) and (value or not pointer):
        for key, item in value.items():
            yield from _leaves(item, f"{pointer}/{escape_token(key)}")
    else:
        yield pointer, value


def _is_gone(data: JSONValue, pointer: Pointer) -> bool:
    here = data
    for key in pointer_tokens(pointer):
        if not is_mapping(here):
            return False  # a part of a list
        if key not in here:
            return True
        here = here[key]
    return False


def _masked(value: JSONValue, pointer: Pointer, sensitive: Collection[Pointer]) -> JSONValue:
    if pointer in sensitive:
        return MASK
    if is_mapping(value):
        return {key: _masked(item, f"{pointer}/{escape_token(key)}", sensitive) for key, item in value.items()}
    if is_list(value):
        return [_masked(item, f"{pointer}/{index}", sensitive) for index, item in enumerate(value)]
    return value
