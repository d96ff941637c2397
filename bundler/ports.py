"""What actions need from the outside, as protocols. Layer: ports; no I/O of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Self

    from bundler.errors import BundlerError
    from bundler.model.bundle import ReadinessRule
    from bundler.model.cluster import Answer, ClusterIdentity, Listing, ListQuery, LogQuery, Payload, WatchEvent
    from bundler.model.digest import Digest
    from bundler.model.events import Event
    from bundler.model.health import Health
    from bundler.model.json import Body
    from bundler.model.lock import LockState
    from bundler.model.oci import BlobSource, Descriptor, OciManifest, Repository
    from bundler.model.redaction import Redactor
    from bundler.model.refs import ObjectRef, ResourceType
    from bundler.model.release import AuditEntry, Inventories, Protection, ReleaseStatus, Revision, RevisionSummary
    from bundler.model.rollout import Rollout
    from bundler.model.trust import Envelope, Evidence, TrustedKey

Result = TypeVar("Result")
Propagation = Literal["Background", "Foreground", "Orphan"]


class Clock(Protocol):
    """Time, told and spent."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, and that pass while the machine sleeps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Reporter(Protocol):
    """Takes the events of a run; called from several threads."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...


class EventStream(Protocol):
    """The events of a watch.

    Example:
        >>> from bundler import EventStream, ListQuery, Session
        >>> with Session.sandbox() as session:
        ...     query = ListQuery(group="", kind="Pod", namespace="default")
        ...     start = session.cluster.list(query).resource_version
        ...     events: EventStream = session.cluster.watch(query, resource_version=start, timeout_s=0.0)
        ...     [event.type for event in events]
        ['BOOKMARK']
    """

    def __iter__(self) -> Self:
        """Return itself."""
        ...

    def __next__(self) -> WatchEvent:
        """Return the next event when it comes.

        Raises:
            StopIteration: when the watch is over.
            ExpiredError: when the resourceVersion is too old; list again.
        """
        ...

    def close(self) -> None:
        """End the watch; where :attr:`ClusterClient.is_worth_watching`, also from another thread, while one waits."""
        ...


class ClusterClient(Protocol):
    """A Kubernetes API, real or embedded. Safe to call from several threads.

    Every method may raise: UnavailableError, UnauthorizedError, ForbiddenError, RejectedError (400, 422),
    UnknownKindError (a kind that is not served), ApiUnavailableError (an aggregated API that does not answer: what it
    holds is not known); the ones named below come on top.
    Passing failures (429, 5xx, resets) are retried inside until the command's time budget ends.

    Example:
        >>> from bundler import ClusterClient, ObjectRef, Session
        >>> def has_namespace(cluster: ClusterClient, name: str) -> bool:
        ...     return cluster.get(ObjectRef("", "Namespace", "", name), metadata_only=True) is not None
        >>> with Session.sandbox() as session:
        ...     (has_namespace(session.cluster, "default"), has_namespace(session.cluster, "prod"))
        (True, False)
    """

    def identity(self) -> ClusterIdentity:
        """Return which cluster this is and as whom we speak."""
        ...

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """Return how a kind is served; the preferred version where none is given; None where it is not served.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            version: of the API; empty for the preferred one.
        """
        ...

    def resource_types(self) -> Sequence[ResourceType]:
        """Return everything that is served."""
        ...

    def unavailable_apis(self) -> Sequence[str]:
        """Return ``group/version`` of the aggregated APIs that do not answer; their kinds may be missing above."""
        ...

    def forget_discovery(self) -> None:
        """Ask again what is served, after CRDs or APIServices changed."""
        ...

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return one object, None where it (or its kind) is absent.

        Args:
            ref: the object.
            version: of the API; empty for the preferred one.
            metadata_only: leave out everything but metadata.
        """
        ...

    def list(self, query: ListQuery) -> Listing:
        """Return all pages of a list; managedFields included.

        Raises:
            ForbiddenError: when the list is not allowed.
        """
        ...

    @property
    def is_worth_watching(self) -> bool:
        """Whether a watch hears of changes by itself; False for a cluster that moves only when it is checked."""
        ...

    @property
    def has_operators(self) -> bool:
        """Whether anyone but the server itself may act on objects; False where no custom object ever gets a status."""
        ...

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> EventStream:
        """Yield events after ``resource_version``, bookmarks included; end quietly after ``timeout_s``.

        It ends earlier, as quietly, where the server fell silent: list again.

        Args:
            query: which objects, and in which form.
            resource_version: to start after.
            timeout_s: seconds until the watch ends.

        Raises:
            ExpiredError: when the resourceVersion is too old; list again.
        """
        ...

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        """Send server-side apply as the payload's field manager with strict field validation.

        A ``metadata.uid`` in the payload is a precondition.

        Args:
            payload: the body to send, with its object.
            is_dry_run: check on the server and write nothing.
            is_forced: take over fields of other managers.

        Raises:
            ConflictError: with ``conflicts`` where other managers own fields; without, where the uid does not hold.
        """
        ...

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """POST an object with strict field validation.

        Raises:
            AlreadyExistsError: when the name is taken.
        """
        ...

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """PUT an object, or its subresource; a ``metadata.resourceVersion`` in the payload is a precondition.

        Args:
            payload: the whole object.
            is_dry_run: check on the server and write nothing.

        Raises:
            ConflictError: when the object moved.
            ObjectNotFoundError: when it is gone.
        """
        ...

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
        is_dry_run: bool = False,
    ) -> bool:
        """Delete one object with preconditions; False where it is gone already.

        Args:
            ref: the object.
            uid: precondition; empty for none.
            resource_version: precondition; empty for none.
            propagation: whether dependents go first, later or stay.
            is_dry_run: check on the server and write nothing.

        Raises:
            ConflictError: when uid or resourceVersion does not hold.
        """
        ...

    def guarded(self, held: HeldLock) -> Self:
        """Return this cluster for a run that holds a lock.

        Each try of a write, a repeated one too, begins only while the lock is certainly held and ends before it could
        be taken over; then the write raises LockLostError. Reads and dry-runs continue.
        """
        ...

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        """Yield log lines of a pod without their line ends.

        Raises:
            ObjectNotFoundError: when the pod is gone.
            RejectedError: when the container has no log yet.
        """
        ...


