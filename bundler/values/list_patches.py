"""Change a list that lower layers made, at one place: ``--set list[0].f=1`` and the operators of values files.

Layer: values, pure. What comes out is a layer that holds the whole list, so that recording it needs no operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import is_list, is_mapping
from bundler.model.values import ValuesLayer
from bundler.values.layers import owning_layers
from bundler.values.merge import fold_layers, merge_all
from bundler.values.paths import Match, format_path, get_value, leading_keys, parse_path, pointer_to, starts_below
from bundler.values.traced import Traced, changed_at, nested, tidied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.model.bundle import Bundle, DeriveRule
    from bundler.model.values import Origin
    from bundler.values.paths import Step, ValuePath
    from bundler.values.schema_view import SchemaView


def patched_list(
    path: ValuePath,
    change: Callable[[Traced], Traced],
    origin: Origin,
    *,
    bundle: Bundle,
    view: SchemaView,
    lower: Sequence[ValuesLayer],
) -> ValuesLayer:
    """Return a layer that holds the list which ``path`` leads to, or into, with ``change`` made at the path.

    Args:
        path: from the top bundle's values, through components too.
        change: from what is there now to what shall be; None stands for what is not set.
        origin: who changes it; parts of the list that stay keep theirs.
        bundle: the top bundle.
        view: of ``bundle``.
        lower: what the user gave so far.

    Raises:
        ValuesPathError: when there is no such item, no list, or the list is derived.
    """
    _refuse_secret_names(path, view)
    layers, depth = owning_layers(bundle, view, lower, path)
    keys = leading_keys(path)
    _refuse_derived(bundle, keys, lower)
    fold = fold_layers(layers)
    local = keys[depth:]
    whole = tidied(Traced(fold.data, fold.origins).at(local))
    made = tidied(changed_at(nested(keys, whole), path, change))
    prefix = pointer_to(keys)
    inside = {pointer: kept for pointer, kept in made.origins.items() if starts_below(pointer, prefix)}
    return ValuesLayer(
        data=made.value if is_mapping(made.value) else {}, origin=origin, leaf_origins={**inside, prefix: origin}
    )


def item_view(view: SchemaView, path: Sequence[Step]) -> SchemaView:
    """Look at ``path``; an item chosen by a name is like any other."""
    return view.at([0 if isinstance(step, Match) else step for step in path])


def refuse_no_list(part: Traced, path: Sequence[Step]) -> None:
    """Refuse to append to something that is set and no list.

    Raises:
        ValuesPathError: when it is so.
    """
    if part.value is not None and not is_list(part.value):
        raise ValuesPathError(
            f"following the path {format_path(path)}",
            context=[f"{format_path(path)}: it is not a list"],
            hint="leave the + out to replace it",
        )


def _refuse_secret_names(path: ValuePath, view: SchemaView) -> None:
    for depth, step in enumerate(path):
        if isinstance(step, Match) and item_view(view, path[:depth]).child(0).child(step.key).holds_sensitive:
            place = format_path(path[:depth])
            raise ValuesPathError(
                f"following a path into {place}",
                context=[f"{place}: items cannot be named by {step.key}, which is a secret"],
                hint="name the item by its number, or by another key",
            )


def _refuse_derived(bundle: Bundle, keys: Sequence[str], lower: Sequence[ValuesLayer]) -> None:
    """Refuse a list that a formula computes: it does so after all layers are known."""
    rule = next(_rules_for(bundle, keys), None)
    if rule is None or is_list(get_value(merge_all(lower), keys)):
        return
    place = format_path(keys)
    raise ValuesPathError(
        f"following the path {place}",
        context=[f"{place}: it is derived ({rule.source}: {rule.formula})"],
        hint="give the whole list; it then takes the place of the formula",
    )


def _rules_for(bundle: Bundle, keys: Sequence[str]) -> Iterator[DeriveRule]:
    for rule in bundle.derive:
        target = parse_path(rule.path)
        if tuple(keys[: len(target)]) == target:
            yield rule
    inner = bundle.component_bundles.get(keys[0]) if keys else None
    if inner is not None:
        yield from _rules_for(inner, keys[1:])
