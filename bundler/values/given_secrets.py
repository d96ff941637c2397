"""Secrets among what a user gave, to be masked before anything is said. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import texts_in
from bundler.syntax.written_path import Match
from bundler.values.list_operators import readings
from bundler.values.paths import get_value, parse_path, pointer_steps
from bundler.values.schema_view import bundle_view
from bundler.values.user import is_secret_place
from bundler.values.validate import sensitive_pointers

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.values import UserLayers


def sensitive_texts(bundle: Bundle, user: UserLayers) -> set[str]:
    """Return the strings that were given at places which the bundle's schemas call sensitive."""
    view = bundle_view(bundle)
    found: set[str] = set()
    for layer in user.layers:
        for data in readings(layer.data, view):
            for pointer in sensitive_pointers(data, view):
                found |= set(texts_in(get_value(data, pointer_steps(pointer, data))))
    for assignment in user.assignments:
        place = [0 if isinstance(step, Match) else step for step in parse_path(assignment.path)]
        if is_secret_place(view, place):
            found |= {assignment.text, assignment.typed if not assignment.names_its_content else ""}
    return found - {""}