class ReleaseStore(Protocol):
    """Release records. Reading bounds and checks what it reads."""

    def summaries(
        self, *, namespace: str, release: str = "", on_unreadable: Callable[[BundlerError], None] | None = None
    ) -> tuple[RevisionSummary, ...]:
        """Return all revisions, oldest first, from metadata alone; ``namespace`` empty: all namespaces.

        Args:
            namespace: where; empty for everywhere.
            release: of one release alone; empty for all.
            on_unreadable: is called for a record that cannot be read, which is then left out instead of raised.

        Raises:
            RecordDamagedError, RecordTooNewError.
        """
        ...

    def trail(self, *, namespace: str, on_unreadable: Callable[[BundlerError], None]) -> tuple[AuditEntry, ...]:
        """Return who made each revision of each release, oldest first; one list of heads.

        Args:
            namespace: where; empty for everywhere.
            on_unreadable: takes the error of each record that cannot be read.
        """
        ...

    def inventories(
        self, namespace: str, release: str, *, on_unreadable: Callable[[BundlerError], None]
    ) -> Inventories:
        """Return what every revision owns, and check that all it names is there; no manifest is kept.

        Args:
            namespace: where.
            release: whose.
            on_unreadable: takes the RecordDamagedError, with its revision, of each one that cannot be read.

        Raises:
            RecordTooNewError.
        """
        ...

    def load(self, summary: RevisionSummary, *, with_sensitive: bool = False) -> Revision:
        """Return a revision complete; sensitive leaves are filled in only when asked for, else they are ``***``.

        Raises:
            ReleaseNotFoundError, RecordDamagedError, RecordTooNewError.
        """
        ...

    def secrets_of(self, summaries: Sequence[RevisionSummary]) -> frozenset[str]:
        """Return what the records of a release hide: the sensitive strings of every kept revision, read with one list.

        Args:
            summaries: all revisions of one release; nothing is read where there are none. What was read for the same
                ones is returned again.

        Raises:
            ForbiddenError: when they may not be read; what is damaged is left out.
        """
        ...

    def save(self, revision: Revision) -> Revision:
        """Record a new revision: packs and sensitive leaves first, the head last.

        Raises:
            RevisionExistsError: when someone else recorded that number.
            RecordTooLargeError, RejectedError (a quota, say): nothing of it is visible then.
        """
        ...

    def mark(
        self,
        summary: RevisionSummary,
        status: ReleaseStatus,
        *,
        description: str = "",
        evidence: str = "",
        finished_jobs: Collection[str] = (),
    ) -> RevisionSummary:
        """Change the status of a recorded revision; the head moves only from the version that was read.

        Args:
            summary: of the revision, as it was last read or marked.
            status: the new one.
            description: empty leaves the old one.
            evidence: why it failed; empty leaves the old one.
            finished_jobs: marks of Jobs that have finished, added to those recorded.

        Raises:
            ConflictError: when another run changed it.
            ReleaseNotFoundError: when it is gone.
        """
        ...

    def protect(self, summary: RevisionSummary, protection: Protection) -> RevisionSummary:
        """Say in a recorded revision whether its release is protected; the head moves only from what was read.

        Raises:
            ConflictError: when another run changed it.
            ReleaseNotFoundError: when it is gone.
        """
        ...

    def count_correction(self, summary: RevisionSummary) -> RevisionSummary:
        """Count in a recorded revision that drift from it was put back; the head moves only from what was read.

        Raises:
            ConflictError: when another run changed it.
            ReleaseNotFoundError: when it is gone.
        """
        ...

    def move(self, summary: RevisionSummary, rollout: Rollout | None) -> RevisionSummary:
        """Record how far a rollout has come; the head moves only from the version that was read.

        While one is open, a bundler that knows of none refuses to change the release. A status that is not pending,
        given by :meth:`mark`, ends it too.

        Args:
            summary: of the revision, as it was last read, marked or moved.
            rollout: where it is now; one without ``since`` is there from now on. None: it is over.

        Raises:
            ConflictError: when another run changed it: it was paused, say.
            ReleaseNotFoundError: when it is gone.
            RecordTooLargeError: when its steps and gates take too much room; never for one that was recorded before.
        """
        ...

    def read_rollout(self, summary: RevisionSummary) -> RevisionSummary:
        """Return a revision's summary as it is recorded now: one read of one head, metadata alone.

        Raises:
            ReleaseNotFoundError: when it is gone.
            RecordDamagedError, RecordTooNewError.
        """
        ...

    def prune(self, namespace: str, release: str, *, history_max: int) -> None:
        """Drop the oldest revisions beyond ``history_max`` and packs that no one names.

        The newest deployed revision and the newest of all stay, whatever the number.

        Args:
            namespace: of the release.
            release: its name.
            history_max: revisions to keep; 0 for no limit.
        """
        ...

    def erase(self, namespace: str, release: str) -> None:
        """Drop every record of a release."""
        ...

    def through(self, cluster: ClusterClient) -> Self:
        """Return this store, reading and writing through another client of the same cluster."""
        ...

    def places_of(self, release: str) -> tuple[str, ...]:
        """Return the namespaces that hold a release of this name, as far as we may look; sorted."""
        ...

    def has_remains(self, namespace: str, release: str) -> bool:
        """Return whether anything is recorded of a release, be it what a run that died while erasing left."""
        ...


