"""Look at what is waited for: when a watch says that something moved, and every few seconds anyway. Layer: actions.

A watch is a doorbell: its events wake the run that waits, which then lists. Nothing is concluded from an event.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.live_state import by_ref, find_unlabelled
from bundler.concurrency import in_thread, map_parallel
from bundler.errors import BundlerError
from bundler.errors.cluster import ApiUnavailableError, ExpiredError, ForbiddenError, UnavailableError, UnknownKindError
from bundler.model.cluster import Listing, ListQuery
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import replace

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bundler.actions.change.run_control import Guard
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.ports import EventStream, Ports

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 0.5
"""Between two looks while things move, or where no one rings."""
_SAFETY_S = 2.0
"""Between two looks while nothing is heard: readiness depends on time too, and on pods, which no one watches."""
_TICK_S = 0.05
_LOOKS_UNHEARD = 2
"""Most waits are over by their second look; a connection for each kind would cost more than it saves."""
_PARTING_S = 1.0


class _Shelf:
    """The objects of one kind in one namespace: as last seen, and the bell at its door."""

    def __init__(self, query: ListQuery, rung: threading.Event) -> None:
        self.query, self._rung = query, rung
        self.bodies: Mapping[ObjectRef, Body] = {}
        self.version = ""
        self.looked_s: float | None = None
        self.stream: EventStream | None = None
        self.is_deaf = False
        """Watching was refused, or failed; it is not tried again."""
        self.has_news = False
        self.silence = ""
        """Why the kind could not be asked for at the last look; empty where it could."""

    def ring(self) -> None:
        self.has_news = True
        self._rung.set()

    def take(self, listing: Listing | str, *, now_s: float) -> None:
        """Remember what was found; a text says why nothing could be asked, and then nothing is known any more."""
        self.looked_s = now_s
        if isinstance(listing, str):
            self.bodies, self.version, self.silence = {}, "", listing
        else:
            self.bodies, self.version, self.silence = by_ref(listing.items), listing.resource_version, ""

    def is_due(self, now_s: float) -> bool:
        rests = self.stream is not None or self.silence
        return not rests or self.has_news or self.looked_s is None or now_s - self.looked_s >= _SAFETY_S


class Lookout:
    """Lists what is waited for, again and again; used by one thread, in a ``with`` block that ends its watches."""

    def __init__(
        self, ports: Ports, guard: Guard, *, uid: str, metadata_only: bool = False, bears_silence: bool = False
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            ports: the cluster and the clock.
            guard: says when the run must not continue, and bounds the watches of a run.
            uid: the release's; empty where what is waited for may carry another one.
            metadata_only: whether ``look`` returns bodies without spec and status.
            bears_silence: whether an API that does not answer is not an error: ``silence`` says it of its objects.
        """
        self._bears_silence = bears_silence
        self._ports, self._guard, self._uid, self._metadata_only = ports, guard, uid, metadata_only
        self._shelves: dict[tuple[str, str, str], _Shelf] = {}
        self._rung, self._threads = threading.Event(), list[threading.Thread]()
        self._looks, self._pause_s = 0, _FIRST_PAUSE_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for shelf in self._shelves.values():
            _hang_up(shelf)
        for thread in self._threads:
            thread.join(_PARTING_S)

    def look(self, refs: Iterable[ObjectRef]) -> Mapping[ObjectRef, Body]:
        """Return those of ``refs`` that are there: one list for each kind and namespace where something may have moved.

        Raises:
            ClusterError: when a list is refused.
        """
        wanted = frozenset(refs)
        shelves = self._shelves_of(wanted)
        now_s = self._ports.clock.monotonic()
        self._rung.clear()
        is_last = self._ports.remaining_s() <= 0  # what is said of a wait that failed must be so now
        due = [shelf for shelf in shelves if is_last or shelf.is_due(now_s)]
        if any(shelf.silence for shelf in due):
            self._ports.cluster.forget_discovery()  # it may answer again
        for shelf in due:
            shelf.has_news = False  # before the list: what moves from here on rings again
        for shelf, listing in zip(due, map_parallel(self._list, [shelf.query for shelf in due]), strict=True):
            shelf.take(listing, now_s=now_s)
        self._looks += 1
        if self._looks >= _LOOKS_UNHEARD and self._ports.cluster.is_worth_watching:
            for shelf in shelves:
                self._listen(shelf)
        return {ref: body for shelf in shelves for ref, body in shelf.bodies.items() if ref in wanted}

    def silence(self, ref: ObjectRef) -> str:
        """Return why an object could not be asked for at the last look; empty where it could."""
        shelf = self._shelves.get((ref.group, ref.kind, ref.namespace))
        return shelf.silence if shelf else ""

    def rest(self) -> None:
        """Return when it is time to look again.

        Raises:
            InterruptedRunError, LockLostError: when the run must not continue.
        """
        clock = self._ports.clock
        began_s = clock.monotonic()
        clock.sleep(min(self._pause_s, max(self._ports.remaining_s(), 0.01)))
        self._pause_s = min(self._pause_s * 1.5, _LONGEST_PAUSE_S)
        while self._is_silent() and (rested_s := clock.monotonic() - began_s) < _SAFETY_S:
            if rested_s >= _LONGEST_PAUSE_S:
                self._pause_s = _FIRST_PAUSE_S  # what moves after a silence may be all that is waited for
            self._guard.check()
            clock.sleep(_TICK_S)

    def _is_silent(self) -> bool:
        """Return whether everything is listened to, nothing was heard, and there is time left."""
        is_silent = not self._rung.is_set() and all(shelf.stream for shelf in self._shelves.values())
        return is_silent and self._ports.remaining_s() > 0

    def _shelves_of(self, refs: frozenset[ObjectRef]) -> Sequence[_Shelf]:
        """Return the shelves of these objects, and leave those on which nothing is waited for any more."""
        keys = {(ref.group, ref.kind, ref.namespace) for ref in refs}
        for key in self._shelves.keys() - keys:
            _hang_up(self._shelves.pop(key))
        for group, kind, namespace in keys - self._shelves.keys():
            query = _query(group, kind, namespace, uid=self._uid, metadata_only=self._metadata_only)
            self._shelves[group, kind, namespace] = _Shelf(query, self._rung)
        return [self._shelves[key] for key in sorted(keys)]

    def _list(self, query: ListQuery) -> Listing | str:
        try:
            return _listed(query, self._ports)
        except ApiUnavailableError as error:
            if self._bears_silence:
                return "; ".join(error.context)
            raise

    def _listen(self, shelf: _Shelf) -> None:
        """Open a watch from the last list on, unless one is open; where that fails, lists continue as they did."""
        if (
            shelf.stream is not None
            or shelf.is_deaf
            or not shelf.version
            or not self._guard.watches.acquire(blocking=False)
        ):
            return
        try:
            shelf.stream = self._ports.cluster.watch(
                replace(shelf.query, metadata_only=True),
                resource_version=shelf.version,
                timeout_s=self._ports.remaining_s(),
            )
        except BundlerError as error:
            self._guard.watches.release()
            self._go_deaf(shelf, error)
            return
        thread = in_thread(self._hear, shelf, shelf.stream, name="bundler-watch")
        self._threads.append(thread)
        thread.start()

    def _hear(self, shelf: _Shelf, stream: EventStream) -> None:
        try:
            for event in stream:
                if event.type != "BOOKMARK":
                    shelf.ring()
        except (ExpiredError, UnavailableError):
            pass  # the next look lists, and listens from there
        except BundlerError as error:
            self._go_deaf(shelf, error)
        finally:
            shelf.stream = None
            self._guard.watches.release()
            shelf.ring()

    def _go_deaf(self, shelf: _Shelf, error: BundlerError) -> None:
        shelf.is_deaf = True
        if isinstance(error, ForbiddenError):
            why = "; ".join(error.context)
            self._guard.say_once("watching", f"watching is not allowed: {why}; waiting lists twice a second instead")


