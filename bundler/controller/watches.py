"""What wakes the controller: watches where the cluster reports changes, else lists. Layer: controller.

Nothing depends on them: each order is looked at in its interval anyway. What may not be watched is noted, and tried
again later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from bundler import ClusterClient, ListQuery, ObjectRef
from bundler.concurrency import in_thread
from bundler.controller.bells import Bells, facts_of
from bundler.errors import BundlerError
from bundler.errors.cluster import ExpiredError, ForbiddenError, UnknownKindError
from bundler.model import labels
from bundler.model.json import Body, text_at
from bundler.model.lean import replace
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from bundler.controller.watch_health import WatchHealth
    from bundler.ports import EventStream

    OnMoved = Callable[[Body, bytes | None], None]
    OnFirst = Callable[[Collection[ObjectRef]], None]

ROUND_S: Final = 600.0
"""A watch ends after this time, and everything is listed again."""
SILENCE_S: Final = 120.0
"""A thread moves at least this often: a list has 30 s, and a watch is opened again within 35 s, or given up."""
POLL_S: Final = 2.0
"""Between two lists of a cluster that is not worth watching."""
AFTER_ERROR_S: Final = 5.0
REFUSED_S: Final = 60.0
"""Until it is tried again to watch what may not be watched, or is not served."""


class Stream:
    """The objects of one query, as they come and go."""

    def __init__(
        self,
        cluster: ClusterClient,
        query: ListQuery,
        on_moved: OnMoved,
        on_first: OnFirst | None = None,
        *,
        on_heard: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask nothing yet.

        Args:
            cluster: that is asked.
            query: for which objects.
            on_moved: takes each object that moved, and its facts as they were before; None: it is new, or gone.
            on_first: takes what the first list has, all at once, instead of ``on_moved``; None: that takes it.
            on_heard: is called when a watch is heard of, also where nothing moved.
        """
        self._cluster, self.query, self._on_moved, self._on_first = cluster, query, on_moved, on_first
        self._on_heard = on_heard
        self._round_s = ROUND_S
        self._known: dict[ObjectRef, tuple[str, bytes, Body]] = {}
        self._events: EventStream | None = None
        self._is_closed = False
        self.is_listed = False
        """Whether everything was listed, and may still be."""
        self.is_essential = on_first is not None
        """Nothing can be done without it: orders, whose kind may be defined only after the controller began."""

    def list(self) -> str:
        """List everything, say what moved since the last list, and return where a watch begins.

        Raises:
            ClusterError: when it cannot be listed.
        """
        try:
            listing = self._cluster.list(self.query)
        except (ForbiddenError, UnknownKindError):
            self.is_listed = False
            raise
        found = {ref_of(body): body for body in listing.items}
        for ref in [ref for ref in self._known if ref not in found]:
            self._leave(ref)
        first, self._on_first = self._on_first, None
        for body in found.values():
            self._arrive(body, is_told=first is None)
        if first is not None:
            first(found)
        self.is_listed = True
        return listing.resource_version

    def follow(self, resource_version: str) -> None:
        """Say what moves from then on, until the watch ends.

        Raises:
            ExpiredError: when everything has to be listed again.
            ClusterError: when it cannot be watched.
        """
        events = self._cluster.watch(self.query, resource_version=resource_version, timeout_s=self._round_s)
        self._events = events
        try:
            if self._is_closed:
                return
            for event in events:
                self._on_heard()
                if event.type == "DELETED":
                    self._leave(ref_of(event.body), event.body)
                elif event.type != "BOOKMARK":
                    self._arrive(event.body)
        finally:
            self._events = None
            events.close()

    def close(self) -> None:
        """End the watch that is under way, from any thread."""
        self._is_closed = True
        if self._events is not None and self._cluster.is_worth_watching:
            self._events.close()

    def _arrive(self, body: Body, *, is_told: bool = True) -> None:
        ref, version = ref_of(body), text_at(body, "metadata", "resourceVersion")
        before = self._known.get(ref)
        if before is not None and before[0] == version:
            return
        self._known[ref] = (version, facts_of(body), _marks(body))
        if is_told:
            self._on_moved(body, before[1] if before is not None else None)

    def _leave(self, ref: ObjectRef, body: Body | None = None) -> None:
        before = self._known.pop(ref, None)
        if before is not None or body is not None:
            self._on_moved(before[2] if before is not None else body or {}, None)


def _marks(body: Body) -> Body:
    """Return what is needed to say that an object is gone: its name and labels."""
    meta = body["metadata"]
    kept = {
        "name": text_at(meta, "name"),
        "namespace": text_at(meta, "namespace"),
        "labels": meta.get("labels", {}) if isinstance(meta, dict) else {},
    }
    return {"apiVersion": text_at(body, "apiVersion"), "kind": text_at(body, "kind"), "metadata": kept}