class HeldLock(Protocol):
    """A lock that we hold."""

    def held(self) -> None:
        """Return while the lock is ours.

        Raises:
            LockLostError: when it was taken over or a heartbeat is overdue.
        """
        ...

    def rest_s(self) -> float:
        """Return how long the lock is certainly ours if no further heartbeat is written; 0 once it is lost."""
        ...

    def confirm(self) -> None:
        """Ask the cluster now whether the lock is ours: before what cannot be taken back.

        Raises:
            LockLostError: as :meth:`held`.
        """
        ...


class ReleaseLock(Protocol):
    """One writer per release."""

    def hold(self, namespace: str, release: str, *, doing: str, timeout_s: float) -> AbstractContextManager[HeldLock]:
        """Take the lock, beat its heart until the block ends, release it.

        Args:
            namespace: of the release.
            release: its name.
            doing: the operation, shown to others.
            timeout_s: seconds to wait for another holder.

        Raises:
            ReleaseLockedError: when a live run holds it after ``timeout_s``.
        """
        ...

    def state(self, namespace: str, release: str) -> LockState | None:
        """Return who holds the lock; None where it is free."""
        ...

    def break_(self, state: LockState) -> bool:
        """Take the lock away from the holder that was read; False where it is free already.

        Its holder notices before its next write.

        Raises:
            ConflictError: when another run took the lock since ``state`` was read.
        """
        ...


