"""Drift as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.drift import DriftedField, DriftedObject, ReleaseDrift


class DriftedFieldForm(TypedDict):
    """A field that differs; values as they are shown."""

    field: str
    """As the API server writes it: `.spec.replicas`."""
    recorded: str
    """What the revision wrote."""
    live: str
    manager: str
    """Who set the live value; empty where no one owns the field, as where it was removed."""
    since: str
    """When the manager last wrote the object; empty where that is not known."""


class DriftedObjectForm(TypedDict):
    """An object that differs."""

    object: str
    """Group, kind, namespace and name: `apps/Deployment/shop/web`; the core group is `core`, no namespace is `-`."""
    drift: Literal["changed", "missing", "unexpected"]
    """`unexpected`: the release's own, and not in the deployed revision."""
    reason: str
    fields: list[DriftedFieldForm]


class DriftForm(TypedDict):
    """A release's deployed revision beside its live objects."""

    release: str
    namespace: str
    revision: int
    """What is compared with."""
    drifted: bool
    objects: list[DriftedObjectForm]
    """Those that differ."""


def drift_forms(found: Iterable[ReleaseDrift]) -> list[DriftForm]:
    """Return what differs in each release."""
    return [_drift_form(one) for one in found]


def _drift_form(drift: ReleaseDrift) -> DriftForm:
    return {
        "release": drift.revision.release,
        "namespace": drift.revision.namespace,
        "revision": drift.revision.revision,
        "drifted": bool(drift.objects),
        "objects": [_object_form(one) for one in drift.objects],
    }


def _object_form(one: DriftedObject) -> DriftedObjectForm:
    fields = [_field_form(field) for field in one.fields]
    return {"object": str(one.ref), "drift": one.kind.value, "reason": one.reason, "fields": fields}


def _field_form(one: DriftedField) -> DriftedFieldForm:
    return {
        "field": one.field,
        "recorded": one.recorded,
        "live": one.live,
        "manager": one.manager,
        "since": one.since,
    }
