"""Where hooks come among the components of a plan. Layer: planning, pure.

A bundle's hooks before a change run before anything of the bundle and of its components is written, and those after it
once all of that is ready. So a plan has more parts than components: ``before-upgrade:web``, ``web``,
``after-upgrade:web``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.model.bundle import is_below
from bundler.model.hooks import DeleteAfter, Hook, Side, hook_of

if TYPE_CHECKING:
    from bundler.model.change import Change


def parts_of(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Return the parts of a plan by their names: what is made of a component, or the hooks of one at one point."""
    parts: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        parts[change.component if change.hook is None else f"{change.hook}:{change.component}"].append(change)
    return dict(parts)


def needs_of_parts(
    parts: Mapping[str, Sequence[Change]], needs: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return for each part the parts that come before it.

    Args:
        parts: of the plan, as :func:`parts_of` makes them.
        needs: component -> all components that must be ready first.
    """
    places = {name: _place(changes[0]) for name, changes in parts.items()}
    return {name: tuple(sorted(_before(name, places, needs))) for name in places}


def _place(change: Change) -> tuple[Side | None, str]:
    return change.hook.side if change.hook else None, change.component


def _before(
    part: str, places: Mapping[str, tuple[Side | None, str]], needs: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    side, component = places[part]
    needed = needs.get(component, ())
    for other, (other_side, place) in places.items():
        if other == part:
            continue
        is_nested = is_below(place, component)
        if (
            (place in needed and not (side is not None and is_nested))
            or (side is Side.AFTER and is_nested)
            or (other_side is Side.BEFORE and is_below(component, place))
        ):
            yield other


def order_of(change: Change) -> int:
    """Return the number by which the hooks of a point follow each other."""
    return _hook(change).order


def is_deleted_at_once(change: Change) -> bool:
    """Return whether an object of a hook goes as soon as the hooks of its point have succeeded."""
    return _hook(change).delete_after is DeleteAfter.SUCCESS


def is_discarded(change: Change) -> bool:
    """Return whether an object of a hook may be deleted at all; a claim holds data."""
    return _hook(change).delete_after is not DeleteAfter.NEVER and change.ref.kind != "PersistentVolumeClaim"


def _hook(change: Change) -> Hook:
    found = hook_of(change.desired.body) if change.desired else None
    if found is None:
        raise AssertionError(f"{change.ref} is not an object of a hook")
    return found
