"""Bodies with one thing wrong or empty in them: every field of a body gets each of the values below, or goes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import Steps

ABSENT = object()
VALUES: dict[str, Any] = {
    "absent": ABSENT,
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "large": 70_000,
    "fraction": 1.5,
    "empty text": "",
    "text": "Not_A_Name",
    "digits": "7",
    "no items": [],
    "null item": [None],
    "text item": ["x"],
    "no fields": {},
    "null field": {"a": None},
}


def variants(body: dict[str, Any]) -> Iterator[tuple[str, Steps, dict[str, Any]]]:
    """Yield a name, the place that differs and the whole body; apiVersion, kind and the name itself stay."""
    for name, steps, value in _plans(body):
        yield name, steps, _changed(body, steps, value)


def variant(body: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Return the variant of that name."""
    steps, value = next((steps, value) for name, steps, value in _plans(body) if name == wanted)
    return _changed(body, steps, value)


def variant_names(body: dict[str, Any]) -> list[str]:
    """Return the names of all variants."""
    return [name for name, _, _ in _plans(body)]


def _plans(body: dict[str, Any]) -> Iterator[tuple[str, Steps, Any]]:
    for steps in places(body):
        before = at(body, steps)
        for name, value in VALUES.items():
            if value is ABSENT or (type(value), value) != (type(before), before):
                yield f"{dotted(steps)} {name}", steps, value


def places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Yield where each field of a body is, and each first item of a list."""
    members = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for step, member in members:
        here = (*steps, step)
        if here not in {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")}:
            yield here
        yield from places(member, here)


def at(value: Any, steps: Steps) -> Any:
    """Return what is at a place, ABSENT where nothing is."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return value


def dotted(steps: Steps) -> str:
    """Write a place as messages do: ``spec.ports[0].port``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _changed(body: dict[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(body)
    holder = at(made, steps[:-1])
    if value is ABSENT:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = copy.deepcopy(value)
    return made
