"""Conditions by the rules of kstatus: what `kubectl wait` and other controllers read. Layer: controller, pure.

Source: github.com/kubernetes-sigs/cli-utils, pkg/kstatus, "Conditions"; Kubernetes API conventions, "Typical status
properties".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from bundler.controller.status import Condition, ConditionType, Reason
from bundler.controller.times import written_time
from bundler.model.json import Body, items_at, text_at

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.controller.order import Order

_STATUSES: Final = {True: "True", False: "False", None: "Unknown"}
_WHILE_TRUE: Final = frozenset({ConditionType.RECONCILING, ConditionType.STALLED})
"""They are there while they are true, and at no other time."""


def condition_bodies(conditions: Iterable[Condition], previous: Body, *, generation: int, now: datetime) -> list[Body]:
    """Return conditions as ``.status.conditions`` has them.

    Args:
        conditions: what holds now.
        previous: the status that is there; a condition that is as it was keeps the time of its last change.
        generation: of the spec that the conditions are about.
        now: the time of day.
    """
    before = {text_at(one, "type"): one for one in items_at(previous, "conditions")}
    return [
        _body(one, before.get(one.type.value, {}), generation=generation, now=now)
        for one in conditions
        if one.status or one.type not in _WHILE_TRUE
    ]


def beginning(reason: Reason, message: str = "") -> tuple[Condition, Condition]:
    """Return the conditions of an order whose new spec is seen for the first time: nothing is known of it yet.

    They go into the first write that has the new generation, so that no one who waits for Ready takes old news.

    Args:
        reason: what is done first.
        message: more of it, for people.
    """
    return (
        Condition(type=ConditionType.READY, status=None, reason=reason, message=message),
        Condition(type=ConditionType.RECONCILING, status=True, reason=reason, message=message),
    )


def halted(reason: Reason, message: str) -> tuple[Condition, Condition]:
    """Return the conditions of what is not carried out before something changes.

    Args:
        reason: why.
        message: the same, for people.
    """
    return (
        Condition(type=ConditionType.READY, status=False, reason=reason, message=message),
        Condition(type=ConditionType.STALLED, status=True, reason=reason, message=message),
    )


def conditions_in(status: Body) -> Mapping[str, str]:
    """Return type and status of each condition in the status of an order."""
    return {text_at(one, "type"): text_at(one, "status") for one in items_at(status, "conditions")}


def is_seen(order: Order) -> bool:
    """Return whether the status of an order is about its spec as it is now."""
    return order.status.get("observedGeneration") == order.generation


def _body(one: Condition, before: Body, *, generation: int, now: datetime) -> Body:
    status = _STATUSES[one.status]
    since = text_at(before, "lastTransitionTime") if text_at(before, "status") == status else ""
    return {
        "type": one.type.value,
        "status": status,
        "reason": one.reason.value,
        "message": one.message,
        "observedGeneration": generation,
        "lastTransitionTime": since or written_time(now),
    }
