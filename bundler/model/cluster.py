"""What goes to and comes from an API server. Layer: model, pure."""

from __future__ import annotations

from typing import Self

from bundler.model.json import Body, canonical_json, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of

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
    """Whose rights count."""
    version: str
    """gitVersion, ``v1.36.2``."""
    namespace: str
    """Default namespace of the context."""
    acted_by: str = ""
    """Who logged in, where ``user`` is someone else whom they act as."""

    @property
    def who(self) -> str:
        """As who is recorded: the user, and who acts as it."""
        return f"{self.user} (by {self.acted_by})" if self.acted_by else self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One object as the bytes that are sent, made once and used for dry-run and apply alike.

    Example:
        >>> from bundler import Payload, Session
        >>> body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
        >>> with Session.sandbox() as session:
        ...     answer = session.cluster.apply(Payload.of({**body, "data": {"x": "1"}}, manager="my-program"))
        ...     session.cluster.get(Payload.of(body).ref)["data"]
        {'x': '1'}
    """

    ref: ObjectRef
    """The object; a cluster-scoped one has no namespace."""
    api_version: str
    """As in its manifest: ``apps/v1``."""
    content: bytes
    """A JSON object."""
    subresource: str = ""
    """What of the object is replaced: ``status``; empty for the object itself."""
    manager: str = FIELD_MANAGER
    """Whose the fields become that are written."""

    @classmethod
    def of(cls, body: Body, *, subresource: str = "", manager: str = FIELD_MANAGER) -> Self:
        """Return what is sent for an object that says its kind, name and namespace itself.

        Args:
            body: the object.
            subresource: what of it is replaced: ``status``; empty for the object itself.
            manager: whose the fields become.
        """
        return cls(
            ref=ref_of(body),
            api_version=text_at(body, "apiVersion"),
            content=canonical_json(body),
            subresource=subresource,
            manager=manager,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server made of a write.

    Example:
        >>> from bundler import Payload, Session
        >>> body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
        >>> with Session.sandbox() as session:
        ...     answer = session.cluster.create(Payload.of(body))
        >>> (answer.is_created, answer.body["metadata"]["name"])
        (True, 'prod')
    """

    body: Body
    """The object as it is now, or as it would be after a dry-run."""
    is_created: bool
    """It did not exist before."""
    warnings: tuple[str, ...] = ()
    """``Warning`` headers: deprecations, Pod Security."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One list request, paged by the client.

    Example:
        >>> from bundler import ListQuery, Session
        >>> with Session.sandbox() as session:
        ...     found = session.cluster.list(ListQuery(group="", kind="Namespace", namespace=""))
        >>> "default" in {one["metadata"]["name"] for one in found.items}
        True
    """

    group: str
    """API group; empty for the core group."""
    kind: str
    """Like ``Deployment``."""
    namespace: str
    """Empty: the whole cluster (or a cluster-scoped kind)."""
    version: str = ""
    """Empty: the version the server prefers."""
    label_selector: str = ""
    """As kubectl takes it: ``app=web,tier!=db``."""
    field_selector: str = ""
    """As kubectl takes it: ``metadata.name=web``."""
    metadata_only: bool = False
    """Leave out everything but metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All pages of a list.

    Example:
        >>> from bundler import ListQuery, Session
        >>> with Session.sandbox() as session:
        ...     found = session.cluster.list(ListQuery(group="", kind="ServiceAccount", namespace="default"))
        >>> [one["metadata"]["name"] for one in found.items]
        ['default']
    """

    items: tuple[Body, ...]
    """Complete bodies with ``apiVersion`` and ``kind`` filled in."""
    resource_version: str
    """Of the list: a watch starts after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One event of a watch.

    Example:
        >>> from bundler import ListQuery, Payload, Session
        >>> query = ListQuery(group="", kind="ConfigMap", namespace="default")
        >>> body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
        >>> with Session.sandbox() as session:
        ...     before = session.cluster.list(query).resource_version
        ...     created = session.cluster.create(Payload.of(body))
        ...     events = session.cluster.watch(query, resource_version=before, timeout_s=0.0)
        ...     [event.type for event in events]
        ['ADDED', 'BOOKMARK']
    """

    type: str
    """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``: nothing happened up to its resourceVersion."""
    body: Body
    """The object, or its metadata alone where the query says so."""


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
