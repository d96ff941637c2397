"""The kind that a bundle can be ordered as. Layer: menu, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors.bundle import BundleInvalidError
from bundler.menu.definition import column_type, definition, kind_roles, menu_object
from bundler.menu.fields import fields_of
from bundler.menu.notes import Notes
from bundler.menu.place import Place, Shown, keys_of
from bundler.menu.translate import structural
from bundler.model.kind import KindSpec, OrderKind
from bundler.values.layers import outlook
from bundler.values.merge import without_nulls
from bundler.values.problems import meant_or_known
from bundler.values.schema_view import bundle_view

if TYPE_CHECKING:
    from bundler.errors import Found
    from bundler.model.bundle import Bundle
    from bundler.model.json import Body


def order_kind(bundle: Bundle, *, source: str = "") -> OrderKind:
    """Return the kind that a bundle can be ordered as.

    Args:
        bundle: loaded, with its components.
        source: the repository that a controller takes it from; empty: where it came from.

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
    refuse_impossible(bundle.menu, place, schema, f"{bundle.metadata.name} {bundle.metadata.version}")
    for rule in bundle.derive:
        notes.leave(rule.path, "derive", "a formula computes it from the order where the order does not set it")
    checks = notes.checks()
    return OrderKind(
        spec=bundle.menu,
        definition=definition(bundle, bundle.menu, schema),
        menu=menu_object(bundle, bundle.menu, source),
        roles=kind_roles(bundle.menu),
        fields=fields_of(schema, checks),
        checks=checks,
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


def refuse_impossible(menu: KindSpec, root: Place, spec: Body, about: str) -> None:
    """Refuse a menu that names what the bundle does not have.

    Args:
        menu: what bundle.yaml says.
        root: the values of the bundle.
        spec: the schema of ``.spec`` that was made of it.
        about: name and version of the bundle.

    Raises:
        BundleInvalidError: with file and line of each.
    """
    found = [*_exposed(menu, root), *_columns(menu, spec), *_whole(menu, spec)]
    if found:
        raise BundleInvalidError(
            f"reading the menu of {about}", context=found, hint="correct spec.menu of the bundle.yaml"
        )


def _exposed(menu: KindSpec, root: Place) -> Iterator[Found]:
    for number, (path, source) in enumerate(zip(menu.expose, menu.exposed_in, strict=False)):
        field = f"/spec/menu/expose/{number}"
        keys = keys_of(path)
        if not keys:
            yield source.found(
                f'exposes "{path}", which does not lead through keys alone',
                field=field,
            )
            continue
        place = root
        for key in keys:
            known = place.names
            if key not in known:
                meant = meant_or_known(key, known, "there are")
                said = f'exposes "{path}", and neither the schema nor the values have "{key}"'
                yield source.found(f"{said}; {meant}", field=field)
                break
            place = place.child(key)


def _columns(menu: KindSpec, spec: Body) -> Iterator[Found]:
    for number, column in enumerate(menu.columns):
        if not column_type(column.path, spec):
            said = f'the column {column.name} shows "{column.path}", and an order has no plain value there'
            yield column.source.found(f"{said}; write a path like .spec.qps", field=f"/spec/menu/columns/{number}")


def _whole(menu: KindSpec, spec: Body) -> Iterator[Found]:
    """Yield what is wrong with a menu as a whole."""
    if not spec.get("properties"):
        said = "there is nothing to choose; give the bundle a schema, or expose values of its components"
        yield menu.source.found(said, field="/spec/menu")
