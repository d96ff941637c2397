"""One writer per release: a Lease with a heartbeat. Layer: adapter.

Whether a holder lives is never read off the times in its Lease, because clocks of machines differ: a Lease counts as
dead when we watched it unchanged for its own duration by our monotonic clock, or when its holder was a process of this
machine and that process is gone. Those times only decide whether watching is worth while.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bundler.concurrency import in_thread
from bundler.errors import BundlerError
from bundler.errors.change import LockLostError
from bundler.errors.cluster import AlreadyExistsError, ConflictError, ForbiddenError, ObjectNotFoundError
from bundler.model.cluster import is_deleting
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.storage.holder import is_alive_here, is_gone_here, is_process_gone
from bundler.storage.lease import (
    Claim,
    freed,
    lease_payload,
    lease_ref,
    locked_error,
    payload_of,
    read_lease,
    renewed,
    taken_over,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.model.json import Body
    from bundler.model.lock import Holder, LockState
    from bundler.ports import Clock, ClusterClient, HeldLock

DEFAULT_DURATION_S = 30.0
MAX_POLL_S = 1.0
BREAK_ATTEMPTS = 5
CERTAIN_SHARE = 0.9
"""Of a lease: how long after its last heartbeat a write may still continue. Clocks do not run equally fast."""


class LeaseLock:
    """A ReleaseLock on Leases; needs only get, create, update and delete on them."""

    def __init__(
        self,
        cluster: ClusterClient,
        clock: Clock,
        holder: Holder,
        *,
        duration_s: float = DEFAULT_DURATION_S,
        is_gone: Callable[[int], bool] = is_process_gone,
        name: Callable[[str, str], ObjectRef] = lease_ref,
    ) -> None:
        self._cluster, self._name = cluster, name
        self._clock = clock
        self._holder = holder
        self._duration_s = duration_s
        self._is_gone = is_gone

    @contextmanager
    def hold(self, namespace: str, release: str, *, doing: str, timeout_s: float) -> Iterator[HeldLock]:
        """Take the lock, beat its heart until the block ends, release it.

        A holder that looks dead is watched until that is certain, even beyond ``timeout_s``.

        Raises:
            ReleaseLockedError: when a live run holds it after ``timeout_s``.
            ClusterError
        """
        ref = self._name(namespace, release)
        token = os.urandom(8).hex()
        claim = Claim(release=release, holder=self._holder, doing=doing, duration_s=self._duration_s, token=token)
        body, asked_s = self._take(ref, claim, timeout_s)
        held = HeldLease(self._cluster, self._clock, ref=ref, body=body, duration_s=self._duration_s)
        held.start(asked_s)
        try:
            yield held
        finally:
            held.release()

    def state(self, namespace: str, release: str) -> LockState | None:
        """Return who holds the lock; see bundler.ports.ReleaseLock."""
        state = read_lock(self._cluster, namespace, release)
        return replace(state, is_alive_here=is_alive_here(state.holder)) if state else None

    def break_(self, state: LockState) -> bool:
        """Take the lock away from its holder; see bundler.ports.ReleaseLock."""
        return break_lock(self._cluster, state)

    def _take(self, ref: ObjectRef, claim: Claim, timeout_s: float) -> tuple[Body, float]:
        """Return the Lease, and when the write that made it ours was sent."""
        watch, asked_s = _Watch(self._clock), self._clock.monotonic()
        poll_s = min(MAX_POLL_S, self._duration_s / 10)
        while True:
            found = self._cluster.get(ref, version="v1")
            state = read_lease(found, claim.release) if found is not None else None
            if found is not None and state and state.token == claim.token:
                return found, asked_s  # an earlier attempt got through, and only its answer was lost
            if state is None or state.is_free or self._is_dead(state, watch):
                asked_s = self._clock.monotonic()
                body = self._try_to_take(state, ref, claim)
                if body is not None:
                    return body, asked_s
                continue
            if watch.waited_s() >= timeout_s and not self._may_be_dead(state, watch):
                raise locked_error(state, now=self._clock.now())
            self._clock.sleep(poll_s)

    def _is_dead(self, state: LockState, watch: _Watch) -> bool:
        unchanged_s = watch.unchanged_s(state.resource_version)
        return unchanged_s >= state.duration_s or is_gone_here(state.holder, self._holder, self._is_gone)

    def _may_be_dead(self, state: LockState, watch: _Watch) -> bool:
        """Return whether a Lease looks expired and did not move while we looked."""
        if watch.has_moved or state.last_heartbeat is None:
            return not watch.has_moved
        return (self._clock.now() - state.last_heartbeat).total_seconds() > state.duration_s

    def _try_to_take(self, state: LockState | None, ref: ObjectRef, claim: Claim) -> Body | None:
        """Create or take over the Lease; None where someone was faster."""
        payload = lease_payload(claim, state, ref=ref, now=self._clock.now())
        try:
            return (self._cluster.replace(payload) if state else self._cluster.create(payload)).body
        except AlreadyExistsError:
            return None
        except (ConflictError, ObjectNotFoundError):
            if state is None:
                raise
            return None


class _Watch:
    """Remembers how long a Lease did not move, by our own clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_s = clock.monotonic()
        self._version = ""
        self._since_s = self._started_s
        self.has_moved = False

    def waited_s(self) -> float:
        """Return how long we wait already."""
        return self._clock.monotonic() - self._started_s

    def unchanged_s(self, version: str) -> float:
        """Take one look and return how long it is unchanged."""
        if version != self._version:
            self.has_moved = bool(self._version)
            self._version, self._since_s = version, self._clock.monotonic()
        return self._clock.monotonic() - self._since_s