class Watches:
    """A thread for each query; begins more as orders hold more kinds."""

    def __init__(
        self,
        cluster: ClusterClient,
        bells: Bells,
        health: WatchHealth,
        *,
        namespaces: Collection[str] = (),
    ) -> None:
        """Watch nothing yet.

        Args:
            cluster: acts as the controller.
            bells: know whom what concerns.
            health: hears how watches are.
            namespaces: that may be watched; empty: all.
        """
        self._cluster, self._bells, self._namespaces = cluster, bells, tuple(namespaces) or ("",)
        self._health = health
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._streams: dict[ListQuery, tuple[Stream, threading.Thread]] = {}

    def watch(self, query: ListQuery, on_moved: OnMoved, on_first: OnFirst | None = None) -> Stream:
        """Begin to watch, unless it is watched already.

        Args:
            query: for which objects.
            on_moved: as for :class:`Stream`.
            on_first: as for :class:`Stream`.
        """
        with self._guard:
            if query not in self._streams:
                name = _thread_name(self._health.name, query)
                heard = partial(self._heard, query, name)
                stream = Stream(self._cluster, query, on_moved, on_first, on_heard=heard)
                thread = in_thread(self._run, stream, name, name=name)
                self._streams[query] = (stream, thread)
                self._health.began(query)
                thread.start()
            return self._streams[query][0]

    def tend(self) -> None:
        """Begin to watch what orders hold by now."""
        for query in sorted(set(self._wanted()), key=str):
            self.watch(query, self._bells.moved)

    def close(self) -> None:
        """End all watches, and wait for their threads."""
        self._stopping.set()
        with self._guard:
            streams = list(self._streams.values())
        for stream, _ in streams:
            stream.close()
        for _, thread in streams:
            thread.join(AFTER_ERROR_S)

    def _wanted(self) -> Iterator[ListQuery]:
        holdings = self._bells.holdings
        if holdings:
            heads = ListQuery(group="", kind="Secret", namespace="", label_selector=f"{labels.RECORD}=head")
            yield from self._placed(heads)
        for group, kind in {place for one in holdings for place in one.kinds}:
            yield from self._placed(ListQuery(group=group, kind=kind, namespace="", label_selector=labels.RELEASE_UID))
        for kind in {ref.kind for one in holdings for ref in one.references}:
            yield from self._placed(ListQuery(group="", kind=kind, namespace=""))

    def _placed(self, query: ListQuery) -> Iterator[ListQuery]:
        """Yield a query for each namespace that may be watched; one of a cluster-scoped kind has none."""
        query = replace(query, metadata_only=True)
        if self._namespaces == ("",):
            yield query
            return
        try:
            served = self._cluster.resource_type(query.group, query.kind)
        except BundlerError as error:
            self._health.failed(query, error)
            return
        if served is None or not served.is_namespaced:
            yield query
            return
        for namespace in self._namespaces:
            yield replace(query, namespace=namespace)

    def _run(self, stream: Stream, name: str) -> None:
        with self._health.pulse.thread(name):
            while not self._stopping.is_set():
                self._health.pulse.beat(name, within_s=SILENCE_S)
                pause_s = self._round(stream)
                self._health.pulse.beat(name, within_s=pause_s + SILENCE_S)
                self._stopping.wait(pause_s)
                if self._cluster.is_worth_watching and not self._stopping.is_set():
                    self._health.restarted(stream.query)

    def _heard(self, query: ListQuery, name: str) -> None:
        self._health.pulse.beat(name, within_s=SILENCE_S)
        self._health.works(query)

    def _round(self, stream: Stream) -> float:
        """List, and follow from there; return the seconds until the next round."""
        try:
            return self._listed_and_followed(stream)
        except ExpiredError:
            return 0.0
        except BundlerError as error:
            self._health.failed(stream.query, error, is_of_orders=stream.is_essential)
            is_refused = isinstance(error, ForbiddenError | UnknownKindError)
            if is_refused and not stream.is_essential:
                return REFUSED_S
            if is_refused:
                self._cluster.forget_discovery()
        except Exception as error:  # noqa: BLE001 - a mistake of ours about one object must not end the watch of a kind
            self._health.mistaken(stream.query, error)
        return AFTER_ERROR_S

    def _listed_and_followed(self, stream: Stream) -> float:
        position = stream.list()
        if self._cluster.is_worth_watching:
            stream.follow(position)
            return 0.0
        self._health.works(stream.query)
        return POLL_S


def _thread_name(whose: str, query: ListQuery) -> str:
    kind = f"{query.kind}.{query.group}" if query.group else query.kind
    place, of = f" in {query.namespace}" if query.namespace else "", f" of {query.label_selector}"
    return f"{whose}: watch {kind}{place}{of if query.label_selector else ''}"
