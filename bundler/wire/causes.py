"""Why a plan changes what it changes, as JSON, and back. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from bundler.model.causes import Cause, CauseKind, ChangedField, ChangedValue

if TYPE_CHECKING:
    from bundler.wire.parts import Part


class ChangedFieldForm(TypedDict):
    """A field that changes."""

    field: str
    """As the API server writes it: `.spec.maxReplicas`; empty: the whole object."""
    source: str
    """The template line that prints it; empty where none does."""


class CauseForm(TypedDict):
    """Why some fields of one object change."""

    kind: Literal["values", "bundle", "patch", "revision", "cluster", "unknown"]
    values: list[str]
    """Paths of the changed values that were read for them; `changedValues` says what became of each."""
    fields: list[ChangedFieldForm]
    note: str
    certain: bool
    """False: the template reads these values, and nothing tells for which of its fields; or the bundle changed too."""


class ChangedValueForm(TypedDict):
    """A value that is not what it was."""

    path: str
    """Components are named first: `web.maxReplicas`."""
    before: str
    """As it is shown; empty where it was not set, and where it is sensitive."""
    after: str
    source: str
    """Who sets it now: `--set`, file and line, or the line of bundle.yaml with its formula."""
    sensitive: bool
    because: list[str]
    """Paths of the changed values that it is computed from; none where the change begins."""


def cause_form(cause: Cause) -> CauseForm:
    """Return one cause."""
    return {
        "kind": cause.kind.value,
        "values": list(cause.values),
        "fields": [{"field": one.field, "source": one.source} for one in cause.fields],
        "note": cause.note,
        "certain": cause.is_certain,
    }


def changed_value_form(value: ChangedValue) -> ChangedValueForm:
    """Return one changed value."""
    return {
        "path": value.path,
        "before": value.before,
        "after": value.after,
        "source": value.source,
        "sensitive": value.is_sensitive,
        "because": list(value.because),
    }


def read_cause(part: Part) -> Cause:
    """Return the cause that a part of a document holds."""
    part.require(*CauseForm.__annotations__)
    return Cause(
        kind=part.one_of("kind", CauseKind),
        values=part.texts("values"),
        fields=tuple(map(_field, part.parts("fields"))),
        note=part.text("note"),
        is_certain=part.flag("certain"),
    )


def _field(part: Part) -> ChangedField:
    part.require(*ChangedFieldForm.__annotations__)
    return ChangedField(field=part.text("field"), source=part.text("source"))


def read_changed_value(part: Part) -> ChangedValue:
    """Return the changed value that a part of a document holds."""
    part.require(*ChangedValueForm.__annotations__)
    return ChangedValue(
        path=part.text("path"),
        before=part.text("before"),
        after=part.text("after"),
        source=part.text("source"),
        is_sensitive=part.flag("sensitive"),
        because=part.texts("because"),
    )
