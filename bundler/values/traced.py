"""A value with the origin of each part. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, members_of
from bundler.model.lean import dataclass
from bundler.model.values import Origin, Pointer, ValuesLayer
from bundler.values.merge import fold_layers, origin_in
from bundler.values.paths import pointer_to, set_value, starts_below


@dataclass(frozen=True, slots=True)
class Traced:
    """A value, and who set its parts."""

    value: JSONValue
    origins: Mapping[Pointer, Origin]
    """By pointers from the value, its own the empty one; what has none has that of the nearest part around it."""

    def below(self, step: str | int) -> Traced:
        """Return one part: None where there is none."""
        prefix = pointer_to([step])
        cut = len(prefix)
        origins = {pointer[cut:]: origin for pointer, origin in self.origins.items() if starts_below(pointer, prefix)}
        if isinstance(step, str):
            return Traced(self.value.get(step) if is_mapping(self.value) else None, origins)
        return Traced(self.value[step] if is_list(self.value) else None, origins)

    def at(self, steps: Sequence[str | int]) -> Traced:
        """Return the part that ``steps`` lead to."""
        part = self
        for step in steps:
            part = part.below(step)
        return part


def traced_in(layer: ValuesLayer, pointer: Pointer, value: JSONValue) -> Traced:
    """Return ``value``, or a part of it, as it is at ``pointer`` in ``layer``.

    Args:
        layer: that sets it.
        pointer: JSON Pointer of the place.
        value: to trace.
    """
    known = layer.leaf_origins
    origins = {place: known[here] for place in _places(value, "") if (here := f"{pointer}{place}") in known}
    return Traced(value, {**origins, "": origin_in(layer, pointer)})


def _places(value: JSONValue, pointer: Pointer) -> Iterator[Pointer]:
    """Yield the pointers of a value and of all its parts."""
    yield pointer
    for _, here, item in members_of(value, pointer):
        yield from _places(item, here)


def appended(lower: Traced, items: Traced) -> Traced:
    """Return the items of ``lower``, then ``items``; both are lists, or not set."""
    old = list(lower.value) if is_list(lower.value) else []
    new = list(items.value) if is_list(items.value) else []
    origins = {pointer: origin for pointer, origin in lower.origins.items() if pointer}
    for index in range(len(new)):
        item = items.below(index)
        here = f"/{len(old) + index}"
        origins[here] = items.origins[""]
        origins |= {f"{here}{pointer}": origin for pointer, origin in item.origins.items()}
    return Traced([*old, *new], origins)


def overlaid(lower: Traced, upper: Traced, data: Body) -> Traced:
    """Return the mapping ``data``, whose parts ``upper`` knows the origins of, over the mapping ``lower``.

    Args:
        lower: the values below.
        upper: the values on top.
        data: the merged mapping.
    """
    below = ValuesLayer(
        data=lower.value if is_mapping(lower.value) else {},
        origin=lower.origins.get("", upper.origins[""]),
        leaf_origins=lower.origins,
    )
    fold = fold_layers([below, ValuesLayer(data=data, origin=upper.origins[""], leaf_origins=upper.origins)])
    return Traced(fold.data, {**fold.origins, "": below.origin})


def tidied(traced: Traced) -> Traced:
    """Return the value without nulls, items of lists too: those behind move up, and their origins with them."""
    origins: dict[Pointer, Origin] = {}
    value = _tidied(traced.value, "", "", (traced.origins, origins))
    return Traced(value, origins)


def _tidied(
    value: JSONValue, old: Pointer, new: Pointer, origins: tuple[Mapping[Pointer, Origin], dict[Pointer, Origin]]
) -> JSONValue:
    before, after = origins
    if old in before:
        after[new] = before[old]
    if is_mapping(value):
        return {
            key: _tidied(item, f"{old}/{escape_token(key)}", f"{new}/{escape_token(key)}", origins)
            for key, item in value.items()
            if item is not None
        }
    if is_list(value):
        kept = [(index, item) for index, item in enumerate(value) if item is not None]
        return [
            _tidied(item, f"{old}/{index}", f"{new}/{number}", origins) for number, (index, item) in enumerate(kept)
        ]
    return value


def nested(keys: Sequence[str], part: Traced) -> Traced:
    """Return mappings that hold ``part`` below ``keys`` and nothing else."""
    if not keys:
        return part
    prefix = pointer_to(keys)
    origins = {f"{prefix}{pointer}": origin for pointer, origin in part.origins.items()}
    return Traced(set_value({}, keys, part.value), origins)