class Registry(Protocol):
    """OCI registries, any number of them; each repository names its host. Safe to call from several threads.

    Every method may raise RegistryUnavailableError, RegistryLoginError (401), RegistryForbiddenError (403),
    RegistryRejectedError and OfflineError (a host that ``--offline`` does not allow). Passing failures (429, 5xx, cut
    connections) are retried inside until the command's time budget ends. Absent is a value, not an error, unless said.
    """

    def ping(self, host: str) -> None:
        """Ask whether a registry answers and takes our credentials."""
        ...

    def log_in(self, host: str) -> bool:
        """Ask whether a registry takes our credentials; False: it asks for none, and may take wrong ones, too.

        Raises:
            RegistryLoginError: when it refuses them.
        """
        ...

    def check_push(self, repository: Repository) -> None:
        """Start an upload and cancel it: whether we may write, without leaving anything."""
        ...

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        """Return digest, size and media type of a tag or digest; None where it is absent. Moves no content."""
        ...

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index by tag or digest, its digest verified; None where it is absent.

        Raises:
            ContentMismatchError: when the bytes are not those of the digest.
        """
        ...

    def put_manifest(self, repository: Repository, manifest: OciManifest, *, tag: str = "") -> None:
        """Store a manifest byte for byte, under its digest, and under ``tag`` where one is given.

        Args:
            repository: host and name.
            manifest: its bytes and media type.
            tag: empty for none.

        Raises:
            ContentMismatchError: when the registry says it stored another digest.
        """
        ...

    def has_blob(self, repository: Repository, blob: Descriptor, *, is_read: bool = False) -> bool:
        """Return whether a repository holds a blob of that digest and size.

        Args:
            repository: where it should be.
            blob: digest and size; a negative size is not compared.
            is_read: fetch one byte of it; a registry may list what its storage has lost.
        """
        ...

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob from its start, continuing by Range where the connection is cut; pieces of at most 1 MiB.

        The digest is checked after the last piece: who writes pieces down must not trust them before the end.

        Raises:
            RegistryNotFoundError: when there is none.
            ContentMismatchError: when size or digest differ; after the last piece.
        """
        ...

    def put_blob(
        self, repository: Repository, descriptor: Descriptor, source: BlobSource, *, mount_from: str = ""
    ) -> int:
        """Store a blob, unless it is there; returns how many of its bytes were sent (0: there, or mounted).

        Args:
            repository: where to.
            descriptor: digest and size of the blob.
            source: opens the content at an offset; called again after a cut.
            mount_from: name of another repository of the same host that may hold the blob.

        Raises:
            ContentMismatchError: when the content is not that of the digest.
        """
        ...

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what refers to a manifest (signatures, SBOMs): the referrers API, else its fallback tag.

        Args:
            repository: host and name.
            digest: of the content.
            artifact_type: media type to keep; empty for all.
        """
        ...

    def tags(self, repository: Repository) -> Sequence[str]:
        """Return all tags, all pages, in the registry's order; nothing where the repository is absent."""
        ...


