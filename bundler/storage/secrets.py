"""Release records in Secrets, through the cluster port. Layer: adapter.

Order of writing: packs, sensitive leaves, head. The head is the commit point: what a crash leaves without one is not
visible, and is taken up or dropped later. A user who writes holds the release's lock.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from bundler import storage
from bundler.errors import BundlerError
from bundler.errors.change import RecordDamagedError
from bundler.errors.cluster import AlreadyExistsError, ForbiddenError, RejectedError
from bundler.model.json import text_at
from bundler.model.lean import replace
from bundler.storage import records
from bundler.storage.metadata import (
    droppable,
    kind_of,
    name_of,
    note_of,
    number_of,
    short_name,
    summary_of,
    unclaimed_records,
)
from bundler.storage.reading import reading
from bundler.storage.record_reader import RecordReader
from bundler.storage.refusals import exists_already, is_about_size, moved, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Self

    from bundler.model.json import Body
    from bundler.model.release import AuditEntry, Inventories, Protection, ReleaseStatus, Revision, RevisionSummary
    from bundler.model.rollout import Rollout
    from bundler.ports import Clock, ClusterClient
    from bundler.storage.encoding import EncodedRevision
    from bundler.storage.records import Record
    from bundler.storage.sensitive import Secrets

_Key = tuple[str, str, int]


class SecretReleaseStore:
    """A ReleaseStore in Secrets of the release's namespace."""

    def __init__(self, cluster: ClusterClient, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._reader = RecordReader(cluster)
        self._heads: dict[_Key, Body] = {}
        """Heads written in this run, so that marking one need not read it again."""
        self._secrets: dict[_Key, Secrets] = {}
        """Sensitive strings of revisions saved in this run, to mask what is marked on them later."""

    def through(self, cluster: ClusterClient) -> Self:
        """Return this store, with all that it has read, on another client of the same cluster."""
        other = copy(self)
        other._cluster = cluster  # noqa: SLF001 - a copy of ourselves
        return other

    # --- reading -------------------------------------------------------------------------------------------------

    def summaries(
        self, *, namespace: str, release: str = "", on_unreadable: Callable[[BundlerError], None] | None = None
    ) -> tuple[RevisionSummary, ...]:
        """Return all revisions, oldest first, from metadata alone; see bundler.ports.ReleaseStore."""
        return self._reader.summaries(namespace=namespace, release=release, on_unreadable=on_unreadable)

    def trail(self, *, namespace: str, on_unreadable: Callable[[BundlerError], None]) -> tuple[AuditEntry, ...]:
        """Return who made each revision; see bundler.ports.ReleaseStore."""
        return self._reader.trail(namespace=namespace, on_unreadable=on_unreadable)

    def places_of(self, release: str) -> tuple[str, ...]:
        """Return the namespaces that hold a release of this name; see bundler.ports.ReleaseStore."""
        return self._reader.places_of(release)

    def read_rollout(self, summary: RevisionSummary) -> RevisionSummary:
        """Return a revision's columns as they are now; see bundler.ports.ReleaseStore."""
        return self._reader.read_again(summary)

    def load(self, summary: RevisionSummary, *, with_sensitive: bool = False) -> Revision:
        """Return a revision complete; see bundler.ports.ReleaseStore."""
        return self._reader.load(summary, with_sensitive=with_sensitive)

    def inventories(
        self, namespace: str, release: str, *, on_unreadable: Callable[[BundlerError], None]
    ) -> Inventories:
        """Return what every revision owns; see bundler.ports.ReleaseStore."""
        return self._reader.inventories(namespace, release, on_unreadable=on_unreadable)

    def secrets_of(self, summaries: Sequence[RevisionSummary]) -> frozenset[str]:
        """Return the sensitive strings of every kept revision; see bundler.ports.ReleaseStore."""
        return self._reader.secrets_of(summaries)

    # --- writing -------------------------------------------------------------------------------------------------

    def save(self, revision: Revision) -> Revision:
        """Record a new revision: packs and sensitive leaves first, the head last.

        Raises:
            RevisionExistsError: when someone else recorded that number.
            RecordTooLargeError: when it is too large, or a quota refuses it; nothing of it is visible then.
            ClusterError
        """
        summary = revision.summary
        held = [
            item
            for item in self._reader.list(summary.namespace, summary.release, records.PACK)
            if (summary.namespace, name_of(item)) not in self._reader.spoilt
        ]
        known = {
            short_name(name_of(item)): storage.blobs.read_index_text(note_of(item, records.INDEX)) for item in held
        }
        encoded = storage.encoding.encode_revision(revision, known)
        written: list[Record] = []
        try:
            self._write(encoded, summary, written)
        except (ForbiddenError, RejectedError) as error:
            self._take_back(written, encoded.head)
            if not is_about_size(error):
                raise
            raise refused(encoded, written, error) from error
        key = _key(summary)
        self._secrets[key] = encoded.secrets
        return replace(revision, summary=summary_of(self._heads[key]))

    def _write(self, encoded: EncodedRevision, summary: RevisionSummary, written: list[Record]) -> None:
        for record in encoded.packs:
            self._create_pack(record)
            written.append(record)
        for record in encoded.sensitive:
            self._create_sensitive(record, encoded.head)
            written.append(record)
        try:
            answer = self._cluster.create(records.payload_of(encoded.head.body()))
        except AlreadyExistsError as error:
            raise exists_already(encoded.head) from error
        # The answer may leave out what it was sent; the data must be whole for the next mark.
        self._heads[_key(summary)] = {**encoded.head.body(), **answer.body}

    def _create_pack(self, record: Record) -> None:
        """Create a pack; one of that name is the same, and one that someone damaged is written again."""
        try:
            self._cluster.create(records.payload_of(record.body()))
        except AlreadyExistsError:
            secret = self._cluster.get(record.ref, version="v1") or {}
            try:
                with reading(record.name):
                    storage.decoding.read_pack_secret(secret)
            except RecordDamagedError:
                self._delete(secret)
                self._cluster.create(records.payload_of(record.body()))

    def _create_sensitive(self, record: Record, head: Record) -> None:
        """Create a Secret with sensitive leaves; what a run that died left under this name is replaced."""
        try:
            self._cluster.create(records.payload_of(record.body()))
        except AlreadyExistsError:
            if self._cluster.get(head.ref, version="v1", metadata_only=True) is not None:
                raise exists_already(head) from None
            left = self._cluster.get(record.ref, version="v1", metadata_only=True) or {}
            self._cluster.delete(record.ref, uid=text_at(left, "metadata", "uid"))
            self._cluster.create(records.payload_of(record.body()))

    def _take_back(self, written: Iterable[Record], head: Record) -> None:
        """Remove what was written before a refusal, as far as that goes: without a head no one sees it.

        A refusal can be the answer to a second try whose first one got through (a quota that the first one filled).
        """
        try:
            if self._cluster.get(head.ref, version="v1", metadata_only=True) is not None:
                return
            for record in written:
                self._cluster.delete(record.ref)
        except BundlerError:
            return

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

        Raises:
            ConflictError: when another run changed it.
            ReleaseNotFoundError: when it is gone.
            RecordDamagedError, RecordTooLargeError, ClusterError.
        """
        secret = self._unmoved(summary)
        secrets = self._secrets.get(_key(summary))
        with reading(name_of(secret)):
            body, packs = storage.encoding.mark_head(
                secret,
                status,
                updated=self._clock.now(),
                description=secrets.mask(description) if secrets else description,
                evidence=secrets.mask(evidence) if secrets else evidence,
                finished_jobs=finished_jobs,
            )
        for record in packs:
            self._create_pack(record)
        return self._replace_head(summary, body)

    def protect(self, summary: RevisionSummary, protection: Protection) -> RevisionSummary:
        """Say in a recorded revision whether its release is protected; see bundler.ports.ReleaseStore."""
        return self._replace_head(summary, storage.encoding.protect_head(self._unmoved(summary), protection))

    def count_correction(self, summary: RevisionSummary) -> RevisionSummary:
        """Count that drift from a revision was put back; see bundler.ports.ReleaseStore."""
        secret = self._unmoved(summary)
        with reading(name_of(secret)):
            body = storage.encoding.count_correction(secret)
        return self._replace_head(summary, body)

    def move(self, summary: RevisionSummary, rollout: Rollout | None) -> RevisionSummary:
        """Record how far a rollout has come, or that it is over; see bundler.ports.ReleaseStore."""
        secret, secrets = self._unmoved(summary), self._secrets.get(_key(summary))
        if rollout is not None:
            rollout = replace(rollout, since=rollout.since or self._clock.now())
            rollout = storage.encoding.masked_rollout(rollout, secrets) if secrets else rollout
        with reading(name_of(secret)):
            body = storage.encoding.move_head(secret, rollout)
        return self._replace_head(summary, body)

    def _unmoved(self, summary: RevisionSummary) -> Body:
        """Return the head of a revision as it was read.

        Raises:
            ConflictError: when another run changed it.
        """
        secret = self._heads.get(_key(summary))
        if secret is None or text_at(secret, "metadata", "resourceVersion") != summary.resource_version:
            secret = self._reader.head(summary)
        if text_at(secret, "metadata", "resourceVersion") != summary.resource_version:
            raise moved(summary, summary_of(secret))
        return secret

    def _replace_head(self, summary: RevisionSummary, body: Body) -> RevisionSummary:
        answer = self._cluster.replace(records.payload_of(body))
        self._heads[_key(summary)] = {**body, **answer.body}
        return summary_of(answer.body)

    # --- dropping ------------------------------------------------------------------------------------------------

    def prune(self, namespace: str, release: str, *, history_max: int) -> None:
        """Drop the oldest revisions beyond ``history_max`` (0: no limit) and packs that no one names.

        The newest deployed revision and the newest of all stay, whatever the number.

        Raises:
            RecordDamagedError, RecordTooNewError, ClusterError.
        """
        items = self._reader.list(namespace, release)
        heads = {number_of(item): item for item in items if kind_of(item) == records.HEAD}
        summaries = [summary for item in heads.values() if (summary := _readable(item)) is not None]
        dropped = droppable(summaries, history_max, damaged=frozenset(heads) - {one.revision for one in summaries})
        kept = {number: item for number, item in heads.items() if number not in dropped}
        named = self._reader.named_packs(kept.values())
        for number in sorted(dropped):
            self._delete(heads[number])
        for item in unclaimed_records(items, kept, named):
            self._delete(item)

    def erase(self, namespace: str, release: str) -> None:
        """Drop every record of a release.

        The newest head goes near the end: until then, a run that was cut off is seen and can be repeated.

        Raises:
            ClusterError
        """
        items = self._reader.list(namespace, release)
        heads = sorted((item for item in items if kind_of(item) == records.HEAD), key=number_of)
        others = [item for item in items if kind_of(item) != records.HEAD]
        newest = heads[-1:]
        needed = frozenset(name for item in newest for name in note_of(item, records.PACKS).split(","))
        last = [item for item in others if kind_of(item) == records.PACK and short_name(name_of(item)) in needed]
        for item in (*heads[:-1], *(item for item in others if item not in last), *newest, *last):
            self._delete(item)

    def has_remains(self, namespace: str, release: str) -> bool:
        """Return whether anything is recorded of a release, be it what a run that died while erasing left.

        Raises:
            ClusterError
        """
        return bool(self._reader.list(namespace, release))

    def _delete(self, item: Body) -> None:
        ref = records.secret_ref(text_at(item, "metadata", "namespace"), name_of(item))
        self._cluster.delete(ref, uid=text_at(item, "metadata", "uid"))


def _readable(item: Body) -> RevisionSummary | None:
    """Return the columns of a head; None where they are damaged.

    Raises:
        RecordTooNewError
    """
    try:
        return summary_of(item)
    except RecordDamagedError:
        return None


def _key(summary: RevisionSummary) -> _Key:
    return summary.namespace, summary.release, summary.revision
