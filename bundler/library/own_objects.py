"""The cluster of a session for objects of a program's own: each request is a call of its own. Layer: library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self, TypeVar

    from bundler.library.scope import Scope
    from bundler.model.cluster import Answer, ClusterIdentity, Listing, ListQuery, LogQuery, Payload, WatchEvent
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef, ResourceType
    from bundler.ports import ClusterClient, EventStream, HeldLock, Propagation

    Result = TypeVar("Result")


class OwnObjects:
    """A cluster whose every request has the whole time of a call; see bundler.ports.ClusterClient for the verbs."""

    def __init__(self, scope: Scope, cluster: ClusterClient) -> None:
        """Take the session's cluster; nothing is sent.

        Args:
            scope: of the session: each request is one call of it.
            cluster: what sends the requests.
        """
        self._scope, self._cluster = scope, cluster

    def identity(self) -> ClusterIdentity:
        """Return which cluster this is and as whom we speak."""
        return self._call(lambda cluster: cluster.identity())

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """Return how a kind is served; None where it is not."""
        return self._call(lambda cluster: cluster.resource_type(group, kind, version))

    def resource_types(self) -> Sequence[ResourceType]:
        """Return everything that is served."""
        return self._call(lambda cluster: cluster.resource_types())

    def unavailable_apis(self) -> Sequence[str]:
        """Return ``group/version`` of the aggregated APIs that do not answer."""
        return self._call(lambda cluster: cluster.unavailable_apis())

    def forget_discovery(self) -> None:
        """Ask again what is served."""
        self._call(lambda cluster: cluster.forget_discovery())

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return one object, None where it (or its kind) is absent."""
        return self._call(lambda cluster: cluster.get(ref, version=version, metadata_only=metadata_only))

    def list(self, query: ListQuery) -> Listing:
        """Return all pages of a list."""
        return self._call(lambda cluster: cluster.list(query))

    @property
    def is_worth_watching(self) -> bool:
        """Whether a watch hears of changes by itself."""
        return self._cluster.is_worth_watching

    @property
    def has_operators(self) -> bool:
        """Whether anyone but the server itself may act on objects."""
        return self._cluster.has_operators

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> EventStream:
        """Yield events after ``resource_version`` for ``timeout_s``, however long a call may take."""

        def begin(cluster: ClusterClient) -> EventStream:
            return cluster.watch(query, resource_version=resource_version, timeout_s=timeout_s)

        return _Events(self._scope, self._call(begin), timeout_s)

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        """Send server-side apply."""
        return self._call(lambda cluster: cluster.apply(payload, is_dry_run=is_dry_run, is_forced=is_forced))

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """POST an object."""
        return self._call(lambda cluster: cluster.create(payload, is_dry_run=is_dry_run))

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """PUT an object, or its subresource."""
        return self._call(lambda cluster: cluster.replace(payload, is_dry_run=is_dry_run))

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
        is_dry_run: bool = False,
    ) -> bool:
        """Delete one object; False where it is gone already."""

        def send(cluster: ClusterClient) -> bool:
            return cluster.delete(
                ref, uid=uid, resource_version=resource_version, propagation=propagation, is_dry_run=is_dry_run
            )

        return self._call(send)

    def guarded(self, held: HeldLock) -> Self:
        """Return this cluster for a run that holds a lock."""
        return type(self)(self._scope, self._cluster.guarded(held))

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        """Yield log lines of a pod without their line ends."""
        lines = self._call(lambda cluster: cluster.logs(pod, query))
        while True:
            with self._scope.calling():
                line = next(lines, None)
            if line is None:
                return
            yield line

    def _call(self, send: Callable[[ClusterClient], Result]) -> Result:
        with self._scope.calling():
            return send(self._cluster)


class _Events:
    """The events of a watch; waiting for each of them is a call that may take as long as the watch."""

    def __init__(self, scope: Scope, events: EventStream, timeout_s: float) -> None:
        self._scope, self._events, self._timeout_s = scope, events, timeout_s

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchEvent:
        with self._scope.calling(waits_s=self._timeout_s):
            return next(self._events)

    def close(self) -> None:
        """End the watch."""
        self._events.close()


if TYPE_CHECKING:

    def _fits_the_port(cluster: OwnObjects) -> ClusterClient:
        """Let mypy compare every signature with the port's."""
        return cluster