def list_live(refs: Iterable[ObjectRef], ports: Ports, *, uid: str) -> Mapping[ObjectRef, Body]:
    """Return the live objects of a release among ``refs``: one list per kind and namespace, by the release's uid.

    What no list shows is looked up by name: someone may have taken its label off.

    Args:
        refs: objects to look for.
        ports: the cluster, records, clock and reporter of the run.
        uid: of the release.
    """
    wanted = frozenset(refs)
    shelves = sorted({(ref.group, ref.kind, ref.namespace) for ref in wanted})
    queries = [_query(*shelf, uid=uid, metadata_only=False) for shelf in shelves]
    found = by_ref(body for listing in map_parallel(lambda one: _listed(one, ports), queries) for body in listing.items)
    unseen = [ref for ref in wanted if ref not in found]
    return {ref: body for ref, body in found.items() if ref in wanted} | find_unlabelled(
        unseen, ports.cluster, with_shared=True
    )


def list_what_answers(
    refs: Iterable[ObjectRef], ports: Ports, *, uid: str
) -> tuple[Mapping[ObjectRef, Body], Mapping[ObjectRef, str]]:
    """Return the live objects, and why others cannot be asked for: an API group that is down hides no other one.

    Args:
        refs: objects to look for.
        ports: the cluster, records, clock and reporter of the run.
        uid: of the release.
    """
    wanted = frozenset(refs)
    try:
        return list_live(wanted, ports, uid=uid), {}
    except ApiUnavailableError:
        pass
    live: dict[ObjectRef, Body] = {}
    silent: dict[ObjectRef, str] = {}
    for group in {ref.group for ref in wanted}:
        mine = [ref for ref in wanted if ref.group == group]
        try:
            live |= list_live(mine, ports, uid=uid)
        except ApiUnavailableError as error:
            silent |= dict.fromkeys(mine, "; ".join(error.context))
    return live, silent


def _query(group: str, kind: str, namespace: str, *, uid: str, metadata_only: bool) -> ListQuery:
    selector = f"{RELEASE_UID}={uid}" if uid else ""
    return ListQuery(group=group, kind=kind, namespace=namespace, label_selector=selector, metadata_only=metadata_only)


def _listed(query: ListQuery, ports: Ports) -> Listing:
    try:
        return ports.cluster.list(query)
    except UnknownKindError:
        return Listing(items=(), resource_version="")


def _hang_up(shelf: _Shelf) -> None:
    stream = shelf.stream
    if stream is not None:
        stream.close()
