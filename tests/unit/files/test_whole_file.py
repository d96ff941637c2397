"""Files that appear whole, and what they are never put in the place of."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole

START_S = 60


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    reader.start()
    content = b"x" * 200_000
    write_whole(pipe, content, mode=0o600)
    reader.join(START_S)
    assert heard == [content]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices, and only root can put a file in their place")
def test_a_device_is_written_to_and_stays_one(tmp_path):
    nothing = tmp_path / "null"
    try:
        os.mknod(nothing, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container makes no devices")
    write_whole(nothing, b"gone")
    assert stat.S_ISCHR(nothing.lstat().st_mode)


def test_a_link_to_a_stream_of_this_process_is_written_to(tmp_path):
    with (tmp_path / "seen").open("w+b") as file:
        link = tmp_path / "stdout"
        link.symlink_to(f"/proc/self/fd/{file.fileno()}")
        write_whole(link, b"here")
        assert link.is_symlink()
        assert (tmp_path / "seen").read_bytes() == b"here"


def test_any_other_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "mine").symlink_to("theirs")
    write_whole(tmp_path / "mine", b"mine")
    assert ((tmp_path / "mine").read_bytes(), (tmp_path / "theirs").read_bytes()) == (b"mine", b"theirs")


@pytest.mark.parametrize(
    ("number", "asks_for_room"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False)]
)
def test_a_full_disk_calls_for_room_and_nothing_else(number, asks_for_room):
    hint = hint_to_write(OSError(number, "no"), "choose a folder that you can write to")
    assert hint.startswith("free space on this disk") == asks_for_room
    assert ("you can write to" in hint) != asks_for_room
