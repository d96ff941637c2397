"""What differs between a release's record and its live objects. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.model.release import RevisionSummary


class DriftKind(StrEnum):
    """How an object differs from what was written.

    Example:
        >>> from bundler import DriftKind
        >>> [str(kind) for kind in DriftKind]
        ['changed', 'missing', 'unexpected']
    """

    CHANGED = "changed"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    """It is the release's own, and the deployed revision does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftedField:
    """One field that differs; values as they are shown.

    Example:
        >>> from bundler import DriftedField
        >>> one = DriftedField(field=".spec.replicas", recorded="1", live="3", manager="kubectl")
        >>> f"{one.field}: {one.live} set by {one.manager}"
        '.spec.replicas: 3 set by kubectl'
    """

    field: str
    """As the API server writes it: ``.spec.replicas``."""
    recorded: str
    """What the revision wrote; ``nothing`` where the field was not set."""
    live: str
    """What is in the cluster."""
    manager: str = ""
    """Who set the live value; empty where no one owns the field, as where it was removed."""
    since: str = ""
    """When the manager last wrote the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftedObject:
    """One object that differs.

    Example:
        >>> from bundler import DriftedObject, DriftKind, ObjectRef
        >>> gone = DriftedObject(ref=ObjectRef("", "Service", "prod", "shop"), kind=DriftKind.MISSING)
        >>> f"{gone.ref.short} is {gone.kind}"
        'Service/shop is missing'
    """

    ref: ObjectRef
    """The object."""
    kind: DriftKind
    """How it differs."""
    fields: tuple[DriftedField, ...] = ()
    """What differs in it."""
    reason: str = ""
    """Why it would be made again or deleted, or is not put back; empty where the fields say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What was put back from a release's deployed revision, and what was not.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     service = next(ref for ref in done.revision.refs if ref.kind == "Service")
        ...     gone = session.cluster.delete(service)
        ...     first, second = session.correct("shop"), session.correct("shop")
        >>> ([one.ref.short for one in first.objects], first.revision.corrected, second.objects)
        (['Service/shop'], 1, ())
    """

    revision: RevisionSummary
    """The deployed revision; its ``corrected`` counts this correction, if anything was written."""
    objects: tuple[DriftedObject, ...] = ()
    """What was put back: each field with what it was, who had set that, and when."""
    missing_data: tuple[DriftedObject, ...] = ()
    """What held data, is gone, and was not made again: volume claims, namespaces, definitions, generated Secrets."""
    refused: tuple[DriftedObject, ...] = ()
    """What differs and could not be put back; ``reason`` says why."""
    is_declined: bool = False
    """The answer was no; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDrift:
    """A release's deployed revision beside its live objects.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     drift = session.drift("shop")
        >>> (drift.revision.revision, drift.objects)
        (1, ())
    """

    revision: RevisionSummary
    """What is compared with: the newest revision that was deployed."""
    objects: tuple[DriftedObject, ...] = ()
    """Those that differ; none where everything is as it was written."""