class _Soon:
    """Lets a write take so long and no longer; the write of a heartbeat cannot wait for the heartbeat."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._end_s = clock, clock.monotonic() + seconds

    def held(self) -> None:
        """Return while there is time.

        Raises:
            LockLostError: when the time is over.
        """
        if self.rest_s() <= 0:
            raise LockLostError("writing a heartbeat", context=["no answer in time"], hint="check the network")

    def rest_s(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._end_s - self._clock.monotonic())

    def confirm(self) -> None:
        """Return as ``held``."""
        self.held()


class HeldLease:
    """A Lease of ours, with its heartbeat."""

    def __init__(self, cluster: ClusterClient, clock: Clock, *, ref: ObjectRef, body: Body, duration_s: float) -> None:
        self._cluster = cluster
        self._clock = clock
        self._ref = ref
        self._body = body
        self._duration_s = duration_s
        self._renewed_s = clock.monotonic()
        self._lost, self._is_place_gone = "", False
        self._mutex = threading.Lock()
        self._ended = threading.Event()
        self._thread = in_thread(self._beat, name=f"heartbeat of {ref.name}")

    def start(self, taken_s: float) -> None:
        """Begin to beat. The Lease is as old as the request that took it: others may have seen it since then."""
        self._renewed_s = taken_s
        self._thread.start()

    def held(self) -> None:
        """Return while the lock is ours. A heartbeat that is late is made up for: if that works, it was ours all along.

        Raises:
            LockLostError: when it was taken over or a heartbeat is overdue.
        """
        if not self._lost and self._age_s() > self._duration_s / 2:
            self._renew()
        if not self._lost and self._age_s() > self._duration_s * 2 / 3:
            self._lost = (
                f"no heartbeat could be written for {self._age_s():.0f} s, so that another run may hold it by now"
            )
        if self._lost:
            release, namespace = self._ref.name.removeprefix("bundler."), self._ref.namespace
            history = f"check `bundler history {release} -n {namespace}` for what another run did meanwhile, "
            raise LockLostError(
                f"holding the lock of {release} in namespace {namespace}",
                context=[self._lost],
                hint="wait until the namespace is deleted, then install the release again"
                if self._is_place_gone
                else f"{history}before you change the release again",
            )

    def rest_s(self) -> float:
        """Return how long the lock is certainly ours if no further heartbeat is written; 0 once it is lost."""
        return 0.0 if self._lost else max(0.0, self._duration_s * CERTAIN_SHARE - self._age_s())

    def confirm(self) -> None:
        """Write a heartbeat now, so that a lock that was broken since the last one is noticed, and return as ``held``.

        Raises:
            LockLostError: as ``held``.
        """
        if not self._lost:
            self._renew()
        self.held()

    def release(self) -> None:
        """Stop beating and let go; a Lease that cannot be let go of expires."""
        self._ended.set()
        if not self._mutex.acquire(timeout=self._duration_s / 3):
            return
        try:
            if not self._lost:
                self._let_go()
        finally:
            self._mutex.release()

    def _age_s(self) -> float:
        return self._clock.monotonic() - self._renewed_s

    def _beat(self) -> None:
        # The wait is in real time: a clock of tests that jumps must not make this thread spin.
        while not self._ended.wait(self._duration_s / 3):
            self._renew()

    def _renew(self) -> None:
        """Write a heartbeat; failures count only once they last too long."""
        if not self._mutex.acquire(timeout=self._duration_s / 3):
            return
        try:
            if not self._ended.is_set() and not self._lost:
                self._try_to_renew()
        except BundlerError:
            return
        finally:
            self._mutex.release()

    def _try_to_renew(self) -> None:
        try:
            self._renew_as_read()
        except (ConflictError, ObjectNotFoundError):
            # Someone else holds it now, or only touched it.
            if self._is_still_ours():
                self._renew_as_read()

    def _renew_as_read(self) -> None:
        asked_s = self._clock.monotonic()
        self._body = self._in_time().replace(payload_of(renewed(self._body, self._clock.now()), self._ref)).body
        self._renewed_s = asked_s

    def _in_time(self) -> ClusterClient:
        """Return the cluster for a write that is no use when it is late."""
        return self._cluster.guarded(_Soon(self._clock, self._duration_s / 3))

    def _is_still_ours(self) -> bool:
        """Read the Lease again and return whether it is our claim; remember why where it is not."""
        found = self._cluster.get(self._ref, version="v1")
        theirs = read_lease(found, "") if found is not None else None
        if found is not None and theirs is not None and theirs.token == read_lease(self._body, "").token:
            self._body = found
            return True
        self._lost = self._why_gone() if theirs is None or theirs.is_free else taken_over(theirs)
        return False

    def _why_gone(self) -> str:
        namespace = ObjectRef("", "Namespace", "", self._ref.namespace)
        try:
            found = self._cluster.get(namespace, version="v1", metadata_only=True)
        except BundlerError:
            found = {}  # a user who may not read namespaces learns less
        if found is None or is_deleting(found):
            self._is_place_gone = True
            return f"namespace {namespace.name} is being deleted, and the lock with it"
        return (
            "its Lease is gone: another run took it over and has ended since, or `bundler unlock` or someone with "
            "write access removed it; no other run holds it now"
        )

    def _let_go(self) -> None:
        try:
            self._delete()
        except ForbiddenError:
            self._free()
        except BundlerError:
            return

    def _delete(self) -> None:
        try:
            self._delete_as_read()
        except ConflictError:
            if self._is_still_ours():
                self._delete_as_read()

    def _delete_as_read(self) -> None:
        state = read_lease(self._body, "")
        self._in_time().delete(self._ref, uid=state.uid, resource_version=state.resource_version)

    def _free(self) -> None:
        try:
            self._in_time().replace(payload_of(freed(self._body), self._ref))
        except BundlerError:
            return


def read_lock(cluster: ClusterClient, namespace: str, release: str) -> LockState | None:
    """Return who holds a release's lock; None where it is free.

    Args:
        cluster: the API to ask.
        namespace: of the release.
        release: its name.

    Raises:
        ClusterError
    """
    body = cluster.get(lease_ref(namespace, release), version="v1")
    state = read_lease(body, release) if body is not None else None
    return None if state is None or state.is_free else state


def break_lock(cluster: ClusterClient, state: LockState) -> bool:
    """Take a lock away from its holder; False where it is gone already. Its holder notices by its next heartbeat.

    Raises:
        ConflictError: when another run took the lock since ``state`` was read.
        ClusterError
    """
    ref = lease_ref(state.namespace, state.release)
    for _ in range(BREAK_ATTEMPTS):
        body = cluster.get(ref, version="v1")
        if body is None:
            return False
        now = read_lease(body, state.release)
        if now.token != state.token:
            break
        try:
            return cluster.delete(ref, uid=now.uid, resource_version=now.resource_version)
        except ConflictError:
            continue  # a heartbeat came between
    raise ConflictError(
        f"unlocking release {state.release} in namespace {state.namespace}",
        context=[f"the lock of {state.holder.identity} was taken over, or moves all the time"],
        hint=f"check who holds it now: bundler unlock {state.release} -n {state.namespace}",
    )
