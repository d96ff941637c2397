"""The sandbox opens what this user made, and nothing else."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from bundler.errors.cluster import SandboxStoreError
from bundler.sandbox.store import Store

if TYPE_CHECKING:
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def made(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "sandbox.db"
    Store(path).close()
    return path


def let_others_write(path: Path) -> None:
    path.chmod(0o666)


def let_others_write_the_folder(path: Path) -> None:
    path.parent.chmod(0o777)


def let_others_write_above(path: Path) -> None:
    path.parent.parent.chmod(0o777)


def link(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


def link_twice(path: Path) -> None:
    os.link(path, path.with_name("other"))


def link_beside(path: Path) -> None:
    path.with_name(f"{path.name}-wal").symlink_to("/dev/null")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def give_away(path: Path) -> None:
    os.chown(path, 12345, -1)


def statement(text: str):
    def run(path: Path) -> None:
        with sqlite3.connect(path) as database:
            database.execute(text)
        database.close()

    return run


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (let_others_write, "has mode 666"),
        (let_others_write_the_folder, "/state belongs to user {uid} and has mode 777"),
        (let_others_write_above, "belongs to user {uid} and has mode 777"),
        (link, "it is a link, or no file"),
        (link_twice, "it is a link, or no file"),
        (link_beside, "sandbox.db-wal: it is a link, or no file"),
        (pipe, "it is a link, or no file"),
        pytest.param(give_away, "it belongs to user 12345", marks=needs_root),
        (
            statement("CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM objects; END"),
            "it holds the trigger 't', which bundler does not make",
        ),
        (statement("CREATE VIEW v AS SELECT * FROM objects"), "it holds the view 'v'"),
        (statement("CREATE INDEX i ON objects (length(body))"), "it holds the index 'i'"),
        (statement("ALTER TABLE meta ADD COLUMN c AS (hex(value))"), "it holds the table 'meta'"),
    ],
)
def test_a_file_that_someone_else_can_have_written_is_refused(tmp_path: Path, spoil, found: str) -> None:
    path = made(tmp_path)
    spoil(path)
    with pytest.raises(SandboxStoreError) as caught:
        Store(path)
    assert found.format(uid=os.geteuid()) in caught.value.context[0]
    assert caught.value.hint


def test_what_was_made_once_is_opened_again(tmp_path: Path) -> None:
    path = made(tmp_path)
    Store(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
