"""Who owns the fields of a live object, as the API server noted it. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.field_path import leading_steps
from bundler.fields.field_set import to_path
from bundler.fields.managers import read_managers
from bundler.model.explanation import FieldOwner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body

    Steps = tuple[str | int, ...]


def owners_by_place(live: Body) -> Mapping[Steps, tuple[FieldOwner, ...]]:
    """Return who owns each field, by the way to it; several may own one."""
    found: dict[Steps, list[FieldOwner]] = {}
    for key, owned in read_managers(live).items():
        owner = FieldOwner(manager=key.manager, operation=key.operation, since=owned.time)
        for path in owned.fields.paths():
            found.setdefault(leading_steps(to_path(path), live), []).append(owner)
    return {steps: tuple(owners) for steps, owners in found.items()}


def owners_of_field(steps: Steps, owners: Mapping[Steps, tuple[FieldOwner, ...]]) -> tuple[FieldOwner, ...]:
    """Return who owns a field: the field itself, or a list or mapping around it that is owned as a whole.

    Args:
        steps: to the field.
        owners: of the object.
    """
    if steps in owners:
        return owners[steps]
    for length in range(len(steps) - 1, 0, -1):
        around = steps[:length]
        has_parts = any(other[:length] == around and len(other) > length for other in owners)
        if around in owners and not has_parts:
            return owners[around]
    return ()
