"""Take back what an earlier revision recorded: ``--unset PATH``. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import escape_token
from bundler.model.lean import replace
from bundler.model.values import LayerKind
from bundler.values.paths import leading_keys, parse_path, set_value, unset_value
from bundler.values.unknown_keys import unknown_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bundler.model.bundle import Bundle
    from bundler.model.values import UserLayers, ValuesLayer
    from bundler.values.schema_view import SchemaView


def without_unset(
    user: UserLayers, bundle: Bundle, view: SchemaView, refuse: Callable[[ValuesPathError], None]
) -> tuple[list[ValuesLayer], tuple[str, ...]]:
    """Return the user's layers without what ``--unset`` names, and a line for each path that is not recorded.

    A path that is not recorded is what a second run of the same command meets, so it is no error; one that no one
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
        hint = "--unset goes with an upgrade that names no values file and does not reset the values"
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
