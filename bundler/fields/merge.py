"""Server-side apply: what the API server makes of an applied body, and who owns what. Layer: fields, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.fields.kinds import SchemaNode
    from bundler.model.json import Body


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """One field that another manager owns with another value."""

    path: str
    """As the server writes it: ``.spec.template.spec.containers[name="web"].image``."""
    manager: str
    message: str
    """The server's words: ``conflict with "kubectl-edit" using apps/v1``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply comes to."""

    body: Body
    """The merged object, managedFields included; the live one, as it is, where there are conflicts."""
    conflicts: tuple[Conflict, ...] = ()
    """Sorted; empty when the apply is forced."""
    is_changed: bool = False
    """Whether anything but times of managedFields differs from the live object."""


def server_side_apply(
    *,
    live: Body | None,
    applied: Body,
    manager: str,
    is_forced: bool = False,
    schema: SchemaNode | None,
    time: str,
) -> Applied:
    """Merge ``applied`` into ``live`` as the API server would, and move the ownership of fields.

    Args:
        live: the object as stored, managedFields included; None where there is none. Never modified.
        applied: the body as sent. ``metadata.managedFields``, ``uid``, ``resourceVersion`` and the like in it are not owned.
        manager: name of the field manager.
        is_forced: take fields over from others instead of reporting conflicts.
        schema: of the applied version of the kind; None deduces (maps merge, lists are one value).
        time: of the request, RFC 3339 in UTC with seconds: ``2026-11-01T12:00:00Z``.
    """
    raise NotImplementedError


def track_update(
    old: Body | None, new: Body, *, manager: str, schema: SchemaNode | None, time: str, subresource: str = ""
) -> Body:
    """Return ``new`` with the managedFields that a create, PUT, PATCH or status update by ``manager`` leaves.

    Args:
        old: the stored object before; None for a create.
        new: the whole object after; its own managedFields are ignored in favour of ``old``'s.
        manager: name of the field manager; it becomes owner (operation ``Update``) of everything that changed.
        schema: of the version of ``new``; None deduces.
        time: of the request, RFC 3339 in UTC.
        subresource: ``status``, ``scale`` or empty.
    """
    raise NotImplementedError
