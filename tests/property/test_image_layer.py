"""Laws of layers that are made: the same files give the same bytes, whenever and however they were written."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from gzip import decompress
from pathlib import Path

from hypothesis import given, settings, strategies as st

from bundler.archive.image_layer import PackedLayer
from bundler.loader.added_tree import read_additions
from bundler.model.digest import digest_of
from bundler.model.image_build import Addition, Owner
from tests.lib.laws import examples

NAMES = st.text(alphabet="abcXYZ019-_. éß漢", min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."} and not name.endswith((".swp", ".DS_Store")) and not name.startswith(".wh")
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.tuples(st.binary(max_size=300), st.booleans()), min_size=1, max_size=6).filter(
    lambda files: not any(one.startswith(f"{other}/") for one in files for other in files)
)


def write(root: Path, files: dict[str, tuple[bytes, bool]], *, umask: int, mtime: int) -> None:
    """Write a tree in the order of ``files``."""
    before = os.umask(umask)
    try:
        for path, (content, is_executable) in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod((0o777 if is_executable else 0o666) & ~umask)
            os.utime(target, (mtime, mtime))
    finally:
        os.umask(before)


def packed(root: Path, target: str) -> tuple[str, str, bytes]:
    added = read_additions([Addition(source=root, target=target)])
    with PackedLayer(added.entries, owner=Owner(), folders={}, mtime=0) as layer:
        return layer.digest, layer.diff_id, b"".join(layer.read(0))


@given(TREES, st.randoms())
@settings(max_examples=examples(40), deadline=None)
def test_the_same_tree_written_in_any_order_at_any_time_with_any_umask_is_the_same_layer(files, random) -> None:
    shuffled = list(files.items())
    random.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write(Path(one), files, umask=0o022, mtime=1_000_000_000)
        write(Path(two), dict(shuffled), umask=0o077, mtime=1_700_000_123)
        first, second = packed(Path(one), "/app"), packed(Path(two), "/app")
    assert first == second
    assert digest_of(first[2]) == first[0]
    assert digest_of(decompress(first[2])) == first[1]


@given(TREES)
@settings(max_examples=examples(40), deadline=None)
def test_what_is_packed_is_what_was_there_and_nothing_of_the_machine(files) -> None:
    with tempfile.TemporaryDirectory() as root:
        write(Path(root), files, umask=0o022, mtime=1_000_000_000)
        _, _, content = packed(Path(root), "/app")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {one.name: (tar.extractfile(one).read(), bool(one.mode & 0o100)) for one in tar if one.isfile()}
        entries = tar.getmembers()
    assert found == {f"app/{path}": file for path, file in files.items() if not path.endswith("~")}
    assert [one.name for one in entries] == sorted(one.name for one in entries)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in entries} == {(0, 0, "", "", 0)}
    assert {one.mode for one in entries} <= {0o755, 0o644}
