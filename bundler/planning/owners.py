"""Who owns the fields of a live object, as the API server noted it. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.fields.field_path import leading_steps
from bundler.fields.field_set import to_path
from bundler.fields.managers import read_managers
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.explanation import FieldOwner
from bundler.model.json import Body
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPlace:
    """A field, or a list or mapping as a whole, that someone owns."""

    path: str
    """As the API server writes it."""
    owners: tuple[FieldOwner, ...]

    @property
    def other(self) -> FieldOwner | None:
        """The last of its owners that is not bundler."""
        return next((one for one in reversed(self.owners) if one.manager != FIELD_MANAGER), None)


def owned_places(live: Body) -> Mapping[Steps, OwnedPlace]:
    """Return what is owned, by the way to it; several may own one."""
    found: dict[Steps, tuple[str, list[FieldOwner]]] = {}
    for key, owned in read_managers(live).items():
        owner = FieldOwner(manager=key.manager, operation=key.operation, since=owned.time)
        for path in owned.fields.paths():
            text = to_path(path)
            found.setdefault(leading_steps(text, live), (text, []))[1].append(owner)
    return {steps: OwnedPlace(path=text, owners=tuple(owners)) for steps, (text, owners) in found.items()}


def owners_of_field(steps: Steps, places: Mapping[Steps, OwnedPlace]) -> tuple[FieldOwner, ...]:
    """Return who owns a field: the field itself, or a list or mapping around it that is owned as a whole.

    Args:
        steps: to the field.
        places: of the object.
    """
    if steps in places:
        return places[steps].owners
    for length in range(len(steps) - 1, 0, -1):
        around = steps[:length]
        has_parts = any(other[:length] == around and len(other) > length for other in places)
        if around in places and not has_parts:
            return places[around].owners
    return ()


def other_owner(steps: Steps, places: Mapping[Steps, OwnedPlace]) -> tuple[str, FieldOwner | None]:
    """Return what the server calls a field and who else owns it: the field, the nearest thing around it, or one in it.

    Args:
        steps: to the field.
        places: of the object.

    Returns:
        An empty text and None where no one but bundler does.
    """
    around = [steps[:length] for length in range(len(steps), 0, -1)]
    inside = [place for place in places if place[: len(steps)] == steps]
    for place in (places[one] for one in [*around, *inside] if one in places):
        if place.other is not None:
            return place.path, place.other
    return "", None
