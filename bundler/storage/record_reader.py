"""Read release records from Secrets, within bounds. Layer: adapter."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bundler import storage
from bundler.concurrency import map_parallel
from bundler.errors.change import RecordDamagedError, RecordTooNewError
from bundler.errors.cluster import ClusterError, ForbiddenError
from bundler.model.cluster import ListQuery
from bundler.model.json import text_at
from bundler.model.release import AuditEntry, Inventories
from bundler.storage import limits, records
from bundler.storage.heads import named_packs, read_head
from bundler.storage.metadata import kind_of, name_of, number_of, summary_of, unclaimed_records
from bundler.storage.reading import DamageError, count_of, damaged, reading
from bundler.storage.refusals import gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bundler.errors import BundlerError
    from bundler.model.json import Body
    from bundler.model.release import Revision, RevisionSummary
    from bundler.ports import ClusterClient
    from bundler.storage.blobs import Piece
    from bundler.storage.heads import Head
    from bundler.storage.inventories import Known

_K = TypeVar("_K")
_V = TypeVar("_V")
_REVISIONS = 6
_PACKS = 32
"""How much of what was read is kept: a change looks at the same few revisions again and again."""
_PROBES = 20
"""How many missing numbers are looked up by name, where a record shows that a head is missing."""


_PLACES = 200
"""How many namespaces are asked one by one."""


class RecordReader:
    """Reads the records of any release; keeps what it read last."""

    def __init__(self, cluster: ClusterClient) -> None:
        self._cluster = cluster
        self._pieces: dict[tuple[str, str], list[Piece]] = {}
        """The packs that were read last, by namespace and name; they never change."""
        self._keeping = threading.Lock()
        """Held while a pack is kept: those of the newest revision are read by several threads."""
        self._revisions: dict[tuple[str, str, int, str, bool], Revision] = {}
        """Revisions read in this run, by the resourceVersion of their head too."""
        self._heads: dict[tuple[str, str, int, str], Body] = {}
        """Heads read in this run: a revision is read with and without what is sensitive in it, and listed before."""
        self._known: dict[tuple[str, str], Known] = {}
        """What packs and pages hold, by namespace and release."""
        self._strings: dict[tuple[tuple[str, str, int, str], ...], frozenset[str]] = {}
        """The sensitive strings of all revisions that were read last."""
        self.spoilt: set[tuple[str, str]] = set()
        """Packs that could not be read, by namespace and name: nothing new may lean on them."""

    def summaries(
        self, *, namespace: str, release: str = "", on_unreadable: Callable[[BundlerError], None] | None = None
    ) -> tuple[RevisionSummary, ...]:
        """Return all revisions, oldest first, from metadata alone; see bundler.ports.ReleaseStore.

        Raises:
            RecordDamagedError, RecordTooNewError, ClusterError.
        """
        found = _readable(self.list(namespace, release, records.HEAD), summary_of, on_unreadable)
        return tuple(sorted(found, key=lambda summary: (summary.namespace, summary.release, summary.revision)))

    def trail(self, *, namespace: str, on_unreadable: Callable[[BundlerError], None]) -> tuple[AuditEntry, ...]:
        """Return who made each revision, oldest first; see bundler.ports.ReleaseStore.

        Raises:
            ClusterError.
        """
        heads = self.list(namespace, "", records.HEAD, metadata_only=False)
        found = _readable(heads, self._audited, on_unreadable)
        return tuple(sorted(found, key=lambda one: (one.summary.created, one.summary.namespace, one.summary.release)))

    def _audited(self, body: Body) -> AuditEntry:
        with reading(name_of(body)):
            head = read_head(body)
            who = storage.decoding.inline_authorship(head.content)
            back = count_of(head.content.get("rolledBackTo", 0), "rolledBackTo")
        if who is None:
            who = self.load(head.summary).authorship
        return AuditEntry(summary=head.summary, authorship=who, rolled_back_to=back)

    def places_of(self, release: str) -> tuple[str, ...]:
        """Return the namespaces that hold a release of this name, as far as we may look; sorted.

        Heads alone are listed, by their labels. Who may not list them everywhere is asked namespace by namespace.
        """
        try:
            found = self.list("", release, records.HEAD)
        except ForbiddenError:
            listed = map_parallel(partial(self._heads_in, release), self._namespaces())
            found = [head for heads in listed for head in heads]
        except ClusterError:
            return ()
        return tuple(sorted({text_at(head, "metadata", "namespace") for head in found}))

    def _namespaces(self) -> Sequence[str]:
        query = ListQuery(group="", kind="Namespace", namespace="", version="v1", metadata_only=True)
        try:
            return [name_of(item) for item in self._cluster.list(query).items[:_PLACES]]
        except ClusterError:
            return []

    def _heads_in(self, release: str, namespace: str) -> Sequence[Body]:
        try:
            return self.list(namespace, release, records.HEAD)
        except ClusterError:
            return ()

    def load(self, summary: RevisionSummary, *, with_sensitive: bool = False) -> Revision:
        """Return a revision complete; sensitive leaves are filled in only when asked for, else they are ``***``.

        Raises:
            ReleaseNotFoundError, RecordDamagedError, RecordTooNewError, ClusterError.
        """
        key = _key_of(summary)
        found = self._revisions.get((*key, with_sensitive)) if summary.resource_version else None
        if found is not None:
            return found
        found, has_sensitive = self._load(summary, with_sensitive=with_sensitive)
        for asked in (with_sensitive,) if has_sensitive else (True, False):
            _remember(self._revisions, (*key, asked), found, most=_REVISIONS)
        return found

    def _load(self, summary: RevisionSummary, *, with_sensitive: bool) -> tuple[Revision, bool]:
        """Return a revision, and whether any of its leaves are sensitive: without, both ways to read it are one."""
        name = records.head_name(summary.release, summary.revision)
        secret = self._kept_head(summary)
        with reading(name):
            head = read_head(secret)
            pieces = self.packs(head, head.packs)
            pieces += self.packs(head, storage.decoding.listed_packs(head, pieces), already=pieces)
            taken = self._read_sensitive(head) if with_sensitive else None
            return storage.decoding.decode_revision(head, pieces, taken), storage.decoding.sensitive_parts(head) > 0

    def inventories(
        self, namespace: str, release: str, *, on_unreadable: Callable[[BundlerError], None]
    ) -> Inventories:
        """Return what every revision owns; see bundler.ports.ReleaseStore.

        Raises:
            RecordTooNewError, ClusterError.
        """
        heads = []
        items = self.list(namespace, release)
        for body in self.list(namespace, release, records.HEAD, metadata_only=False):
            try:
                with reading(name_of(body)):
                    heads.append(read_head(body))
                _remember(self._heads, _key_of(heads[-1].summary), body, most=_REVISIONS)
            except RecordDamagedError as error:
                on_unreadable(error.of_revision(number_of(body)))
        heads.sort(key=lambda head: head.summary.revision)
        seen = self._known.setdefault((namespace, release), storage.inventories.Known())
        newest = heads[-1].packs if heads else ()

        def read(summary: RevisionSummary, name: str) -> list[Piece]:
            """Keep those of the newest revision, which is loaded next; all of them would be too much."""
            return self._read_pack(summary, name) if name in newest else self._fetch_pack(summary, name)

        revisions = storage.inventories.read_inventories(heads, seen, read, on_unreadable)
        listed = [item for item in items if kind_of(item) == records.HEAD]
        known = frozenset(map(number_of, listed))
        unclaimed = sorted(map(name_of, unclaimed_records(items, known, self.named_packs(listed))))
        return Inventories(
            revisions=revisions,
            unclaimed=tuple(unclaimed),
            unlabelled=self._unlabelled(namespace, release, known) if unclaimed else (),
        )

    def _unlabelled(self, namespace: str, release: str, known: frozenset[int]) -> tuple[int, ...]:
        """Return revisions whose head is there under its name, but was not found by its labels."""
        numbers = [number for number in range(1, max(known, default=0) + 2) if number not in known]
        return tuple(
            number
            for number in numbers[-_PROBES:]
            if self._cluster.get(records.secret_ref(namespace, records.head_name(release, number)), version="v1")
        )

    def head(self, summary: RevisionSummary) -> Body:
        """Return the head Secret of a revision.

        Raises:
            ReleaseNotFoundError: when it is gone.
        """
        return self._head(summary, metadata_only=False)

    def read_again(self, summary: RevisionSummary) -> RevisionSummary:
        """Return the columns of a revision as they are now, from metadata alone.

        Raises:
            ReleaseNotFoundError: when it is gone.
            RecordDamagedError, RecordTooNewError, ClusterError.
        """
        return summary_of(self._head(summary, metadata_only=True))

    def _head(self, summary: RevisionSummary, *, metadata_only: bool) -> Body:
        ref = records.secret_ref(summary.namespace, records.head_name(summary.release, summary.revision))
        secret = self._cluster.get(ref, version="v1", metadata_only=metadata_only)
        if secret is None:
            raise gone(summary)
        return secret

    def _kept_head(self, summary: RevisionSummary) -> Body:
        """Return the head of a revision as a summary describes it; it is read once."""
        key = _key_of(summary)
        kept = self._heads.get(key) if summary.resource_version else None
        return kept or _remember(self._heads, key, self.head(summary), most=_REVISIONS)

    def packs(self, head: Head, names: Iterable[str], already: Sequence[Piece] = ()) -> list[Piece]:
        """Return the pieces of packs, all together within the bound of a revision.

        Args:
            head: of the revision that names them.
            names: the last parts of their names.
            already: pieces of the same revision that were read before; they count.

        Raises:
            RecordDamagedError: when one is gone or broken.
            DamageError: when they are too large together.
        """
        left = limits.READ_REVISION_RAW_MAX_BYTES - storage.blobs.size_of(already)
        pieces = []
        for name in names:
            found = self._read_pack(head.summary, name)
            left -= storage.blobs.size_of(found)
            if left < 0:
                raise DamageError(f"its packs inflate to more than {limits.READ_REVISION_RAW_MAX_BYTES} bytes")
            pieces += found
        return pieces

    def _read_pack(self, summary: RevisionSummary, name: str) -> list[Piece]:
        key = (summary.namespace, records.pack_name(summary.release, name))
        if (kept := self._pieces.get(key)) is not None:
            return kept
        pieces = self._fetch_pack(summary, name)
        with self._keeping:
            return _remember(self._pieces, key, pieces, most=_PACKS)

    def _fetch_pack(self, summary: RevisionSummary, name: str) -> list[Piece]:
        key = (summary.namespace, records.pack_name(summary.release, name))
        secret = self._cluster.get(records.secret_ref(*key), version="v1")
        if secret is None:
            raise damaged(records.head_name(summary.release, summary.revision), f"its pack {key[1]} is gone")
        try:
            with reading(key[1]):
                return storage.decoding.read_pack_secret(secret)
        except RecordDamagedError:
            self.spoilt.add(key)
            raise

    def _read_sensitive(self, head: Head) -> tuple[Body, frozenset[str]]:
        summary, found = head.summary, []
        for part in range(storage.decoding.sensitive_parts(head)):
            name = records.sensitive_name(summary.release, summary.revision, part)
            secret = self._cluster.get(records.secret_ref(summary.namespace, name), version="v1")
            if secret is None:
                raise damaged(records.head_name(summary.release, summary.revision), f"Secret {name} is gone")
            found.append(secret)
        with reading(records.sensitive_name(summary.release, summary.revision, 0)):
            return storage.decoding.read_sensitive(found, text_at(head.content, "sensitive"))

    def secrets_of(self, summaries: Sequence[RevisionSummary]) -> frozenset[str]:
        """Return the sensitive strings of every kept revision; see bundler.ports.ReleaseStore.

        Raises:
            ClusterError
        """
        key = tuple((one.namespace, one.release, one.revision, one.uid) for one in summaries)
        if not key or key in self._strings:
            return self._strings.get(key, frozenset())
        listed = self.list(*key[0][:2], records.SENSITIVE, metadata_only=False)
        found = frozenset(text for parts in _by_revision(listed) for text in _strings_in(parts))
        return _remember(self._strings, key, found, most=1)

    def list(self, namespace: str, release: str, kind: str = "", *, metadata_only: bool = True) -> Sequence[Body]:
        """Return records: of one release, of one kind, or of all."""
        query = ListQuery(
            group="",
            kind="Secret",
            namespace=namespace,
            version="v1",
            label_selector=records.selector(release=release, kind=kind),
            metadata_only=metadata_only,
        )
        return self._cluster.list(query).items

    def named_packs(self, heads: Iterable[Body]) -> frozenset[str] | None:
        """Return the packs that heads name; only a head with very many is read for that. None: damage hides some."""
        named: set[str] = set()
        try:
            for item in heads:
                named |= self._packs_of(item)
        except RecordDamagedError:
            return None
        return frozenset(named)

    def _packs_of(self, item: Body) -> set[str]:
        with reading(name_of(item)):
            packs, index = named_packs(item)
            if not index:
                return set(packs)
            head = read_head(self.head(summary_of(item)))
            return {*packs, *storage.decoding.listed_packs(head, self.packs(head, head.packs))}


def _by_revision(secrets: Iterable[Body]) -> Iterable[list[Body]]:
    """Return the Secrets with sensitive leaves, those of each revision together and in order."""
    found: dict[int, dict[int, Body]] = {}
    for secret in secrets:
        revision, part = records.sensitive_place(name_of(secret))
        found.setdefault(revision, {})[part] = secret
    return [[parts[number] for number in sorted(parts)] for parts in found.values()]


def _strings_in(parts: list[Body]) -> frozenset[str]:
    """Return the sensitive strings of one revision; none where its part is damaged: they are only to be masked."""
    try:
        with reading(name_of(parts[0])):
            return storage.decoding.read_sensitive(parts)[1]
    except (RecordDamagedError, RecordTooNewError):
        return frozenset()


def _key_of(summary: RevisionSummary) -> tuple[str, str, int, str]:
    return summary.namespace, summary.release, summary.revision, summary.resource_version


def _remember(known: dict[_K, _V], key: _K, value: _V, *, most: int) -> _V:
    """Keep a value, and let go of the oldest ones beyond ``most``."""
    known[key] = value
    while len(known) > most:
        del known[next(iter(known))]
    return value


def _readable(
    heads: Iterable[Body], read: Callable[[Body], _V], on_unreadable: Callable[[BundlerError], None] | None
) -> list[_V]:
    """Read heads, and hand over the error of each that cannot be read; where no one takes it, the first is raised."""
    found = []
    for head in heads:
        try:
            found.append(read(head))
        except (RecordDamagedError, RecordTooNewError) as error:
            if on_unreadable is None:
                raise
            if isinstance(error, RecordDamagedError):
                error = error.of_revision(records.head_revision(name_of(head)))
            on_unreadable(error)
    return found