class ImageSource(Protocol):
    """Where images are taken from: a registry or an OCI layout on disk. Part of :class:`Registry`; raises as it does.

    Safe to call from several threads.
    """

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index by tag or digest, its digest verified; None where it is absent."""
        ...

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; the digest is checked after the last piece.

        Raises:
            ContentMismatchError: when size or digest differ; after the last piece.
        """
        ...

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what refers to a manifest: signatures, SBOMs.

        Args:
            repository: host and name.
            digest: of the content.
            artifact_type: media type to keep; empty for all.
        """
        ...


class ImageTarget(Protocol):
    """Where images go: a registry or an OCI layout on disk. Part of :class:`Registry`; raises as it does."""

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        """Return digest, size and media type of a tag; None where it is absent."""
        ...

    def put_blob(
        self, repository: Repository, descriptor: Descriptor, source: BlobSource, *, mount_from: str = ""
    ) -> int:
        """Store a blob, unless it is there; returns how many of its bytes were sent (0: there, or mounted).

        Args:
            repository: where to.
            descriptor: digest and size of the blob.
            source: opens the content at an offset; called again after a cut.
            mount_from: name of another repository of the same host that may hold the blob.

        Raises:
            ContentMismatchError: when the content is not that of the digest.
        """
        ...

    def put_manifest(self, repository: Repository, manifest: OciManifest, *, tag: str = "") -> None:
        """Store a manifest byte for byte, under its digest, and under ``tag`` where one is given.

        Args:
            repository: where to.
            manifest: its bytes and media type.
            tag: empty for none.
        """
        ...


class Signer(Protocol):
    """A private key that signs."""

    @property
    def key(self) -> TrustedKey:
        """Its public half."""
        ...

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        """Sign bytes that stand elsewhere."""
        ...


class Verifier(Protocol):
    """Judges signatures by a policy."""

    def __call__(self, payload_type: str, payload: bytes, envelopes: Sequence[Envelope]) -> Evidence:
        """Return who signed; asked before the payload is parsed.

        Raises:
            UnsignedError: when there is no signature and one is needed.
            WrongSignatureError: when the payload is not what a trusted key signed.
            UntrustedKeyError: when no signature is by a key that is trusted now.
            DeliveryPolicyError: when too few keys signed.
        """
        ...


class JudgeByRule(Protocol):
    """Judges objects by the expressions of an author, which may be made to run for ever or to take all memory."""

    def __call__(self, rule: ReadinessRule, body: Body, /) -> Health:
        """Return how the object is; one that cannot be judged is on its way, and the message says why."""
        ...


class Confinement(Protocol):
    """Runs work on a foreign bundle, which may be made to run for ever or to take all memory."""

    def run(self, work: Callable[[], Result], *, doing: str) -> Result:
        """Return what ``work`` returns, or raise what it raises.

        Args:
            work: computes and nothing else: what it changes may be lost. What it returns or raises can be pickled.
            doing: what an error says was being done.

        Raises:
            WorkLimitError: when it takes more time or memory than it may.
        """
        ...


class Unconfined:
    """Runs work right here, for those who are confined already or trust their bundles: counted bounds alone hold."""

    def run(self, work: Callable[[], Result], *, doing: str) -> Result:
        """Return what ``work`` returns."""
        del doing
        return work()


UNCONFINED: Final = Unconfined()


def say_nothing(event: Event) -> None:
    """Pass over an event."""
    del event


def count_nothing(verb: str, status: int) -> None:
    """Pass over a request to the API server."""
    del verb, status


def _need_no_time(deadline_s: float) -> None:
    """Adapters that never wait need not know how long they may."""
    del deadline_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything an action may reach; made in one place, by the command line."""

    cluster: ClusterClient
    store: ReleaseStore
    lock: ReleaseLock
    clock: Clock
    report: Reporter
    redactor: Redactor
    deadline_s: float
    """On ``clock.monotonic()``: when the budget of the whole command ends."""
    is_stopped: Callable[[], bool]
    """Whether the user or the system asked the run to stop."""
    judge: JudgeByRule
    """Judges an object by an author's rule; rules come from bundles and records."""
    registry: Registry | None = None
    """Where images lie; None where no delivery is available."""
    prolong: Callable[[float], None] = _need_no_time
    """Tell the adapters that ``deadline_s`` has moved; they give up on a busy server when it is over."""

    def under(self, held: HeldLock) -> Ports:
        """Return these ports for a run that holds a release's lock: no write or record begins without it."""
        cluster = self.cluster.guarded(held)
        return replace(self, cluster=cluster, store=self.store.through(cluster))

    def remaining_s(self) -> float:
        """Return what is left of the command's budget, in seconds; never below zero."""
        return max(0.0, self.deadline_s - self.clock.monotonic())
