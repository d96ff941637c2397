"""The embedded cluster behind the ClusterClient port. Layer: sandbox; reads and writes its store.

Controllers run inside the calls that read: what they would have done since the last look is done then.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from bundler.errors.cluster import SandboxStoreError
from bundler.model.cluster import Answer, ClusterIdentity, Listing, WatchEvent
from bundler.model.json import text_at
from bundler.model.refs import ObjectRef, group_of
from bundler.sandbox import refusals, writes
from bundler.sandbox.controllers.engine import catch_up, is_due
from bundler.sandbox.controllers.world import rfc3339
from bundler.sandbox.deletion import find_deletable, start_deletion
from bundler.sandbox.discovery import all_types, deprecation_of, find_type
from bundler.sandbox.logs import log_lines, missing_pod
from bundler.sandbox.queries import Filter, metadata_of, read_filter
from bundler.sandbox.seed import seed_store
from bundler.sandbox.settings import KUBERNETES_VERSION, SandboxSettings
from bundler.sandbox.store import Store
from bundler.sandbox.store_file import SIDES, closing_on_error
from bundler.sandbox.tampering import Tampering

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from bundler.model.cluster import ListQuery, LogQuery, Payload
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType
    from bundler.ports import Clock, Propagation
from bundler.sandbox.store import LogEntry, Transaction, Tree

CONTEXT = "sandbox"
SERVER = "embedded"
USER = "sandbox"


class SandboxClient(Tampering):
    """A Kubernetes API of our own; see bundler.ports.ClusterClient for what each verb does and raises."""

    def __init__(self, store: Store, clock: Clock, settings: SandboxSettings, *, acts_as: str = "") -> None:
        super().__init__(store, clock)
        self._settings, self._acts_as = settings, acts_as

    @classmethod
    def open(
        cls, path: Path | None, clock: Clock, *, settings: SandboxSettings | None = None, acts_as: str = ""
    ) -> SandboxClient:
        """Open a sandbox kept in a file, made where there is none; without a path it lives in memory.

        Args:
            path: None keeps it in memory.
            clock: tells the time and waits.
            settings: speed and limits of the sandbox.
            acts_as: the user that it says we are, beside who we are; everyone may do everything here.

        Raises:
            SandboxStoreError: when the file cannot be read or written.
        """
        settings = settings or SandboxSettings()
        client = cls(Store(path, log_length=settings.log_length), clock, settings, acts_as=acts_as)
        with closing_on_error(client):
            client.furnish()
        return client

    @classmethod
    def start_over(cls, path: Path, clock: Clock) -> None:
        """Forget everything in a file; one that cannot be read is replaced.

        Raises:
            SandboxStoreError: when the file cannot be written or removed.
        """
        try:
            client = cls.open(path, clock)
        except SandboxStoreError:
            _discard(path)
            client = cls.open(path, clock)
        with closing(client):
            client.reset()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def furnish(self) -> None:
        """Make what every cluster has from its start, where it does not exist yet."""
        with self._store.snapshot() as tx:
            is_seeded = bool(tx.meta("seeded"))
        if not is_seeded:
            with self._store.transaction() as tx:
                seed_store(tx, rfc3339(self._now_s()))

    def identity(self) -> ClusterIdentity:
        """Return which sandbox this is."""
        with self._store.snapshot() as tx:
            system = tx.get(ObjectRef("", "Namespace", "", "kube-system"))
        uid = system["metadata"]["uid"] if system else ""
        return ClusterIdentity(
            context=CONTEXT,
            server=SERVER,
            uid=uid,
            user=self._acts_as or USER,
            acted_by=USER if self._acts_as else "",
            version=KUBERNETES_VERSION,
            namespace="default",
        )

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """Return how a kind is served; None where it is not."""
        self._advance()
        with self._store.snapshot() as tx:
            return find_type(tx, group, kind, version)

    def resource_types(self) -> Sequence[ResourceType]:
        """Return everything that is served."""
        self._advance()
        with self._store.snapshot() as tx:
            return all_types(tx)

    def unavailable_apis(self) -> Sequence[str]:
        """Return nothing: the sandbox serves everything itself."""
        return ()

    def forget_discovery(self) -> None:
        """Do nothing: the sandbox always looks at the definitions that are stored."""

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return one object, None where it (or its kind) is absent."""
        self._advance()
        with self._store.snapshot() as tx:
            served = find_type(tx, ref.group, ref.kind, version)
            body = None if served is None else tx.get(ref)
        if body is None or served is None:
            return None
        return metadata_of(body, served) if metadata_only else _served_as(body, served)

    def list(self, query: ListQuery) -> Listing:
        """Return the objects of a kind that match."""
        self._advance()
        with self._store.snapshot() as tx:
            served = _require(tx, "listing", query)
            wanted = read_filter(query)
            is_selective = bool(query.label_selector or query.field_selector)
            chosen = wanted.matches if is_selective else None
            found = tx.select(query.group, query.kind, query.namespace, chosen)
            version = str(tx.version)
        return Listing(items=tuple(_shown(one, served, query) for one in found), resource_version=version)

    @property
    def is_worth_watching(self) -> bool:
        """False: the controllers run when someone looks, so that looking is quicker than waiting to be told."""
        return False

    @property
    def has_operators(self) -> bool:
        """False: no program of a pod runs here, and the controllers know the kinds of Kubernetes alone."""
        return False

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> Generator[WatchEvent, None, None]:
        """Yield what changes after ``resource_version`` until the time is over, a bookmark last."""
        wanted = read_filter(query)
        end_s = self._clock.monotonic() + timeout_s
        version = int(resource_version or 0)
        while True:
            self._advance()
            with self._store.snapshot() as tx:
                served = _require(tx, "watching", query)
                entries = _entries(tx, query, version)
                version = max(version, tx.version)
            yield from _events(entries, wanted, served, query)
            left_s = end_s - self._clock.monotonic()
            if left_s <= 0:
                yield _bookmark(served, version)
                return
            self._clock.sleep(min(self._settings.poll_s, left_s))

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        """Server-side apply as the payload's field manager."""
        with self._writing(is_dry_run=is_dry_run) as tx:
            write = self._begin(tx, "applying", payload)
            body, is_created = writes.apply(tx, write, payload.content, is_forced=is_forced)
            answer = _answered(tx, payload.ref, body, is_dry_run=is_dry_run)
            warnings = _warnings(tx, payload)
        return Answer(body=answer, is_created=is_created, warnings=warnings)

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """POST an object."""
        with self._writing(is_dry_run=is_dry_run) as tx:
            body = writes.create(tx, self._begin(tx, "creating", payload), payload.content)
            answer = _answered(tx, payload.ref, body, is_dry_run=is_dry_run)
            warnings = _warnings(tx, payload)
        return Answer(body=answer, is_created=True, warnings=warnings)

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """PUT an object."""
        with self._writing(is_dry_run=is_dry_run) as tx:
            write = self._begin(tx, "replacing", payload)
            body = writes.replace(tx, write, payload.content, subresource=payload.subresource)
            warnings = _warnings(tx, payload)
        return Answer(body=body, is_created=False, warnings=warnings)

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
        with self._writing(is_dry_run=is_dry_run) as tx:
            served = find_type(tx, ref.group, ref.kind)
            if served is None:
                return False
            live = find_deletable(tx, served, ref, uid=uid, resource_version=resource_version)
            if live is None:
                return False
            start_deletion(tx, ref, live, propagation=propagation, time=rfc3339(self._now_s()))
        return True

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        """Yield the lines of a container; following ends when it does."""
        shown = 0
        while True:
            body = self.get(pod)
            if body is None and shown == 0:
                raise missing_pod(pod)
            if body is None:
                return
            lines = log_lines(body, pod, query)
            yield from lines[shown:]
            shown = len(lines)
            if not query.is_following or _has_ended(body):
                return
            self._clock.sleep(self._settings.poll_s)

    def _advance(self) -> None:
        """Let the controllers do what is due."""
        now_s = self._now_s()
        with self._store.snapshot() as tx:
            if not is_due(tx, now_s):
                return
        with self._store.transaction() as tx:
            catch_up(tx, now_s=now_s, settings=self._settings)

    def _begin(self, tx: Transaction, verb: str, payload: Payload) -> writes.Write:
        version = payload.api_version.rpartition("/")[2]
        ref = payload.ref
        if group_of(payload.api_version) != ref.group:
            raise refusals.unknown_kind(verb, ref, version)
        return writes.begin(tx, verb, ref, version, manager=payload.manager, time=rfc3339(self._now_s()))


