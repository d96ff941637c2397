"""Check the merged values of one bundle, and find what is sensitive or deprecated. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler import values
from bundler.model.json import Body, JSONValue, is_list, is_mapping, members_of, pointer_tokens
from bundler.model.values import LayerKind, Origin, Pointer
from bundler.values.merge import Fold, nearest_origin
from bundler.values.paths import parent_pointer, pointer_as_path, starts_below
from bundler.values.problems import NO_LAYER, Problem, shown_value
from bundler.values.quick_check import is_surely_valid
from bundler.values.schema_view import SCHEMA_FILE, SchemaView
from bundler.values.unknown_keys import UnknownKey, unknown_keys

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.values.deep_check import Violation


def find_problems(bundle: Bundle, fold: Fold, data: Body, view: SchemaView, *, component: str) -> list[Problem]:
    """Return everything that is wrong with the merged values of one bundle.

    Args:
        bundle: the bundle.
        fold: its merged layers, tombstones included.
        data: what templates will see: the same without nulls.
        view: how the bundle and its components see these values.
        component: path of the component that the bundle is; empty for the top.

    Raises:
        BundleInvalidError: when the schema itself cannot be used.
    """
    prefix = "".join(f"/{name}" for name in component.split("/") if name)
    unknown = [found for found in unknown_keys(bundle, fold.data, view) if not _is_old_deletion(found, fold)]
    reported = {found.pointer for found in unknown}
    problems = [_unknown_problem(found, fold, prefix) for found in unknown]
    told = [
        violation
        for violation in _violations(bundle, data, component)
        if reported.isdisjoint(_with_parents(violation.pointer))
    ]
    return problems + [_problem(violation, fold.origins, view, prefix) for violation in told]


def sensitive_pointers(data: Body, view: SchemaView) -> frozenset[Pointer]:
    """Return the leaves of ``data`` that a schema calls ``writeOnly``, or that are below something it does."""
    return frozenset(_sensitive_below(data, view, ""))


def immutable_below(data: JSONValue, view: SchemaView) -> Iterator[tuple[Pointer, SchemaView]]:
    """Yield the places in ``data`` of which a schema says ``immutable: true``, and what is said of each."""
    return _places_below(data, view, "", lambda found: found.is_immutable)


def deprecation_warnings(data: Body, origins: Mapping[Pointer, Origin], view: SchemaView, component: str) -> list[str]:
    """Return one line for each deprecated value in ``data`` that someone outside the bundle set.

    Args:
        data: merged values.
        origins: who set each leaf.
        view: of the bundle's schema.
        component: dotted path of the component; empty for the bundle itself.
    """
    prefix = "".join(f"{name}." for name in component.split("/") if name)
    return [
        f"{prefix}{pointer_as_path(pointer, data)} is deprecated ({origin_of(pointer, origins)})"
        + (f": use {prefix}{below.moved_to}" if below.moved_to else "")
        + (f": {below.description}" if below.description else "")
        for pointer, below in deprecated_places(data, view)
        if _is_from_outside(pointer, origins)
    ]


def origin_of(pointer: Pointer, origins: Mapping[Pointer, Origin]) -> str:
    """Say who set what is at ``pointer``."""
    found = origin_at(pointer, origins)
    return NO_LAYER if found is None else str(found)


def origin_at(pointer: Pointer, origins: Mapping[Pointer, Origin]) -> Origin | None:
    """Return who set what is at ``pointer``: the leaf itself, what is around it, or the first leaf below it."""
    nearest = nearest_origin(pointer, origins)
    return nearest or next((origin for leaf, origin in origins.items() if starts_below(leaf, pointer)), None)


def _violations(bundle: Bundle, data: Body, component: str) -> Sequence[Violation]:
    if bundle.schema is None:
        return ()
    schema = _knowing_components(bundle.schema, [spec.name for spec in bundle.components])
    file = f"{component}/{SCHEMA_FILE}" if component else SCHEMA_FILE
    if is_surely_valid(schema, data, file):
        return ()

    return values.deep_check.find_violations(schema, data, file)


def _knowing_components(schema: Body, names: Sequence[str]) -> Body:
    properties = schema.get("properties", {})
    if not names or not is_mapping(properties):
        return schema
    return {**schema, "properties": {**dict.fromkeys(names, True), **properties}}


def _is_old_deletion(found: UnknownKey, fold: Fold) -> bool:
    """Return whether an earlier revision deleted a key that the bundle has since lost: nothing is left to say."""
    origin = fold.origins.get(found.pointer)
    return found.value is None and origin is not None and origin.kind is LayerKind.RECORDED


def _unknown_problem(found: UnknownKey, fold: Fold, prefix: str) -> Problem:
    origin = origin_at(found.pointer, fold.origins)
    is_recorded = origin is not None and origin.kind is LayerKind.RECORDED
    return Problem(
        prefix + found.pointer,
        found.sentence(prefix),
        origin,
        unset=pointer_as_path(prefix + found.pointer) if is_recorded else "",
    )


def _with_parents(pointer: Pointer) -> Iterator[Pointer]:
    while pointer:
        yield pointer
        pointer = parent_pointer(pointer)


def _problem(violation: Violation, origins: Mapping[Pointer, Origin], view: SchemaView, prefix: str) -> Problem:
    place = view.at_pointer(violation.pointer)
    # A scalar given where a mapping with a secret is expected may be that secret.
    shown = shown_value(violation.value, is_sensitive=place.holds_sensitive)
    origin = (_deleting_origin if violation.is_missing else origin_at)(violation.pointer, origins)
    return Problem(
        prefix + violation.pointer,
        violation.rule.replace("{value}", shown, 1),
        origin,
        place.description,
        is_deleted=violation.is_missing,
    )


def _deleting_origin(pointer: Pointer, origins: Mapping[Pointer, Origin]) -> Origin | None:
    """Return who deleted what is missing; None where no one ever set it."""
    return origins.get(pointer) if pointer else None


def _sensitive_below(value: JSONValue, view: SchemaView, pointer: Pointer) -> Iterator[Pointer]:
    if not view.nodes and not view.components and not view.is_sensitive:
        return
    if (is_mapping(value) or is_list(value)) and value:
        for step, here, item in members_of(value, pointer):
            yield from _sensitive_below(item, view.child(step), here)
    elif view.is_sensitive and value is not None:
        yield pointer


def deprecated_places(data: Body, view: SchemaView) -> Iterator[tuple[Pointer, SchemaView]]:
    """Yield the deprecated places in values, and what is said of each."""
    return _places_below(data, view, "", lambda found: found.is_deprecated)


def _places_below(
    value: JSONValue, view: SchemaView, pointer: Pointer, is_meant: Callable[[SchemaView], bool]
) -> Iterator[tuple[Pointer, SchemaView]]:
    if is_meant(view):
        yield pointer, view
    elif view.nodes:
        for step, here, item in members_of(value, pointer):
            yield from _places_below(item, view.child(step), here, is_meant)


def _is_from_outside(pointer: Pointer, origins: Mapping[Pointer, Origin]) -> bool:
    own = (LayerKind.SCHEMA, LayerKind.DEFAULTS)
    return any(origin.kind not in own for leaf, origin in origins.items() if starts_below(leaf, pointer)) and bool(
        pointer_tokens(pointer)
    )
