"""Where the fields of a live object come from. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.causes import ChangedValue
    from bundler.model.refs import ObjectRef


class Setter(StrEnum):
    """What gives a field its value.

    Example:
        >>> from bundler import Setter
        >>> [str(setter) for setter in Setter]
        ['template', 'patch', 'generated', 'manager', 'server']
    """

    TEMPLATE = "template"
    PATCH = "patch"
    """Of the site file or of a bundle, over what the template printed."""
    GENERATED = "generated"
    """A secret that bundler made once."""
    MANAGER = "manager"
    """Another field manager: no template prints it."""
    SERVER = "server"
    """The API server's default: no one owns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOwner:
    """One that owns a field in managedFields.

    Example:
        >>> from bundler import FieldOwner
        >>> str(FieldOwner(manager="bundler", operation="Apply", since="2026-11-30T03:24:47Z"))
        'bundler, since 2026-11-30T03:24:47Z'
    """

    manager: str
    """Its name: ``bundler``, ``kubectl-edit``."""
    operation: str
    """``Apply`` or ``Update``."""
    since: str = ""
    """When it last changed the object; empty where that is not known."""

    def __str__(self) -> str:
        return f"{self.manager}, since {self.since}" if self.since else self.manager


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedField:
    """One field, and where its value comes from.

    Example:
        >>> from bundler import ExplainedField, Setter
        >>> one = ExplainedField(field=".spec.replicas", value="2", setter=Setter.TEMPLATE, values=("web.replicas",))
        >>> (one.field, one.value, one.values)
        ('.spec.replicas', '2', ('web.replicas',))
    """

    field: str
    """As the API server writes it."""
    value: str
    """As it is shown: what is live, ``nothing`` where there is no such value; secrets are masked."""
    setter: Setter
    """What gives it that value."""
    recorded: str = ""
    """What the revision recorded, where that is another value than what is live: someone changed it, or keeps it."""
    owners: tuple[FieldOwner, ...] = ()
    """Who owns it; empty: no one, as of a default."""
    source: str = ""
    """The template line, or the lines of the patches."""
    values: tuple[str, ...] = ()
    """Paths of the values that were read to print it."""
    is_certain: bool = True
    """False: other fields are printed with it, and nothing tells which of the values is read for which."""
    conditions: tuple[str, ...] = ()
    """Paths of the values that decide whether it is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The revision in which a field got the value that is recorded; that is the live one unless a field says otherwise.

    Example:
        >>> from datetime import UTC, datetime
        >>> from bundler import Since
        >>> Since(revision=2, created=datetime(2026, 11, 30, tzinfo=UTC), user="ada").revision
        2
    """

    revision: int
    """Its number."""
    created: datetime
    """When it was recorded, in UTC."""
    user: str = ""
    """As whom its maker spoke to the cluster."""
    command: str = ""
    """The command line, sensitive values masked."""
    changed: tuple[ChangedValue, ...] = ()
    """The values of the field that changed in it, each with those that it is computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One object of a release: where it, or one of its fields, comes from.

    Example:
        >>> from bundler import ReleaseRequest, Session, Values
        >>> with Session.sandbox() as session:
        ...     request = ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"minReplicas": 3}))
        ...     done = session.apply(request)
        ...     found = session.explain_object("shop", "HorizontalPodAutoscaler/shop", ".spec.minReplicas")
        >>> [(one.value, one.source, one.values) for one in found.fields]
        [('3', 'templates/edges.yaml:10', ('minReplicas',))]
    """

    ref: ObjectRef
    """The object."""
    release: str
    """Its release."""
    revision: int
    """The newest revision that was deployed."""
    bundle: str
    """Its bundle: ``shop 1.5.0``."""
    component: str = ""
    """Path of the component it belongs to; empty for the bundle's own."""
    source: str = ""
    """The template line with which it begins."""
    patched_by: tuple[str, ...] = ()
    """File and line of each patch that changed what the template printed."""
    is_live: bool = True
    """False: it is not in the cluster."""
    fields: tuple[ExplainedField, ...] = ()
    """The field that was asked for, or its parts; of a whole object those that follow values, and those of others."""
    left_out: tuple[str, ...] = ()
    """Fields of a large object that are not among these, because 200 are; each can be asked about by name."""
    values: tuple[ChangedValue, ...] = ()
    """The values that are read, with those that they are computed from."""
    since: Since | None = None
    """Of a field: the revision that gave it its value."""
    missing: str = ""
    """Why nothing is known of values, or why it is doubtful: the bundle is not available, or prints another object."""
