"""The switches of a bundle: places in its values that decide what it renders to. Layer: actions, pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bundler.actions.compose.compose import values_of
from bundler.errors import BundlerError
from bundler.expressions.expression import compile_expression
from bundler.images.matrix import Extent, Switch, Variant, everything_on
from bundler.model.digits import parse_digits
from bundler.model.json import Body, JSONValue, is_mapping, is_number
from bundler.model.lean import replace
from bundler.model.values import Assignment, AssignmentKind, MergedValues
from bundler.syntax.written_path import format_path
from bundler.values.paths import get_value, parse_path
from bundler.values.schema_view import SchemaView, bundle_view

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.bundle import Bundle

    Steps = tuple[str, ...]

MAX_DEPTH: Final = 8
MAX_CHOICES: Final = 8
_MUCH: Final = 10
"""A number without a maximum is tried at so many times what it is."""
_NUMBERS: Final = frozenset({"integer", "number", "null"})
_TEXTS: Final = frozenset({"string", "null"})
_SAMPLES: Final = ("bundler-sample", "10101", "10101Mi", "1 1 * * *", "/bundler-sample", "Bundler", "1.0.1010")
"""Texts of many forms that no image has in its name."""
_NUMBER: Final = re.compile(r"(?<![\w.'\"-])\d+(?![\w.'\"])")
_TEXT: Final = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")


def find_switches(order: RenderRequest, values: MergedValues) -> tuple[Switch, ...]:
    """Return the switches of a bundle and its components, sorted by path.

    They are booleans and short enumerations in schemas, and booleans that a ``when`` reads. Left out are those that
    assignments set, and those that a bundle sets for its component: no one can change them.

    Args:
        order: what is ordered.
        values: the merged values of that order.
    """
    found: dict[str, Switch] = {}
    for steps, choices in _in_schema(bundle_view(order.bundle), ()):
        _add(found, steps, choices, values)
    for steps, _ in _in_conditions(order.bundle, ()):
        if isinstance(_value_at(values, steps), bool):
            _add(found, steps, (True, False), values)
    return _open(order, found)


def find_thresholds(order: RenderRequest, values: MergedValues) -> tuple[Switch, ...]:
    """Return the numbers and texts that a ``when`` reads, with what it compares them with, and what is next to that.

    Args:
        order: what is ordered.
        values: the merged values of that order.
    """
    found: dict[str, Switch] = {}
    view = bundle_view(order.bundle)
    for steps, text in _in_conditions(order.bundle, ()):
        now = _value_at(values, steps)
        _add(found, steps, _compared(text, now, view.at(steps)), values)
    return _open(order, found)


def find_extents(order: RenderRequest, values: MergedValues, switches: Sequence[Switch]) -> tuple[Extent, ...]:
    """Return the numbers and empty texts of a bundle and its components, and what each can be at most, by path.

    Args:
        order: what is ordered.
        values: the merged values of that order.
        switches: of the bundle; what a component has is known where it is on.
    """
    fixed = _fixed(order)
    try:
        whole = order_with(order, everything_on(switches))
        values = values_of(whole)
    except BundlerError:
        pass  # what is off stays unknown
    found = (
        _extent(view, steps, _value_at(values, steps)) for steps, view in _plain_values(bundle_view(order.bundle), ())
    )
    return tuple(sorted((one for one in found if one and one.path not in fixed), key=lambda one: one.path))


def _open(order: RenderRequest, found: Mapping[str, Switch]) -> tuple[Switch, ...]:
    fixed = _fixed(order)
    return tuple(switch for path, switch in sorted(found.items()) if path not in fixed and switch.choices)


def order_with(order: RenderRequest, variant: Variant) -> RenderRequest:
    """Return an order with the switches of a variant set."""
    assignments = tuple(
        Assignment(kind=AssignmentKind.JSON, path=path, text=json.dumps(value), typed=json.dumps(value))
        for path, value in variant
    )
    return replace(order, user=replace(order.user, assignments=(*order.user.assignments, *assignments)))


def _add(found: dict[str, Switch], steps: Steps, choices: Sequence[object], values: MergedValues) -> None:
    plain = tuple(one for one in choices if isinstance(one, str | int | float))
    found.setdefault(format_path(steps), Switch(format_path(steps), plain, _value_at(values, steps)))


def _value_at(values: MergedValues, steps: Steps) -> JSONValue:
    """Return a value as the bundle that reads it sees it: that of a component may be its own default."""
    inner = (values.components or {}).get(steps[0]) if len(steps) > 1 else None
    found = None if inner is None else _value_at(inner, steps[1:])
    return get_value(values.data, steps) if found is None else found


def _fixed(order: RenderRequest) -> set[str]:
    """Return the paths that no one can change any more."""
    fixed = {format_path(parse_path(one.path)) for one in order.user.assignments}
    return fixed | {format_path(steps) for steps in _set_for_components(order.bundle, ())}


def _in_schema(view: SchemaView, way: Steps) -> Iterator[tuple[Steps, tuple[object, ...]]]:
    if view.is_sensitive or len(way) > MAX_DEPTH:
        return
    if way and view.nodes and view.types <= {"boolean", "null"}:
        yield way, (True, False)
        return
    choices = view.choices
    if way and choices is not None and 1 < len(choices) <= MAX_CHOICES:
        yield way, tuple(choice for choice in choices if choice is not None)
        return
    for name in view.property_names:
        yield from _in_schema(view.child(name), (*way, name))


def _plain_values(view: SchemaView, way: Steps) -> Iterator[tuple[Steps, SchemaView]]:
    if view.is_sensitive or len(way) > MAX_DEPTH:
        return
    if way and view.nodes and (view.types <= _NUMBERS or view.types <= _TEXTS):
        if view.choices is None:
            yield way, view
        return
    for name in view.property_names:
        yield from _plain_values(view.child(name), (*way, name))


def _extent(view: SchemaView, steps: Steps, now: JSONValue) -> Extent | None:
    """Return the ends of a place; None for a text that is not empty, or where no text is known that fits."""
    if view.types <= _TEXTS:
        full = "" if now else next((text for text in _SAMPLES if _fits(text, view)), "")
        return Extent(format_path(steps), "" if now == "" else None, full) if full else None
    least, most = _bounds(view)
    size = now if is_number(now) else 1
    return Extent(
        format_path(steps),
        math.ceil(least) if math.isfinite(least) else min(size, 0),
        math.floor(most) if math.isfinite(most) else math.ceil(max(size, least, 1) * _MUCH),
    )


def _fits(text: str, view: SchemaView) -> bool:
    """Return whether a text has the length and the pattern that the schemas ask for."""
    for node in (one.node for one in view.nodes if one.is_certain):
        pattern, least, most = node.get("pattern"), node.get("minLength"), node.get("maxLength")
        if isinstance(least, int) and len(text) < least:
            return False
        if isinstance(most, int) and len(text) > most:
            return False
        with suppress(re.error):
            if isinstance(pattern, str) and not re.search(pattern, text):
                return False
    return True


def _bounds(view: SchemaView) -> tuple[float, float]:
    """Return between which numbers a value has to be; infinite where the schemas do not say.

    Where no schema holds for certain, the ends of the alternatives count: each of them is a value that one allows.
    """
    certain = [one.node for one in view.nodes if one.is_certain]
    other = [one.node for one in view.nodes if not one.is_certain]
    least = max(_ends(certain, "minimum", "exclusiveMinimum", 1), default=-math.inf)
    most = min(_ends(certain, "maximum", "exclusiveMaximum", -1), default=math.inf)
    return (
        least if math.isfinite(least) else min(_ends(other, "minimum", "exclusiveMinimum", 1), default=-math.inf),
        most if math.isfinite(most) else max(_ends(other, "maximum", "exclusiveMaximum", -1), default=math.inf),
    )


def _ends(nodes: Sequence[Body], closed: str, open_: str, step: int) -> list[float]:
    """Return the numbers at which schemas end a range, or which they name alone."""
    ends = [(node.get(closed), 0) for node in nodes] + [(node.get(open_), step) for node in nodes]
    ends += [(node.get("const"), 0) for node in nodes]
    return [number + inward for number, inward in ends if is_number(number)]


def _in_conditions(bundle: Bundle, way: Steps) -> Iterator[tuple[Steps, str]]:
    """Yield the paths, from the top bundle's values, that conditions of components and images read, with their text."""
    conditions = [(one.when, one.source) for one in bundle.components if one.when]
    conditions += [(one.when, one.source) for one in bundle.images if one.when]
    for text, source in conditions:
        try:
            paths = compile_expression(text, source=source).paths
        except BundlerError:
            continue  # computing the values tells it
        yield from (((*way, *path[1:]), text) for path in sorted(paths) if path[0] == "values" and len(path) > 1)
    for name, inner in bundle.component_bundles.items():
        yield from _in_conditions(inner, (*way, name))


def _compared(condition: str, now: JSONValue, view: SchemaView) -> tuple[JSONValue, ...]:
    """Return the values of a place that may make a condition true or false: what it compares with, and next to that."""
    if is_number(now):
        least, most = _bounds(view)
        numbers = [number for digits in _NUMBER.findall(condition) if (number := parse_digits(digits)) is not None]
        named = {number + step for number in numbers for step in (-1, 0, 1)}
        return tuple(sorted(number for number in named if least <= number <= most))
    if isinstance(now, str):
        return tuple(dict.fromkeys(one or other for one, other in _TEXT.findall(condition)))
    return ()


def _set_for_components(bundle: Bundle, way: Steps) -> Iterator[Steps]:
    """Yield the paths, from the top bundle's values, that bundles set for their components, whatever a user says."""
    for spec in bundle.components:
        yield from _leaves(spec.values, (*way, spec.name))
    for name, inner in bundle.component_bundles.items():
        yield from _set_for_components(inner, (*way, name))


def _leaves(value: JSONValue, way: Steps) -> Iterator[Steps]:
    if not is_mapping(value):
        yield way
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*way, key))
