"""What goes to and comes from an API server. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import text_at
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

FIELD_MANAGER = "bundler"
"""Of what the release's own manifests set."""


def is_deleting(live: Body) -> bool:
    """Return whether the deletion of an object has begun."""
    return bool(text_at(live, "metadata", "deletionTimestamp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterIdentity:
    """Which cluster, and as whom."""

    context: str
    server: str
    uid: str
    """uid of the kube-system namespace; empty where it may not be read."""
    user: str
    version: str
    """gitVersion, ``v1.36.2``."""
    namespace: str
    """Default namespace of the context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One object as the bytes that are sent, made once and used for dry-run and apply alike."""

    ref: ObjectRef
    api_version: str
    content: bytes
    """A JSON object."""
    subresource: str = ""
    """What of the object is replaced: ``status``; empty for the object itself."""
    manager: str = FIELD_MANAGER
    """Whose the fields become that are applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server made of a write."""

    body: Body
    is_created: bool
    warnings: tuple[str, ...] = ()
    """``Warning`` headers: deprecations, Pod Security."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One list request, paged by the client."""

    group: str
    kind: str
    namespace: str
    """Empty: the whole cluster (or a cluster-scoped kind)."""
    version: str = ""
    """Empty: the version the server prefers."""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All pages of a list."""

    items: tuple[Body, ...]
    """Complete bodies with ``apiVersion`` and ``kind`` filled in."""
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One event of a watch: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``."""

    type: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which log lines of a pod."""

    container: str = ""
    tail_lines: int | None = None
    is_previous: bool = False
    is_following: bool = False
    is_tried_once: bool = False
    """A failure is final at once, and the answer must come within seconds: it is not worth waiting for."""
    within_s: float | None = None
    """How long reading may take, further tries included; None: as long as the command has time."""
    since_s: int | None = None