def _warnings(tx: Transaction, payload: Payload) -> tuple[str, ...]:
    return deprecation_of(tx, payload.ref.group, payload.ref.kind, payload.api_version.rpartition("/")[2])


def _require(tx: Transaction, verb: str, query: ListQuery) -> ResourceType:
    served = find_type(tx, query.group, query.kind, query.version)
    if served is None:
        raise refusals.unknown_kind(verb, ObjectRef(query.group, query.kind, query.namespace, ""), query.version)
    return served


def _answered(tx: Transaction, ref: ObjectRef, body: Tree, *, is_dry_run: bool) -> Body:
    """Return a body as the answer shows it: a dry-run has no version of its own."""
    answer = writes.thawed(body)
    if is_dry_run and int(answer["metadata"].get("resourceVersion", 0)) > tx.first_version:
        del answer["metadata"]["resourceVersion"]
        before = tx.kept_version(ref)
        if before:
            answer["metadata"]["resourceVersion"] = before
    return answer


def _entries(tx: Transaction, query: ListQuery, version: int) -> Sequence[LogEntry]:
    if version == tx.version:
        return ()
    if version < tx.oldest_logged():
        raise refusals.expired(str(version), tx.oldest_logged())
    return tx.log_since(version, query.group, query.kind)


def _events(
    entries: Sequence[LogEntry], wanted: Filter, served: ResourceType, query: ListQuery
) -> Iterator[WatchEvent]:
    for entry in entries:
        change = wanted.change(entry)
        if change:
            yield WatchEvent(type=change, body=_shown(entry.body, served, query))


def _bookmark(served: ResourceType, version: int) -> WatchEvent:
    metadata = {"resourceVersion": str(version)}
    return WatchEvent(
        type="BOOKMARK", body={"apiVersion": served.api_version, "kind": served.kind, "metadata": metadata}
    )


def _shown(body: Tree, served: ResourceType, query: ListQuery) -> Body:
    return metadata_of(body, served) if query.metadata_only else _served_as(body, served)


def _served_as(body: Tree, served: ResourceType) -> Body:
    return body if body.get("apiVersion") == served.api_version else {**body, "apiVersion": served.api_version}


def _has_ended(pod: Body) -> bool:
    return text_at(pod, "status", "phase") in ("Succeeded", "Failed", "Pending")


def _discard(path: Path) -> None:
    """Take a file away that cannot be used, and what SQLite keeps beside it.

    Raises:
        SandboxStoreError: when that is not allowed.
    """
    try:
        for end in SIDES:
            path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError as error:
        raise SandboxStoreError(
            "replacing the sandbox",
            context=[f"{path}: {error.strerror}"],
            hint="remove it by hand, or name another folder with BUNDLER_STATE_DIR",
        ) from error
