"""The kind that a bundle can be ordered as. Layer: menu, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import BundleInvalidError, ValuesPathError
from bundler.menu.definition import definition
from bundler.menu.notes import Notes
from bundler.menu.place import Place
from bundler.menu.translate import structural
from bundler.model.kind import OrderKind
from bundler.values.layers import outlook
from bundler.values.merge import without_nulls
from bundler.values.paths import parse_path
from bundler.values.schema_view import bundle_view

if TYPE_CHECKING:
    from bundler.menu.place import Shown
    from bundler.model.bundle import Bundle
    from bundler.model.kind import KindSpec


def order_kind(bundle: Bundle) -> OrderKind:
    """Return the kind that a bundle can be ordered as.

    Args:
        bundle: loaded, with its components.

    Raises:
        BundleInvalidError: when the bundle has no menu, or its schema cannot be used.
    """
    if bundle.menu is None:
        raise BundleInvalidError(
            f"reading the menu of {bundle.metadata.name} {bundle.metadata.version}",
            context=["bundle.yaml has no spec.menu"],
            hint="add spec.menu with group, kind and plural: menu: {group: acme.example, kind: Shop, plural: shops}",
        )
    notes = Notes()
    place = root_place(bundle, bundle.menu)
    schema = structural(place, notes)
    if bundle.derive:
        notes.leave("", "derive", "what the bundle's formulas make of an order is checked, too")
    return OrderKind(
        spec=bundle.menu,
        definition=definition(bundle, bundle.menu, schema),
        checks=notes.checks(),
        secrets=notes.secrets,
    )


def root_place(bundle: Bundle, menu: KindSpec) -> Place:
    """Return the values of a bundle, as far as its menu shows them."""
    view = bundle_view(bundle)
    return Place(
        view=view,
        given=without_nulls(outlook(bundle, view, ())),
        shown=shown_paths(bundle, menu),
        derived=frozenset(rule.path for rule in bundle.derive),
    )


def shown_paths(bundle: Bundle, menu: KindSpec) -> Shown:
    """Return the paths that an order can set as a tree: those that are exposed, or all that name no component."""
    shown: Shown = {}
    for path in menu.expose:
        here = shown
        for step in keys_of(path):
            here = here.setdefault(step, {})
    if shown:
        return shown
    components = {spec.name for spec in bundle.components}
    own = bundle_view(bundle).own.property_names if bundle.schema is not None else tuple(bundle.defaults.data)
    return {name: {} for name in own if name not in components}


def keys_of(path: str) -> tuple[str, ...]:
    """Return the keys of an exposed path; none where it is not a path, or leads into a list."""
    try:
        steps = parse_path(path)
    except ValuesPathError:
        return ()
    keys = tuple(step for step in steps if isinstance(step, str))
    return keys if len(keys) == len(steps) else ()
