"""The sandbox's file: modes, formats, damage, several processes and threads."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ConflictError, SandboxStoreError
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.sandbox.store import SCHEMA_VERSION, Store
from tests.contract.bodies import config_map, deployment, with_metadata
from tests.lib.clocks import FakeClock
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import apply, available, get, names, payload

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.sandbox.store import Transaction

REF = ObjectRef("", "ConfigMap", "default", "settings")


def test_the_file_and_its_companions_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sandbox.db"
    client = open_sandbox(path=path)
    apply(client, config_map())
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {"sandbox.db": 0o600, "sandbox.db-wal": 0o600, "sandbox.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    client.close()


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    clock = FakeClock()
    first = open_sandbox(clock, path=tmp_path / "s.db")
    apply(first, deployment(replicas=2))
    first.fail("Deployment", "web", "NotReady")
    identity, before = first.identity(), get(first, "Deployment", "web", "apps")
    first.close()
    second = open_sandbox(clock, path=tmp_path / "s.db")
    assert second.identity() == identity
    assert get(second, "Deployment", "web", "apps") == before
    assert [(str(fault.ref), fault.reason) for fault in second.faults()] == [
        ("apps/Deployment/default/web", "NotReady")
    ]
    second.heal("Deployment", "web")
    clock.sleep(1)
    assert available(second) == 2
    second.close()


def test_a_file_of_a_newer_bundler_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_sandbox(path=path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(SandboxStoreError) as caught:
        open_sandbox(path=path)
    assert "newer bundler" in caught.value.hint
    assert str(path) in caught.value.context[0]


@pytest.mark.parametrize("content", [b"this is not a database, but long enough to look like one" * 40, b"short"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(SandboxStoreError) as caught:
        open_sandbox(path=path)
    assert str(path) in caught.value.context[0]


def test_a_full_disk_calls_for_room_and_not_for_a_new_sandbox(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    with pytest.raises(SandboxStoreError) as caught, store.transaction() as tx:
        _fill(store, tx)
    assert caught.value.hint.startswith("free space on this disk")
    assert "reset" not in caught.value.hint
    store.close()


def _fill(store: Store, tx: Transaction) -> None:
    store._sql.execute("PRAGMA max_page_count = 1")
    body = {"metadata": {"name": "settings", "uid": "1"}, "data": {"text": "x" * 1_000_000}}
    tx.insert(REF, body)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxStoreError):
        open_sandbox(path=tmp_path / "file" / "s.db")


def _insert_and_fail(tx: Transaction, body: dict[str, Any]) -> None:
    tx.insert(REF, body)
    raise KeyError


def test_a_dropped_transaction_leaves_nothing_behind() -> None:
    store = Store(None)
    body: dict[str, Any] = {"metadata": {"name": "a", "uid": "1"}, "kind": "ConfigMap", "apiVersion": "v1"}
    with pytest.raises(KeyError), store.transaction() as tx:
        _insert_and_fail(tx, body)
    with store.transaction(is_dry_run=True) as tx:
        tx.insert(REF, body)
        assert tx.get(REF) is not None
    with store.snapshot() as tx:
        assert tx.get(REF) is None
        assert tx.version == 1
        assert tx.log_since(0, "", "ConfigMap") == []
    store.close()


def test_a_peek_after_a_dropped_write_shows_what_is_stored() -> None:
    store = Store(None)
    body: dict[str, Any] = {"metadata": {"name": "settings", "uid": "1"}, "data": {"a": "1"}}
    with store.transaction() as tx:
        tx.insert(REF, dict(body))
    with store.transaction(is_dry_run=True) as tx:
        tx.update(REF, {**body, "data": {"a": "2"}})
        assert tx.peek("", "ConfigMap")[0]["data"] == {"a": "2"}
    with store.transaction() as tx:
        assert tx.peek("", "ConfigMap")[0]["data"] == {"a": "1"}
        tx.update(REF, {**body, "data": {"a": "3"}})
        assert tx.peek("", "ConfigMap")[0]["data"] == {"a": "3"}
    with store.snapshot() as tx:
        assert tx.peek("", "ConfigMap")[0]["data"] == {"a": "3"}
    store.close()


@pytest.mark.medium
def test_the_log_is_bounded() -> None:
    client = open_sandbox(log_length=100)
    for number in range(400):
        apply(client, config_map(count=str(number)))
    with client._store.snapshot() as tx:
        assert tx.version - tx.oldest_logged() <= 100 + 64


def _write_many(path: Path, worker: int, count: int) -> None:
    client = SandboxClient.open(path, FakeClock())
    for number in range(count):
        apply(client, config_map(f"from-{worker}-{number}"))
        names(client, "ConfigMap")
    client.close()


@pytest.mark.slow
def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(path, worker, 15)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    client = open_sandbox(path=path)
    wanted = {f"from-{worker}-{number}" for worker in range(3) for number in range(15)}
    assert wanted <= set(names(client, "ConfigMap"))
    with client._store.snapshot() as tx:
        versions = [int(one["metadata"]["resourceVersion"]) for one in tx.select("", "ConfigMap")]
    assert len(set(versions)) == len(versions)
    client.close()


def _open_new_files(folder: Path, name: str, other: str, count: int) -> None:
    """Wait before each file until the other process is as far, so that both make it at the same moment."""
    for number in range(count):
        (folder / f"{name}{number}").touch()
        while not (folder / f"{other}{number}").exists():
            pass
        Store(folder / f"{number}.db").close()


@pytest.mark.slow
def test_processes_that_make_the_same_file_at_once_all_get_there(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ways = [("a", "b"), ("b", "a")]
    processes = [context.Process(target=_open_new_files, args=(tmp_path, *way, 30), daemon=True) for way in ways]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=15)
    assert [process.exitcode for process in processes] == [0, 0]


@pytest.mark.medium
def test_opening_a_file_twice_lets_go_of_no_lock_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    first = Store(path)
    second = Store(path)
    second.close()
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=_open_and_close, args=(path,), daemon=True)
    other.start()
    other.join(timeout=30)
    # Who closes last takes the log of writes away: the other process must see that we still have it open.
    assert path.with_name("s.db-wal").exists()
    first.close()


def _open_and_close(path: Path) -> None:
    Store(path).close()


def test_threads_that_replace_from_what_they_read_never_overwrite_each_other() -> None:
    client = open_sandbox()
    client.create(payload(config_map(count="0")))
    conflicts: list[ConflictError] = []

    def add(times: int) -> None:
        while times:
            live = get(client, "ConfigMap", "settings")
            body = with_metadata(
                config_map(count=str(int(live["data"]["count"]) + 1)),
                resourceVersion=live["metadata"]["resourceVersion"],
            )
            try:
                client.replace(payload(body))
                times -= 1
            except ConflictError as error:
                conflicts.append(error)

    threads = [threading.Thread(target=add, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(client, "ConfigMap", "settings")["data"] == {"count": "100"}
