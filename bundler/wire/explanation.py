"""Where the fields of a live object come from, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from bundler.wire.causes import ChangedValueForm, changed_value_form

if TYPE_CHECKING:
    from bundler.model.explanation import ExplainedField, Explanation, Since


class OwnerForm(TypedDict):
    """One that owns a field."""

    manager: str
    operation: str
    """`Apply` or `Update`."""
    since: str
    """When it last changed the object; empty where that is not known."""


class ExplainedFieldForm(TypedDict):
    """One field, and where its value comes from."""

    field: str
    """As the API server writes it: `.spec.maxReplicas`."""
    value: str
    """What is live, as it is shown; secrets are masked."""
    recorded: str
    """What the revision wrote, where that is another value; else empty."""
    setBy: Literal["template", "patch", "generated", "manager", "server"]
    """`manager`: another field manager, and no template; `server`: a default of the API server."""
    owners: list[OwnerForm]
    source: str
    """The template line, or the lines of the patches; empty if neither sets it."""
    values: list[str]
    """Paths of the values that were read to print it; `values` of the whole says what each is."""
    certain: bool
    """False: other fields are printed with it, and nothing tells which of the values is read for which."""
    conditions: list[str]
    """Paths of the values that decide whether it is printed."""


class SinceForm(TypedDict):
    """The revision in which a field got the value that it has."""

    revision: int
    created: str
    user: str
    command: str
    """The command line, sensitive values masked."""
    changed: list[ChangedValueForm]
    """The values of the field that changed in it, each with those that it is computed from."""


class ExplanationForm(TypedDict):
    """Where an object, or one of its fields, comes from."""

    object: str
    """Group, kind, namespace and name: `apps/Deployment/shop/web`; the core group is `core`, no namespace is `-`."""
    release: str
    revision: int
    """The newest revision that was deployed."""
    bundle: str
    component: str
    """Path of the component; empty for the bundle itself."""
    source: str
    """The template line with which the object begins."""
    patchedBy: list[str]
    live: bool
    """False: it is not in the cluster."""
    fields: list[ExplainedFieldForm]
    """The field that was asked for, or its parts; of a whole object those that follow values, and those of others."""
    leftOut: list[str]
    """Fields of a large object that are not among these, because 200 are; each can be asked about by name."""
    values: list[ChangedValueForm]
    """The values that are read, with those that they are computed from; `before` is empty."""
    since: NotRequired[SinceForm]
    missing: str
    """Why nothing is known of values, or why it is doubtful: the bundle is not available, or prints another object."""


def explanation_form(found: Explanation) -> ExplanationForm:
    """Return an explanation."""
    form: ExplanationForm = {
        "object": str(found.ref),
        "release": found.release,
        "revision": found.revision,
        "bundle": found.bundle,
        "component": found.component,
        "source": found.source,
        "patchedBy": list(found.patched_by),
        "live": found.is_live,
        "fields": [_field_form(one) for one in found.fields],
        "leftOut": list(found.left_out),
        "values": [changed_value_form(value) for value in found.values],
        "missing": found.missing,
    }
    if found.since is not None:
        form["since"] = _since_form(found.since)
    return form


def _field_form(one: ExplainedField) -> ExplainedFieldForm:
    owners: list[OwnerForm] = [
        {"manager": owner.manager, "operation": owner.operation, "since": owner.since} for owner in one.owners
    ]
    return {
        "field": one.field,
        "value": one.value,
        "recorded": one.recorded,
        "setBy": one.setter.value,
        "owners": owners,
        "source": one.source,
        "values": list(one.values),
        "certain": one.is_certain,
        "conditions": list(one.conditions),
    }


def _since_form(since: Since) -> SinceForm:
    return {
        "revision": since.revision,
        "created": since.created.isoformat(),
        "user": since.user,
        "command": since.command,
        "changed": [changed_value_form(value) for value in since.changed],
    }
