"""List operators of values files: ``args+:`` appends, ``containers[name=web]:`` and ``args[2]:`` patch an item.

Layer: values, pure. Only what users give has them (``-f``, a site file); in a bundle's own files, and in what an
earlier revision recorded, such a key is itself. So it is where a schema, or a lower layer, has a key of that spelling.
In one mapping plain keys come first, then items in the order written, then what is appended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, pointer_tokens
from bundler.model.lean import dataclass, replace
from bundler.model.pattern import LazyPattern
from bundler.model.values import LayerKind, Pointer, ValuesLayer
from bundler.syntax.written_path import Match, Step, format_path
from bundler.values.layers import outlook
from bundler.values.list_draft import ListDraft
from bundler.values.list_patches import OpenLists, item_view, refuse_no_list
from bundler.values.merge import merge_all, origin_in
from bundler.values.paths import ValuePath, leading_keys
from bundler.values.traced import Traced, appended, overlaid, traced_in

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.values.schema_view import SchemaView

_ITEM_TEXT = r"\[(?:[0-9]{1,9}|[^.\[\]\"'=\\\s]+=[^\]]*)\]"
_ITEM = LazyPattern(_ITEM_TEXT)
_KEY = LazyPattern(rf"(.+?)((?:{_ITEM_TEXT})*)(\+?)", re.DOTALL)
_ENDS = ("+", "]")
_HINT = "name an item that is there, or give the whole list without an operator"


@dataclass(frozen=True, slots=True)
class ListOperator:
    """One key of a values file that changes a list."""

    path: ValuePath
    """To what is changed, from the mapping that was looked through."""
    is_append: bool
    value: JSONValue
    written: Pointer
    """Where its key is in the file."""


def apply_operators(
    layer: ValuesLayer,
    *,
    bundle: Bundle,
    view: SchemaView,
    lower: Sequence[ValuesLayer],
    refuse: Callable[[ValuesPathError], None],
) -> ValuesLayer:
    """Return ``layer`` with whole lists in place of its operators.

    Args:
        layer: any layer that a user gave.
        bundle: whose lists are changed.
        view: of ``bundle``.
        lower: what the user gave before this layer.
        refuse: called for each operator that cannot be followed.
    """
    if layer.origin.kind not in (LayerKind.FILE, LayerKind.SITE) or not _may_hold_operators(layer.data):
        return layer
    plain, operators = split_operators(layer.data, view, outlook(bundle, view, lower))
    made = replace(layer, data=plain)
    layers = [*lower, made]
    lists = OpenLists(bundle, view, layers)
    for operator in operators:
        change = partial(_change, operator, layer=layer, view=item_view(view, operator.path))
        try:
            lists.change(operator.path, change, origin_in(layer, operator.written))
        except ValuesPathError as error:
            refuse(_with_place(error, operator, layer))
    lists.close()
    changed = layers[len(lower) + 1 :]
    origins = {pointer: origin for piece in changed for pointer, origin in piece.leaf_origins.items()}
    return replace(made, data=merge_all([made, *changed]), leaf_origins={**made.leaf_origins, **origins})


def split_operators(
    data: Body, view: SchemaView, known: JSONValue, written: Pointer = ""
) -> tuple[dict[str, JSONValue], list[ListOperator]]:
    """Take the operators out of a mapping and of the mappings in it.

    Args:
        data: the mapping.
        view: of the place that it is for.
        known: what lower layers have there: a key in it is not an operator.
        written: where the mapping stands in its file.
    """
    plain, operators = _split(data, view, known, written, ())
    return plain, sorted(operators, key=lambda operator: operator.is_append)


def readings(data: Body, view: SchemaView) -> Iterator[Body]:
    """Yield the mapping without operators, then for each operator a mapping with the list that it speaks of.

    For looking at what is said where, not for merging.
    """
    plain, operators = split_operators(data, view, None)
    yield plain
    for operator in operators:
        value = operator.value
        if operator.is_append or not is_mapping(value):
            yield _wrapped(operator.path, value)
        else:
            for inner in readings(value, item_view(view, operator.path)):
                yield _wrapped(operator.path, inner)


def _wrapped(path: Sequence[Step], value: JSONValue) -> Body:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value if is_mapping(value) else {}


def _may_hold_operators(data: Body) -> bool:
    return any(key.endswith(_ENDS) or (is_mapping(value) and _may_hold_operators(value)) for key, value in data.items())


def _split(
    data: Body, view: SchemaView, known: JSONValue, written: Pointer, above: ValuePath
) -> tuple[dict[str, JSONValue], list[ListOperator]]:
    plain: dict[str, JSONValue] = {}
    operators: list[ListOperator] = []
    for key, value in data.items():
        here = f"{written}/{escape_token(key)}"
        steps, is_append = _read_key(key)
        if steps and not _is_literal(key, str(steps[0]), view, known):
            operators.append(ListOperator((*above, *steps), is_append, value, here))
        elif is_mapping(value):
            below = known.get(key) if is_mapping(known) else None
            plain[key], found = _split(value, view.child(key), below, here, (*above, key))
            operators += found
        else:
            plain[key] = value
    return plain, operators


def _read_key(key: str) -> tuple[ValuePath, bool]:
    """Read a key that is spelled as an operator; no steps where it is not."""
    found = _KEY.fullmatch(key) if key.endswith(_ENDS) else None
    if found is None or not (found[2] or found[3]):
        return (), False
    return (found[1], *map(_read_item, _ITEM.findall(found[2]))), bool(found[3])


def _read_item(text: str) -> int | Match:
    name, equals, value = text[1:-1].partition("=")
    return Match(name, value) if equals else int(name)


def _is_literal(key: str, name: str, view: SchemaView, known: JSONValue) -> bool:
    if key in view.property_names or (is_mapping(known) and key in known):
        return True
    return bool(view.child(key).nodes) and "array" not in view.child(name).types


def _change(operator: ListOperator, part: Traced, *, layer: ValuesLayer, view: SchemaView) -> Traced:
    given = traced_in(layer, operator.written, operator.value)
    if operator.is_append:
        _refuse_no_items(operator)
        refuse_no_list(part, operator.path)
        return appended(part, given)
    if not is_mapping(part.value) or not is_mapping(operator.value):
        return given
    plain, inner = split_operators(operator.value, view, part.value, operator.written)
    draft = ListDraft((), overlaid(part, given, plain))
    for one in inner:
        _change_inside(draft, one, operator.path, partial(_change, one, layer=layer, view=item_view(view, one.path)))
    return draft.traced()


def _change_inside(
    item: ListDraft, operator: ListOperator, above: ValuePath, change: Callable[[Traced], Traced]
) -> None:
    try:
        item.change(operator.path, change)
    except ValuesPathError as error:
        context = [f"{format_path(above)}.{line}" for line in error.context]
        raise ValuesPathError(str(error), context=context, hint=error.hint, misses_item=error.misses_item) from error


def _refuse_no_items(operator: ListOperator) -> None:
    if not is_list(operator.value):
        key = pointer_tokens(operator.written)[-1]
        raise ValuesPathError(
            f"following the path {format_path(operator.path)}",
            context=[f"{format_path(operator.path)}: {key} appends, and its value is not a list"],
            hint="write a list, of one item where there is one",
        )


def _with_place(error: ValuesPathError, operator: ListOperator, layer: ValuesLayer) -> ValuesPathError:
    origin = origin_in(layer, operator.written)
    return ValuesPathError(
        f"changing the list {format_path(leading_keys(operator.path))}",
        context=[f"{origin}: {line}" for line in error.context],
        hint=_HINT if error.misses_item else error.hint,
    )
