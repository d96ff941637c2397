"""What work on a value costs, told before it is done. Layer: expressions, pure.

A list may hold another one twice, and that one a third one twice: forty such lists are 2^40 items to whatever walks
over them. So a value is walked here first, and each part is charged; the walk ends where the count does.
"""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any, Final

from bundler.expressions.bounds import current_meter
from bundler.model.json import JSONValue

CONTAINERS: Final = (dict, list, tuple)
WALKED: Final = (*CONTAINERS, range, KeysView, ItemsView, ValuesView)


def charge_all(*values: Any) -> None:
    """Charge every part of ``values``, long texts by their length: what comparing or sorting them may look at.

    Raises:
        LimitReachedError: when the steps are used up.
    """
    meter = current_meter()
    pending = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            meter.charge_text(len(value))
        elif isinstance(value, Mapping):
            meter.charge(len(value))
            pending += value.keys()
            pending += value.values()
        elif isinstance(value, WALKED) and not isinstance(value, range):
            meter.charge(len(value))
            pending += value


def charge_comparison(left: Any, right: Any) -> None:
    """Charge what comparing two values can cost; nothing where one is a number or a short text.

    Raises:
        LimitReachedError: when the steps are used up.
    """
    if isinstance(left, str) and isinstance(right, str):
        current_meter().charge_text(min(len(left), len(right)))
    elif isinstance(left, CONTAINERS) and isinstance(right, CONTAINERS):
        charge_all(left)


def written_size(value: JSONValue, *, indent: int, depth: int = 0) -> int:
    """Return about how many characters ``value`` takes written out, each line indented by its depth.

    Args:
        value: to write out.
        indent: spaces per level.
        depth: levels around the value.

    Raises:
        LimitReachedError: when the steps are used up.
    """
    if isinstance(value, str):
        current_meter().charge_text(len(value))
        return len(value) + (value.count("\n") + 1) * indent * depth
    if isinstance(value, Mapping):
        keys = sum(len(key) + indent * depth for key in value)
        return keys + sum(written_size(item, indent=indent, depth=depth + 1) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(indent * depth + written_size(item, indent=indent, depth=depth + 1) for item in value)
    return 8
