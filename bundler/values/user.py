"""What the user gave: typed, folded into what a revision records, and taken back. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesInvalidError, ValuesPathError
from bundler.model.json import Body, JSONValue, escape_token, is_mapping, mapping_at
from bundler.model.lean import replace
from bundler.model.values import Assignment, LayerKind, Origin, UserLayers, UserValues, ValuesLayer
from bundler.syntax.written_path import Match
from bundler.values.assignments import MismatchError, assigned_value, flag_text
from bundler.values.layers import outlook
from bundler.values.list_operators import apply_operators
from bundler.values.list_patches import OpenLists
from bundler.values.merge import merge_all, without_nulls
from bundler.values.moved import carry_over
from bundler.values.paths import leading_keys, parse_path, set_value, unset_value
from bundler.values.schema_view import SchemaView, bundle_view
from bundler.values.traced import Traced
from bundler.values.unknown_keys import unknown_keys
from bundler.values.validate import sensitive_pointers

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle


class _Refusals:
    """What cannot be read, until all of it is known."""

    def __init__(self) -> None:
        self.mismatches: list[str] = []
        self.paths: list[ValuesPathError] = []

    def raise_any(self) -> None:
        lines = [*self.mismatches, *(f"{error}: {'; '.join(error.context)}" for error in self.paths)]
        if self.mismatches:
            raise ValuesInvalidError(
                "reading the values given on the command line",
                context=sorted(lines),
                hint="give a value of the type that the schema asks for; mappings and lists with --set-json",
            )
        if len(self.paths) == 1:
            raise self.paths[0]
        if self.paths:
            raise ValuesPathError(
                "reading the values given on the command line", context=sorted(lines), hint=self.paths[0].hint
            )


def recorded_layer(data: Body, revision: int) -> ValuesLayer:
    """Return the user's values of an earlier revision as the layer to start from."""
    origin = Origin(LayerKind.RECORDED, f"recorded with revision {revision}")
    return ValuesLayer(data=data, origin=origin, leaf_origins={})


def fold_user_values(bundle: Bundle, user: UserLayers, *, view: SchemaView | None = None) -> UserValues:
    """Type the user's assignments and fold all the user gave into one mapping.

    The mapping alone says the same as the layers one after the other: where a later layer starts a mapping afresh
    that an earlier one deleted, the keys of the bundle that would show through are recorded as deleted. An assignment
    into a list, and a list operator of a values file, record the whole list as it was then.

    Args:
        bundle: whose schemas type the assignments and whose values lists are patched in.
        user: what was given.
        view: of ``bundle``, where there already is one.

    Raises:
        ValuesPathError: when a path cannot be read, or names an item that a list does not have.
        ValuesInvalidError: when a value is not of the type that the schema asks for; all of them are named.
    """
    view = view or bundle_view(bundle)
    refusals = _Refusals()
    layers: list[ValuesLayer] = []
    kept, notices = without_unset(user, bundle, view, refusals.paths.append) if user.unset else (user.layers, ())
    kept, moved = carry_over(kept, bundle)
    for layer in kept:
        layers.append(apply_operators(layer, bundle=bundle, view=view, lower=layers, refuse=refusals.paths.append))
    lists = OpenLists(bundle, view, layers)
    for assignment in user.assignments:
        try:
            _assign(assignment, view, layers, lists)
        except MismatchError as error:
            refusals.mismatches.append(str(error))
        except ValuesPathError as error:
            refusals.paths.append(error)
    lists.close()
    refusals.raise_any()
    data = _folded(bundle, view, layers)
    return UserValues(
        layers=tuple(layers), data=data, sensitive=sensitive_pointers(data, view), notices=(*notices, *moved)
    )


def is_secret_place(view: SchemaView, steps: Sequence[str | int]) -> bool:
    """Return whether a value given at ``steps`` must not be shown.

    So it is where the schema says ``writeOnly`` there or below, and at an unknown key beside a sensitive one: a
    mistyped ``db.pasword`` holds a password too.
    """
    place = view.at(steps)
    if place.nodes or not steps:
        return place.holds_sensitive
    above = view.at(steps[:-1])
    return place.is_sensitive or any(above.child(name).is_sensitive for name in above.property_names)


def _assign(assignment: Assignment, view: SchemaView, layers: list[ValuesLayer], lists: OpenLists) -> None:
    path = parse_path(assignment.path)
    steps = [0 if isinstance(step, Match) else step for step in path]
    is_secret = is_secret_place(view, steps)
    value = assigned_value(assignment, view.at(steps), is_sensitive=is_secret)
    origin = Origin(LayerKind.SET, flag_text(assignment, is_sensitive=is_secret))
    keys = leading_keys(path)
    if len(keys) < len(path):
        lists.change(path, lambda _: Traced(value, {"": origin}), origin)
        return
    lists.close_touching(keys)
    layers.append(ValuesLayer(data=set_value({}, path, value), origin=origin, leaf_origins={}))


