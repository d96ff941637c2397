"""Checks that hold for every kind. Layer: rules, pure.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/README.md, "Conditions" and pkg/kstatus/status, ``checkGenericProperties``.
"""

from __future__ import annotations

from bundler.model.cluster import is_deleting
from bundler.model.health import Health, Status
from bundler.model.json import Body, JSONValue, int_at, items_at, list_at, text_at, value_at

MAX_MESSAGE_CHARS = 1024
_NEEDED = frozenset({"Accepted", "Programmed", "Available", "Healthy", "Succeeded"})
"""Conditions by which controllers say that all is well: False is not."""
_TROUBLES = ("NotReady", "Failed", "Failure", "Error", "Degraded", "Failing")
"""How the names of conditions end by which controllers say that it is not: True is trouble."""


def condition(body: Body, kind: str) -> Body:
    """Return the condition of that type; an empty mapping where there is none, or only one about the past."""
    return next((item for item in current_conditions(body) if item.get("type") == kind), {})


def current_conditions(body: Body) -> list[Body]:
    """Return the conditions that are about the latest generation, or do not say which one they are about."""
    return [item for item in items_at(body, "status", "conditions") if not _is_outdated(item, body)]


def _is_outdated(found: Body, body: Body) -> bool:
    seen = observed_generation(found.get("observedGeneration"))
    return seen is not None and seen < int_at(body, "metadata", "generation")


def has_condition(body: Body, kind: str, status: str = "True") -> bool:
    """Return whether the condition of that type has that status.

    Args:
        body: the object as the API returns it.
        kind: type of the condition.
        status: to compare with.
    """
    return condition(body, kind).get("status") == status


def explain(found: Body, otherwise: str = "") -> str:
    """Return ``Reason: message`` of a condition, as far as it says either."""
    reason, message = text_at(found, "reason"), text_at(found, "message")
    return ": ".join(part for part in (reason, message) if part)[:MAX_MESSAGE_CHARS] or otherwise


def in_progress(message: str, ready: int | None = None, wanted: int | None = None) -> Health:
    """Return the health of an object that is on its way.

    Args:
        message: why it is not ready, in a line.
        ready: how many are ready.
        wanted: how many there will be.
    """
    return Health(Status.IN_PROGRESS, message, ready, wanted)


def current(message: str, ready: int | None = None, wanted: int | None = None, *, warning: str = "") -> Health:
    """Return the health of an object that has arrived.

    Args:
        message: what it has reached, in a line.
        ready: how many are ready.
        wanted: how many there will be.
        warning: shown beside the health; empty without one.
    """
    return Health(Status.CURRENT, message, ready, wanted, warning)


def failed(message: str) -> Health:
    """Return the health of an object that waiting does not help."""
    return Health(Status.FAILED, message)


def observed_generation(value: JSONValue) -> int | None:
    """Read an observedGeneration; some controllers write it as a string, and some write a hash (then None)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return None


def check_deletion(body: Body) -> Health | None:
    """Return Terminating for an object whose deletion has begun."""
    if not is_deleting(body):
        return None
    held = ", ".join(map(str, list_at(body, "metadata", "finalizers")))
    return Health(Status.TERMINATING, f"being deleted; waits for {held}" if held else "being deleted")


def check_generation(body: Body, min_generation: int) -> Health | None:
    """Return InProgress where the controller, or what was read, is older than the latest write."""
    generation = int_at(body, "metadata", "generation")
    if generation < min_generation:
        return in_progress(f"generation {generation} was read, {min_generation} was written")
    seen = observed_generation(value_at(body, "status", "observedGeneration"))
    if seen is not None and seen < 0:
        return in_progress("no controller has seen it yet")
    if seen is not None and seen < generation:
        return in_progress(f"its controller has seen generation {seen} of {generation}")
    return None


def check_conditions(body: Body) -> Health | None:
    """Judge by the conditions Stalled and Reconciling."""
    if has_condition(body, "Stalled"):
        return failed(explain(condition(body, "Stalled"), "Stalled"))
    if has_condition(body, "Reconciling"):
        return in_progress(explain(condition(body, "Reconciling"), "Reconciling"))
    return None


def check_ready(body: Body) -> Health | None:
    """Judge by the condition Ready; None where there is none."""
    found = next((item for item in items_at(body, "status", "conditions") if item.get("type") == "Ready"), None)
    if found is None:
        return None
    if _is_outdated(found, body):
        return in_progress(f"its Ready condition is about generation {found.get('observedGeneration')}")
    if found.get("status") == "True":
        return current(explain(found, "Ready"))
    return in_progress(explain(found, "not Ready"))


def check_troubles(body: Body) -> Health | None:
    """Judge by conditions that say in other words than Ready that something is wrong; None where none does."""
    for found in current_conditions(body):
        kind, status = text_at(found, "type"), found.get("status")
        if (kind in _NEEDED and status == "False") or (kind.endswith(_TROUBLES) and status == "True"):
            return in_progress(f"{kind}={status}: {explain(found)}".removesuffix(": "))
    return None
