"""What the store and the lock must do on any cluster; run on the sandbox and on a real API server.

A module that subclasses these offers the fixtures ``cluster`` (a ClusterClient), ``namespace`` (a fresh one) and ``clock``.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import pytest

from bundler.errors.change import (
    LockLostError,
    RecordDamagedError,
    RecordTooLargeError,
    ReleaseLockedError,
    ReleaseNotFoundError,
    RevisionExistsError,
)
from bundler.errors.cluster import AlreadyExistsError, ConflictError, ForbiddenError, RejectedError, UnavailableError
from bundler.model import labels
from bundler.model.cluster import ListQuery
from bundler.model.json import canonical_json, mapping_at, text_at
from bundler.model.lock import Holder
from bundler.model.release import ReleaseStatus, Revision
from bundler.model.rollout import RolloutState
from bundler.storage import limits
from bundler.storage.encoding import encode_revision
from bundler.storage.lease import lease_payload, lease_ref, read_lease
from bundler.storage.lock import LeaseLock, break_lock, read_lock
from bundler.storage.records import head_name, payload_of, secret_ref, sensitive_name
from bundler.storage.secrets import SecretReleaseStore
from tests.unit.storage.builders import SECRET, make_entry, make_revision, make_rollout, make_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.errors import BundlerError
    from bundler.model.json import Body
    from bundler.ports import Clock, ClusterClient


class RealClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Watched:
    """Any cluster client; counts calls and can fail one of them before or after it was done."""

    def __init__(self, inner: ClusterClient) -> None:
        self._inner = inner
        self.calls: list[str] = []
        self.data_read: list[str] = []
        self.fail: Callable[[str, str], BundlerError | None] = lambda _verb, _name: None
        self.fail_after = False

    def guarded(self, held: object) -> Self:
        """Go on without a lock: none is lost here."""
        del held
        return self

    def __getattr__(self, verb: str) -> object:
        def call(*args: object, **more: object) -> object:
            name = getattr(getattr(args[0], "ref", args[0]), "name", "") if args else ""
            self.calls.append(f"{verb} {name}".strip())
            if verb == "get" and not more.get("metadata_only"):
                self.data_read.append(name)
            error = self.fail(verb, name)
            if error and not self.fail_after:
                raise error
            answer = getattr(self._inner, verb)(*args, **more)
            if error:
                raise error
            return answer

        return call


def in_namespace(revision: Revision, namespace: str) -> Revision:
    return replace(revision, summary=replace(revision.summary, namespace=namespace))


def secrets_in(cluster: ClusterClient, namespace: str) -> dict[str, Body]:
    items = cluster.list(ListQuery(group="", kind="Secret", namespace=namespace, label_selector=labels.RECORD)).items
    return {text_at(item, "metadata", "name"): item for item in items}


def noise(size: int, seed: int = 1) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(random.Random(seed).choices(alphabet, k=size))


def same_content(one: Revision, other: Revision) -> bool:
    """Equal but for what the API server adds to the head."""
    plain = [replace(each, summary=replace(each.summary, resource_version="", uid="")) for each in (one, other)]
    return plain[0] == plain[1]


def rolling_over(revision: Revision) -> Revision:
    """The same revision, its rollout over."""
    return replace(revision, summary=replace(revision.summary, rollout=None))


class StoreCases:
    """The store."""

    @pytest.fixture
    def store(self, cluster: ClusterClient, clock: Clock) -> SecretReleaseStore:
        return SecretReleaseStore(cluster, clock)

    @pytest.fixture
    def first(self, namespace: str) -> Revision:
        return in_namespace(make_revision(), namespace)

    @pytest.fixture
    def rolling(self, namespace: str) -> Revision:
        summary = make_summary(2, ReleaseStatus.PENDING_UPGRADE, rollout=make_rollout())
        return in_namespace(make_revision(summary=summary), namespace)

    def test_a_saved_revision_is_loaded_whole(self, cluster: ClusterClient, clock: Clock, first: Revision) -> None:
        saved = SecretReleaseStore(cluster, clock).save(first)
        store = SecretReleaseStore(cluster, clock)
        (summary,) = store.summaries(namespace=first.summary.namespace, release="shop")
        assert summary == saved.summary
        assert summary.uid
        assert same_content(store.load(summary, with_sensitive=True), first)

    def test_without_the_sensitive_part_leaves_are_masked(self, store: SecretReleaseStore, first: Revision) -> None:
        saved = store.save(first)
        loaded = store.load(saved.summary)
        assert SECRET not in repr(loaded)
        assert loaded.user_values == {"qps": 1000, "db": {"password": "***"}}
        assert loaded.sensitive == frozenset()

    def test_the_server_keeps_no_sensitive_string_in_clear(
        self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision
    ) -> None:
        store.save(first)
        for name, body in secrets_in(cluster, first.summary.namespace).items():
            assert SECRET.encode() not in canonical_json(body), name

    def test_records_have_their_types_labels_and_sizes(
        self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision
    ) -> None:
        store.save(first)
        found = secrets_in(cluster, first.summary.namespace)
        assert sorted(text_at(body, "type") for body in found.values()) == [
            "bundler.dev/pack.v1",
            "bundler.dev/release.v1",
            "bundler.dev/sensitive.v1",
        ]
        head = found[head_name("shop", 1)]
        marks = mapping_at(head, "metadata", "labels")
        assert (marks[labels.RELEASE_NAME], marks[labels.REVISION], marks[labels.STATUS]) == (
            "shop",
            "1",
            "pending-install",
        )
        assert [name for name, body in found.items() if not body.get("immutable")] == [head_name("shop", 1)]
        plain = {key: value for key, value in mapping_at(head, "metadata").items() if key != "managedFields"}
        assert len(canonical_json({**head, "metadata": plain})) <= 8 * 1024

    def test_the_same_number_twice_is_refused(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        saved = store.save(first)
        other = replace(first, user_values={"db": {"password": "another-secret-string"}}, notes="other")
        with pytest.raises(RevisionExistsError):
            SecretReleaseStore(cluster, clock).save(other)
        assert same_content(SecretReleaseStore(cluster, clock).load(saved.summary, with_sensitive=True), first)

    def test_a_second_identical_revision_adds_only_a_head_and_its_sensitive_part(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        store.save(first)
        before = set(secrets_in(cluster, first.summary.namespace))
        second = replace(first, summary=replace(first.summary, revision=2))
        SecretReleaseStore(cluster, clock).save(second)
        added = set(secrets_in(cluster, first.summary.namespace)) - before
        assert added == {head_name("shop", 2), sensitive_name("shop", 2, 0)}

    def test_a_revision_without_secrets_writes_no_sensitive_part(
        self, store: SecretReleaseStore, cluster: ClusterClient, namespace: str
    ) -> None:
        plain = make_revision(make_entry("config"), user_values={"qps": 1}, sensitive=frozenset())
        store.save(in_namespace(plain, namespace))
        assert len(secrets_in(cluster, namespace)) == 2

    def test_listing_reads_metadata_only(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        store.save(first)
        watched = Watched(cluster)
        SecretReleaseStore(watched, clock).summaries(namespace="", release="shop")
        assert len(watched.calls) == 1
        assert watched.data_read == []

    def test_all_namespaces_are_listed_oldest_revision_first(
        self, store: SecretReleaseStore, first: Revision, namespace: str
    ) -> None:
        for number in (2, 10, 1):
            store.save(replace(first, summary=replace(first.summary, revision=number)))
        everywhere = [found for found in store.summaries(namespace="") if found.namespace == namespace]
        assert [found.revision for found in everywhere] == [1, 2, 10]
        assert store.summaries(namespace=namespace, release="other") == ()

    def test_what_is_superseded_keeps_the_time_of_its_deployment(
        self, store: SecretReleaseStore, clock: Clock, first: Revision
    ) -> None:
        deployed = store.mark(store.save(first).summary, ReleaseStatus.DEPLOYED)
        clock.sleep(0.01)
        superseded = store.mark(deployed, ReleaseStatus.SUPERSEDED)
        assert (superseded.status, superseded.updated) == (ReleaseStatus.SUPERSEDED, deployed.updated)

    def test_marking_changes_status_description_and_evidence(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        saved = store.save(first)
        store.mark(
            saved.summary, ReleaseStatus.FAILED, description=f"no {SECRET}", evidence=f"pod says {SECRET}\nline 2"
        )
        fresh = SecretReleaseStore(cluster, clock)
        (summary,) = fresh.summaries(namespace=first.summary.namespace)
        assert (summary.status, summary.description) == (ReleaseStatus.FAILED, "no ***")
        assert summary.created == first.summary.created
        assert summary.updated != first.summary.updated
        loaded = fresh.load(summary, with_sensitive=True)
        assert loaded.evidence == "pod says ***\nline 2"
        assert loaded.inventory == first.inventory

    def test_marking_twice_goes_on_from_the_first(
        self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision
    ) -> None:
        saved = store.save(first)
        done = store.mark(saved.summary, ReleaseStatus.DEPLOYED, description="done")
        later = store.mark(done, ReleaseStatus.SUPERSEDED)
        assert (later.status, later.description) == (ReleaseStatus.SUPERSEDED, "done")

    def test_a_head_that_somebody_moved_is_not_marked(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        saved = store.save(first)
        SecretReleaseStore(cluster, clock).mark(saved.summary, ReleaseStatus.DEPLOYED)
        with pytest.raises(ConflictError):
            store.mark(saved.summary, ReleaseStatus.FAILED)
        with pytest.raises(ConflictError, match="marking revision 1"):
            SecretReleaseStore(cluster, clock).mark(saved.summary, ReleaseStatus.FAILED)

    def test_a_rollout_is_read_from_metadata_alone(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, rolling: Revision
    ) -> None:
        saved = store.save(rolling)
        watched = Watched(cluster)
        other = SecretReleaseStore(watched, clock)
        (summary,) = other.summaries(namespace=rolling.summary.namespace)
        assert summary == saved.summary == other.read_rollout(summary)
        assert summary.rollout == make_rollout()
        assert (len(watched.calls), watched.data_read) == (2, [])
        assert other.load(summary).summary == summary

    def test_a_rollout_moves_and_ends(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, rolling: Revision
    ) -> None:
        saved = store.save(rolling).summary
        began = clock.now()
        paused = store.move(saved, make_rollout(step=2, state=RolloutState.PAUSED, since=None, reason=f"no {SECRET}"))
        assert paused.rollout is not None
        assert (paused.rollout.step, paused.rollout.reason) == (2, "no ***")
        assert paused.rollout.since is not None
        assert (paused.rollout.since - began).total_seconds() > -1
        assert paused.updated == saved.updated
        later = SecretReleaseStore(cluster, clock)
        read = later.read_rollout(saved)
        assert read == paused
        over = later.move(read, None)
        assert (over.rollout, over.status) == (None, ReleaseStatus.PENDING_UPGRADE)
        assert same_content(later.load(over, with_sensitive=True), in_namespace(rolling_over(rolling), over.namespace))

    def test_a_status_that_is_not_pending_ends_a_rollout(self, store: SecretReleaseStore, rolling: Revision) -> None:
        failed = store.mark(store.save(rolling).summary, ReleaseStatus.FAILED, description="aborted: no need")
        assert (failed.status, failed.rollout, failed.description) == (ReleaseStatus.FAILED, None, "aborted: no need")

    def test_a_rollout_moves_only_from_what_was_read(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, rolling: Revision
    ) -> None:
        saved = store.save(rolling).summary
        paused = SecretReleaseStore(cluster, clock).move(saved, make_rollout(state=RolloutState.PAUSED))
        with pytest.raises(ConflictError):
            store.move(saved, make_rollout(step=2))
        read = store.read_rollout(saved)
        assert read == paused
        moved = store.move(read, make_rollout(step=2)).rollout
        assert moved is not None
        assert moved.step == 2

    def test_what_is_gone_is_not_found(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        with pytest.raises(ReleaseNotFoundError):
            store.load(make_summary(namespace=namespace))
        with pytest.raises(ReleaseNotFoundError):
            store.mark(make_summary(namespace=namespace), ReleaseStatus.FAILED)
        with pytest.raises(ReleaseNotFoundError):
            store.move(make_summary(namespace=namespace), None)
        with pytest.raises(ReleaseNotFoundError):
            store.read_rollout(make_summary(namespace=namespace))

    def test_pruning_keeps_the_newest_the_newest_deployed_and_what_they_need(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        for number in range(1, 7):
            entries = (
                make_entry("same", {"data": {"a": "b"}}),
                make_entry("config", {"data": {"n": noise(100, number)}}),
            )
            revision = make_revision(*entries, revision=number, summary=make_summary(number, namespace=namespace))
            saved = store.save(revision)
            store.mark(saved.summary, ReleaseStatus.DEPLOYED if number == 2 else ReleaseStatus.FAILED)
        store.prune(namespace, "shop", history_max=3)
        fresh = SecretReleaseStore(cluster, clock)
        left = fresh.summaries(namespace=namespace)
        assert [found.revision for found in left] == [2, 5, 6]
        for summary in left:
            assert fresh.load(summary, with_sensitive=True).user_values == {"qps": 1000, "db": {"password": SECRET}}
        names = set(secrets_in(cluster, namespace))
        assert {name for name in names if ".sensitive." in name} == {sensitive_name("shop", n, 0) for n in (2, 5, 6)}
        assert len([name for name in names if ".pack." in name]) == 4  # the first pack holds what all share

    def test_pruning_drops_what_a_dead_run_left(
        self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision
    ) -> None:
        store.save(first)
        left = encode_revision(
            in_namespace(make_revision(make_entry("other"), revision=2), first.summary.namespace), {}
        )
        for record in (*left.packs, *left.sensitive):
            cluster.create(payload_of(record.body()))
        assert len(secrets_in(cluster, first.summary.namespace)) == 5
        store.prune(first.summary.namespace, "shop", history_max=10)
        assert len(secrets_in(cluster, first.summary.namespace)) == 3

    def test_the_leftovers_of_a_dead_run_do_not_stop_the_next(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        left = encode_revision(first, {})
        for record in (*left.packs, *left.sensitive):
            cluster.create(payload_of(record.body()))
        changed = replace(
            first,
            user_values={"db": {"password": "another-secret-string"}},
            sensitive=frozenset({SECRET, "another-secret-string"}),
        )
        saved = store.save(changed)
        assert same_content(SecretReleaseStore(cluster, clock).load(saved.summary, with_sensitive=True), changed)

    def test_another_release_is_left_alone(
        self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision
    ) -> None:
        other = replace(first, summary=replace(first.summary, release="shop2"))
        store.save(first)
        store.save(other)
        store.erase(first.summary.namespace, "shop")
        assert [found.release for found in store.summaries(namespace=first.summary.namespace)] == ["shop2"]
        assert len(secrets_in(cluster, first.summary.namespace)) == 3

    def test_erasing_leaves_nothing(self, store: SecretReleaseStore, cluster: ClusterClient, first: Revision) -> None:
        for number in (1, 2, 3):
            store.save(replace(first, summary=replace(first.summary, revision=number), notes=f"note {number}"))
        store.erase(first.summary.namespace, "shop")
        assert secrets_in(cluster, first.summary.namespace) == {}

    def test_erasing_that_was_cut_off_is_seen_and_can_be_repeated(
        self, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        namespace = first.summary.namespace
        for number in (1, 2):
            SecretReleaseStore(cluster, clock).save(
                replace(first, summary=replace(first.summary, revision=number), notes=f"{number}")
            )
        while secrets_in(cluster, namespace):
            self._erase_one_secret(cluster, clock, namespace)
            left = SecretReleaseStore(cluster, clock).summaries(namespace=namespace)
            if left:
                assert SecretReleaseStore(cluster, clock).load(left[-1]).inventory
        assert secrets_in(cluster, namespace) == {}

    def _erase_one_secret(self, cluster: ClusterClient, clock: Clock, namespace: str) -> None:
        """Erase with a connection that breaks at the second delete."""
        watched = Watched(cluster)
        deletes = iter(range(100))
        cut = UnavailableError("delete", context=["gone"], hint="-")
        watched.fail = lambda verb, _: cut if verb == "delete" and next(deletes) else None
        with contextlib.suppress(UnavailableError):
            SecretReleaseStore(watched, clock).erase(namespace, "shop")

    @pytest.mark.slow
    def test_eight_mebibytes_that_do_not_compress_are_recorded(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        entries = [make_entry(f"big{n}", {"data": {"blob": noise(900 * 1024, n)}}) for n in range(9)]
        big = in_namespace(make_revision(*entries, user_values={}, sensitive=frozenset()), namespace)
        saved = store.save(big)
        sizes = [len(canonical_json(body)) for body in secrets_in(cluster, namespace).values()]
        assert max(sizes) <= 520 * 1024
        assert same_content(SecretReleaseStore(cluster, clock).load(saved.summary), big)
        again = replace(big, summary=replace(big.summary, revision=2))
        fresh = SecretReleaseStore(cluster, clock)
        fresh.save(again)
        assert len(secrets_in(cluster, namespace)) == len(sizes) + (2 if len(sizes) > 25 else 1)

    def test_a_secret_of_a_mebibyte_is_kept_apart_in_parts(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        entry = make_entry("big", {"data": {"blob": noise(900 * 1024)}}, kind="Secret")
        big = in_namespace(make_revision(entry), namespace)
        saved = store.save(big)
        names = sorted(name for name in secrets_in(cluster, namespace) if ".sensitive." in name)
        assert names == [sensitive_name("shop", 1, part) for part in range(len(names))]
        assert len(names) > 1
        assert same_content(SecretReleaseStore(cluster, clock).load(saved.summary, with_sensitive=True), big)

    def test_many_small_changes_are_packed_anew(
        self, store: SecretReleaseStore, cluster: ClusterClient, namespace: str
    ) -> None:
        fixed = [make_entry(f"fixed{n}", {"data": {"n": noise(200, n)}}) for n in range(40)]
        for number in range(1, 31):
            fixed[number - 1] = make_entry(f"fixed{number - 1}", {"data": {"n": noise(200, 1000 + number)}})
            revision = make_revision(*fixed, revision=number, summary=make_summary(number, namespace=namespace))
            saved = store.save(revision)
            store.mark(saved.summary, ReleaseStatus.DEPLOYED)
            store.prune(namespace, "shop", history_max=2)
        packs = [name for name in secrets_in(cluster, namespace) if ".pack." in name]
        assert len(packs) <= 26

    def test_a_head_that_needs_very_many_packs_lists_them_apart(
        self, cluster: ClusterClient, clock: Clock, namespace: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "INLINE_PACKS", 2)
        monkeypatch.setattr(limits, "PIECE_MAX_BYTES", 2000)
        monkeypatch.setattr(limits, "PACK_MAX_BYTES", 3000)
        entries = tuple(make_entry(f"c{n}", {"data": {"n": noise(2500, n)}}) for n in range(8))
        for number in (1, 2):
            one = make_revision(*entries[number:], revision=number, summary=make_summary(number, namespace=namespace))
            saved = SecretReleaseStore(cluster, clock).save(one)
            SecretReleaseStore(cluster, clock).mark(saved.summary, ReleaseStatus.FAILED, evidence="no quota")
        packs = sum(".pack." in name for name in secrets_in(cluster, namespace))
        SecretReleaseStore(cluster, clock).prune(namespace, "shop", history_max=1)
        store = SecretReleaseStore(cluster, clock)
        (left,) = store.summaries(namespace=namespace)
        loaded = store.load(left, with_sensitive=True)
        assert (loaded.inventory, loaded.evidence) == (entries[2:], "no quota")
        assert 5 < sum(".pack." in name for name in secrets_in(cluster, namespace)) < packs
        store.erase(namespace, "shop")
        assert secrets_in(cluster, namespace) == {}

    @pytest.mark.parametrize(
        ("refusal", "raised"),
        [
            (RejectedError("x", context=["Request entity too large"], hint="-"), RecordTooLargeError),
            (
                ForbiddenError("x", context=["exceeded quota: team"], hint="-", is_quota=True),
                RecordTooLargeError,
            ),
            (ForbiddenError("x", context=["user bob cannot create secrets"], hint="-"), ForbiddenError),
        ],
    )
    def test_a_refused_record_leaves_nothing(
        self, cluster: ClusterClient, clock: Clock, first: Revision, refusal: BundlerError, raised: type[BundlerError]
    ) -> None:
        watched = Watched(cluster)
        watched.fail = lambda verb, name: refusal if verb == "create" and ".release." in name else None
        with pytest.raises(raised) as caught:
            SecretReleaseStore(watched, clock).save(first)
        assert refusal.context[0] in caught.value.context
        if raised is RecordTooLargeError:
            assert "needs 3 Secrets" in caught.value.context[0]
        assert secrets_in(cluster, first.summary.namespace) == {}

    @pytest.mark.parametrize("kind", ["pack", "sensitive"])
    def test_a_record_with_a_missing_part_is_damaged_and_says_which(
        self, store: SecretReleaseStore, cluster: ClusterClient, clock: Clock, first: Revision, kind: str
    ) -> None:
        saved = store.save(first)
        (name,) = (name for name in secrets_in(cluster, first.summary.namespace) if f".{kind}." in name)
        cluster.delete(secret_ref(first.summary.namespace, name))
        with pytest.raises(RecordDamagedError) as caught:
            SecretReleaseStore(cluster, clock).load(saved.summary, with_sensitive=True)
        assert name in caught.value.context[0]

    def test_a_crash_at_any_write_leaves_nothing_visible_or_everything(
        self, cluster: ClusterClient, clock: Clock, first: Revision
    ) -> None:
        for at in range(1, 5):
            for after in (False, True):
                self._crash(cluster, clock, first, at, after=after)

    def _crash(self, cluster: ClusterClient, clock: Clock, first: Revision, at: int, *, after: bool) -> None:
        namespace = first.summary.namespace
        creates = iter(range(1, 100))
        watched = Watched(cluster)
        watched.fail_after = after
        watched.fail = lambda verb, _: (
            UnavailableError("create", context=["cut"], hint="-") if verb == "create" and next(creates) == at else None
        )
        with contextlib.suppress(UnavailableError):
            SecretReleaseStore(watched, clock).save(first)
        fresh = SecretReleaseStore(cluster, clock)
        visible = fresh.summaries(namespace=namespace)
        if visible:
            assert same_content(fresh.load(visible[0], with_sensitive=True), first)
        else:
            assert same_content(fresh.load(fresh.save(first).summary, with_sensitive=True), first)
        fresh.erase(namespace, "shop")


def holder(number: int = 1, **more: object) -> Holder:
    usual = Holder(
        user="ada",
        host=f"host{number}",
        pid=100 + number,
        boot_id=f"boot{number}",
        command="bundler upgrade",
        tool_version="0.1.0",
    )
    return replace(usual, **more)  # type: ignore[arg-type]


class LockCases:
    """The lock. Durations are short, because a real API server keeps real time."""

    @pytest.fixture
    def lock_of(self, cluster: ClusterClient, clock: Clock) -> Callable[..., LeaseLock]:
        def make(number: int = 1, *, duration_s: float = 1.0, gone: bool = False, **more: object) -> LeaseLock:
            return LeaseLock(cluster, clock, holder(number, **more), duration_s=duration_s, is_gone=lambda _pid: gone)

        return make

    def test_a_lock_is_held_and_released(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, namespace: str
    ) -> None:
        with lock_of().hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            held.held()
            state = read_lock(cluster, namespace, "shop")
            assert state is not None
            assert (state.holder, state.doing, state.release) == (holder(), "upgrade", "shop")
        assert read_lock(cluster, namespace, "shop") is None

    def test_a_lock_is_released_after_a_failure(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, namespace: str
    ) -> None:
        with pytest.raises(ZeroDivisionError), lock_of().hold(namespace, "shop", doing="upgrade", timeout_s=0):
            raise ZeroDivisionError
        assert read_lock(cluster, namespace, "shop") is None

    def test_a_living_holder_is_named(self, lock_of: Callable[..., LeaseLock], namespace: str) -> None:
        with (
            lock_of(1, duration_s=30).hold(namespace, "shop", doing="upgrade", timeout_s=0),
            pytest.raises(ReleaseLockedError) as caught,
            lock_of(2).hold(namespace, "shop", doing="rollback", timeout_s=0),
        ):
            pass
        (fact,) = caught.value.context
        for words in ("ada@host1 pid 101", "doing upgrade", "bundler 0.1.0", "started", "last heartbeat"):
            assert words in fact
        assert "bundler unlock shop" in caught.value.hint
        assert "--lock-timeout" in caught.value.hint

    def test_other_releases_are_not_locked(self, lock_of: Callable[..., LeaseLock], namespace: str) -> None:
        with (
            lock_of(1).hold(namespace, "shop", doing="upgrade", timeout_s=0),
            lock_of(2).hold(namespace, "other", doing="upgrade", timeout_s=0),
        ):
            pass

    def test_a_process_of_this_machine_that_is_gone_is_replaced_at_once(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, namespace: str
    ) -> None:
        leave_behind(lock_of(1, duration_s=3600), namespace)
        with lock_of(1, gone=True, pid=999).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            held.held()
            state = read_lock(cluster, namespace, "shop")
            assert state is not None
            assert state.holder.pid == 999
            assert state.transitions == 1

    def test_a_gone_process_of_another_boot_is_not_trusted_to_be_gone(
        self, lock_of: Callable[..., LeaseLock], namespace: str
    ) -> None:
        leave_behind(lock_of(1, duration_s=3600), namespace)
        with (
            pytest.raises(ReleaseLockedError),
            lock_of(1, gone=True, boot_id="boot9").hold(namespace, "shop", doing="x", timeout_s=0),
        ):
            pass

    @pytest.mark.slow
    def test_a_lease_that_does_not_move_for_its_duration_is_taken_over(
        self, lock_of: Callable[..., LeaseLock], clock: Clock, namespace: str
    ) -> None:
        leave_behind(lock_of(1, duration_s=2), namespace)
        started_s = clock.monotonic()
        with lock_of(2).hold(namespace, "shop", doing="upgrade", timeout_s=60) as held:
            held.held()
        assert clock.monotonic() - started_s >= 2

    @pytest.mark.slow
    def test_a_lease_that_looks_expired_is_watched_even_without_timeout(
        self, lock_of: Callable[..., LeaseLock], clock: Clock, namespace: str
    ) -> None:
        leave_behind(lock_of(1, duration_s=1), namespace)
        clock.sleep(1.5)
        started_s = clock.monotonic()
        with lock_of(2).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            held.held()
        assert clock.monotonic() - started_s >= 1

    def test_a_holder_whose_clock_is_behind_is_not_robbed(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        late = Late(clock)
        slow = LeaseLock(cluster, late, holder(1), duration_s=2)
        with slow.hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            beat = threading.Event()
            beater = threading.Thread(target=_beat_until, args=(held, beat), daemon=True)
            beater.start()
            with pytest.raises(ReleaseLockedError), lock_of(2).hold(namespace, "shop", doing="x", timeout_s=0):
                pass
            beat.set()
            beater.join()
            held.held()

    def test_a_waiting_run_gets_the_lock_when_it_is_released(
        self, lock_of: Callable[..., LeaseLock], namespace: str
    ) -> None:
        order: list[str] = []
        inside = threading.Event()

        def first() -> None:
            with lock_of(1, duration_s=30).hold(namespace, "shop", doing="upgrade", timeout_s=0):
                inside.set()
                order.append("first")

        thread = threading.Thread(target=first)
        thread.start()
        inside.wait(60)
        with lock_of(2).hold(namespace, "shop", doing="upgrade", timeout_s=20):
            order.append("second")
        thread.join()
        assert order == ["first", "second"]

    @pytest.mark.slow
    def test_of_many_runs_one_is_inside_at_a_time(self, lock_of: Callable[..., LeaseLock], namespace: str) -> None:
        inside, most, done = [0], [0], []

        def run(number: int) -> None:
            with lock_of(number, duration_s=30).hold(namespace, "shop", doing="upgrade", timeout_s=60) as held:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                held.held()
                inside[0] -= 1
                done.append(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (sorted(done), most[0]) == ([0, 1, 2, 3], 1)

    def test_unlocking_makes_the_holder_stop(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        with lock_of(1, duration_s=1).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            state = read_lock(cluster, namespace, "shop")
            assert state is not None
            assert break_lock(cluster, state)
            clock.sleep(0.7)
            with pytest.raises(LockLostError) as caught:
                held.held()
            assert "its Lease is gone" in caught.value.context[0]
        assert not break_lock(cluster, state)

    def test_who_asks_whether_the_lock_is_still_there_learns_it_at_once(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, namespace: str
    ) -> None:
        with lock_of(1, duration_s=30).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            held.confirm()
            state = read_lock(cluster, namespace, "shop")
            assert state is not None
            assert break_lock(cluster, state)
            held.held()
            with pytest.raises(LockLostError) as caught:
                held.confirm()
            assert "its Lease is gone" in caught.value.context[0]

    def test_a_holder_that_was_taken_over_stops_and_leaves_the_lease_alone(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        with lock_of(1, duration_s=1).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            leave_behind(lock_of(1, gone=True, duration_s=30, pid=7), namespace)
            clock.sleep(0.7)
            with pytest.raises(LockLostError) as caught:
                held.held()
            assert "pid 7 holds it now" in caught.value.context[0]
        state = read_lock(cluster, namespace, "shop")
        assert state is not None
        assert state.holder.pid == 7

    def test_a_lock_is_not_broken_for_a_run_that_took_it_meanwhile(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, namespace: str
    ) -> None:
        leave_behind(lock_of(1), namespace)
        seen = read_lock(cluster, namespace, "shop")
        assert seen is not None
        leave_behind(lock_of(1, gone=True, pid=7), namespace)
        with pytest.raises(ConflictError):
            break_lock(cluster, seen)

    def test_somebody_who_only_touches_the_lease_does_not_take_it(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        with lock_of(1, duration_s=1).hold(namespace, "shop", doing="upgrade", timeout_s=0) as held:
            for _ in range(20):
                if self._touch(cluster, namespace):
                    break
            clock.sleep(0.7)
            held.held()
        assert read_lock(cluster, namespace, "shop") is None

    def _touch(self, cluster: ClusterClient, namespace: str) -> bool:
        from bundler.storage.lease import payload_of as lease_bytes

        ref = lease_ref(namespace, "shop")
        body = cluster.get(ref)
        assert body is not None
        metadata = {key: value for key, value in mapping_at(body, "metadata").items() if key != "managedFields"}
        metadata["annotations"] = {**mapping_at(body, "metadata", "annotations"), "someone": "was here"}
        try:
            cluster.replace(lease_bytes({**body, "metadata": metadata}, ref))
        except ConflictError:
            return False
        return True

    def test_a_run_that_cannot_reach_the_server_stops_before_its_lease_ends(
        self, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        watched = Watched(cluster)
        with LeaseLock(watched, clock, holder(), duration_s=1).hold(namespace, "shop", doing="x", timeout_s=0) as held:
            watched.fail = lambda verb, _: (
                UnavailableError("x", context=["down"], hint="-") if verb == "replace" else None
            )
            clock.sleep(0.8)
            with pytest.raises(LockLostError) as caught:
                held.held()
            assert "no heartbeat" in caught.value.context[0]

    @pytest.mark.slow
    def test_a_late_heartbeat_is_made_up_for(self, cluster: ClusterClient, clock: Clock, namespace: str) -> None:
        down = [True]
        watched = Watched(cluster)
        with LeaseLock(watched, clock, holder(), duration_s=1).hold(namespace, "shop", doing="x", timeout_s=0) as held:
            watched.fail = lambda verb, _: (
                UnavailableError("x", context=["down"], hint="-") if verb == "replace" and down[0] else None
            )
            clock.sleep(2)
            down[0] = False
            held.held()

    def test_a_run_that_is_outrun_at_a_takeover_waits_again(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        leave_behind(lock_of(1), namespace)
        first = iter([ConflictError("x", context=["moved"], hint="-")])
        watched = Watched(cluster)
        watched.fail = lambda verb, _: next(first, None) if verb == "replace" else None
        lock = LeaseLock(watched, clock, holder(1, pid=9), duration_s=30, is_gone=lambda _pid: True)
        with lock.hold(namespace, "shop", doing="x", timeout_s=0) as held:
            held.held()

    def test_a_create_whose_answer_was_lost_is_taken_as_ours(
        self, cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        watched = Watched(cluster)
        watched.fail_after = True
        watched.fail = lambda verb, _: AlreadyExistsError("x", context=["x"], hint="-") if verb == "create" else None
        with LeaseLock(watched, clock, holder(), duration_s=30).hold(namespace, "shop", doing="x", timeout_s=0) as held:
            held.held()

    def test_a_holder_without_permission_to_delete_frees_the_lease(
        self, lock_of: Callable[..., LeaseLock], cluster: ClusterClient, clock: Clock, namespace: str
    ) -> None:
        watched = Watched(cluster)
        watched.fail = lambda verb, _: ForbiddenError("x", context=["x"], hint="-") if verb == "delete" else None
        with LeaseLock(watched, clock, holder(), duration_s=30).hold(namespace, "shop", doing="x", timeout_s=0):
            pass
        assert read_lock(cluster, namespace, "shop") is None
        with lock_of(2).hold(namespace, "shop", doing="x", timeout_s=0) as held:
            held.held()


class Late:
    """A clock whose time of day is a year behind."""

    def __init__(self, inner: Clock) -> None:
        self._inner = inner

    def now(self) -> datetime:
        return self._inner.now().replace(year=2020, day=1)

    def monotonic(self) -> float:
        return self._inner.monotonic()

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def _beat_until(held: object, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        held._renew()  # type: ignore[attr-defined]


def leave_behind(lock: LeaseLock, namespace: str) -> None:
    """Take a lock the way a run does that dies at once."""
    from bundler.storage.lease import Claim

    cluster, ref = lock._cluster, lease_ref(namespace, "shop")
    body = cluster.get(ref)
    state = read_lease(body, "shop") if body is not None else None
    claim = Claim(
        release="shop", holder=lock._holder, doing="upgrade", duration_s=lock._duration_s, token=str(random.random())
    )
    for _ in range(20):
        payload = lease_payload(claim, state, ref=ref, now=lock._clock.now())
        try:
            cluster.replace(payload) if state else cluster.create(payload)
        except ConflictError:
            state = read_lease(cluster.get(ref) or {}, "shop")
        else:
            return


__all__ = ["LockCases", "RealClock", "StoreCases", "secret_ref"]
