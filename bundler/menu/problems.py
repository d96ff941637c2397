"""What of ``spec.menu`` leads nowhere. Layer: menu, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import BundleInvalidError
from bundler.menu.definition import column_type
from bundler.menu.place import keys_of
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.errors import Found
    from bundler.menu.place import Place
    from bundler.model.json import Body
    from bundler.model.kind import KindSpec


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