def _folded(bundle: Bundle, view: SchemaView, layers: Sequence[ValuesLayer]) -> Body:
    folded = merge_all(layers)
    if len(layers) < 2 or not folded:
        return folded
    wanted = without_nulls(outlook(bundle, view, layers))
    corrected = _corrected(folded, bundle, view, wanted)
    if _outlook_of(corrected, bundle, view) == wanted:
        return corrected
    return _corrected(_opened(folded, bundle), bundle, view, wanted)


def _corrected(folded: Body, bundle: Bundle, view: SchemaView, wanted: Body) -> Body:
    return _hiding(folded, _outlook_of(folded, bundle, view), wanted)


def _outlook_of(folded: Body, bundle: Bundle, view: SchemaView) -> Body:
    return without_nulls(outlook(bundle, view, [recorded_layer(folded, 0)]))


def _opened(folded: Body, bundle: Bundle) -> Body:
    """Return ``folded`` where a component deleted as a whole is a mapping, with room for each deletion in it."""
    opened = dict(folded)
    for name, inner in bundle.component_bundles.items():
        if name in folded:
            opened[name] = _opened(mapping_at(folded, name), inner)
    return opened


def _hiding(folded: Body, shown: Body, wanted: Body) -> dict[str, JSONValue]:
    """Return ``folded`` with a null for each key that is shown and not wanted."""
    result = dict(folded)
    for key, value in shown.items():
        if key not in wanted:
            result[key] = None
        elif is_mapping(value) and is_mapping(below := wanted[key]) and is_mapping(given := folded.get(key, {})):
            hidden = _hiding(given, value, below)
            if hidden:
                result[key] = hidden
    return result


def without_unset(
    user: UserLayers, bundle: Bundle, view: SchemaView, refuse: Callable[[ValuesPathError], None]
) -> tuple[list[ValuesLayer], tuple[str, ...]]:
    """Return the user's layers without what ``--unset`` names, and a line for each path that is not recorded.

    A path that is not recorded is what a second run of the same command meets, so it is not an error; one that no one
    knows is a typing error.

    Args:
        user: what was given.
        bundle: whose values they are.
        view: of ``bundle``.
        refuse: takes what cannot be done.
    """
    layers, notices = list(user.layers), []
    for text in user.unset:
        try:
            keys = _keys_of(text, layers)
        except ValuesPathError as error:
            refuse(error)
            continue
        try:
            layers = [_without(layer, keys) for layer in layers]
        except ValuesPathError as error:
            unknown = _unknown(keys, bundle, view)
            if unknown:
                refuse(_refusal(text, unknown, *error.context, hint=error.hint))
            else:
                notices.append(f"--unset {text}: nothing is recorded there")
    return layers, tuple(notices)


def _keys_of(text: str, layers: Sequence[ValuesLayer]) -> list[str]:
    path = parse_path(text)
    keys = leading_keys(path)
    if len(keys) < len(path):
        hint = "unset the whole list, or give it again"
        raise _refusal(text, "a list is recorded as a whole", hint=hint)
    if not any(layer.origin.kind is LayerKind.RECORDED for layer in layers):
        hint = "use --unset with an upgrade that names neither a values file nor a site file, or with --reuse-values"
        raise _refusal(text, "this run does not start from recorded values", hint=hint)
    return keys


def _without(layer: ValuesLayer, keys: Sequence[str]) -> ValuesLayer:
    if layer.origin.kind is not LayerKind.RECORDED:
        return layer
    return replace(layer, data=unset_value(layer.data, keys))


def _unknown(keys: Sequence[str], bundle: Bundle, view: SchemaView, prefix: str = "") -> str:
    """Return what is wrong with a path that neither the bundle nor a component knows; empty where one does."""
    inner = bundle.component_bundles.get(keys[0])
    if inner is not None and len(keys) > 1:
        return _unknown(keys[1:], inner, view.child(keys[0]), f"{prefix}/{escape_token(keys[0])}")
    found = next(unknown_keys(bundle, set_value({}, keys, value=True), view), None)
    return "" if found is None else found.sentence(prefix)


def _refusal(text: str, *found: str, hint: str) -> ValuesPathError:
    return ValuesPathError(f"removing {text} from the recorded values", context=found, hint=hint)
