"""What people read about a field: its description, its default. Layer: menu, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import is_list, is_mapping
from bundler.values.problems import shown_value

if TYPE_CHECKING:
    from bundler.menu.place import Place

_CODE = "{{"


def description(place: Place) -> str:
    """Return what the schema says a value is for, with its default.

    A default of a definition would be stored with each order, and a later bundle's would reach no one: it is only told.
    """
    said = [place.view.description, default(place)]
    if place.view.is_deprecated:
        moved = f": use {place.view.moved_to}" if place.view.moved_to else ""
        said.append(f"deprecated{moved}")
    if place.view.is_immutable:
        said.append("the value of the first installation stays")
    first, *rest = [one for one in said if one] or [""]
    return f"{first} ({', '.join(rest)})" if rest else first


def default(place: Place) -> str:
    """Return the default of a value in words; empty where there is none to show."""
    if place.path in place.derived:
        return "computed by default"
    value = place.given
    if value is None or value == "" or is_mapping(value) or is_list(value) or place.view.holds_sensitive:
        return ""
    return "computed by default" if _CODE in str(value) else f"default {shown_value(value, is_sensitive=False)}"
