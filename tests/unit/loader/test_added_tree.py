"""What is added to an image: which entries it becomes, and what is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bundler.archive.image_layer import PackedLayer
from bundler.errors.delivery import ImageBuildError
from bundler.loader.added_tree import read_additions
from bundler.model.image_build import Addition, Owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "lib").mkdir(parents=True)
    (root / "main.py").write_text("print()")
    (root / "main.py").chmod(0o700)
    (root / "lib" / "a.txt").write_text("a")
    (root / "link").symlink_to("lib/a.txt")
    return root


def paths(*additions: Addition) -> dict[str, str]:
    return {entry.path: entry.kind.value for entry in read_additions(additions).entries}


@pytest.mark.parametrize(
    ("target", "top"), [("/app", ["app"]), ("/opt/app/", ["opt", "opt/app"]), ("/", [])], ids=["one", "deep", "root"]
)
def test_a_folder_becomes_its_content_and_the_folders_above_it(tree: Path, target: str, top: list[str]) -> None:
    prefix = f"{top[-1]}/" if top else ""
    wanted = dict.fromkeys(top, "folder") | {
        f"{prefix}lib": "folder",
        f"{prefix}lib/a.txt": "file",
        f"{prefix}link": "link",
        f"{prefix}main.py": "file",
    }
    assert paths(Addition(source=tree, target=target)) == wanted


def test_a_file_gets_the_path_that_is_said_or_keeps_its_name_in_a_folder(tree: Path) -> None:
    main = tree / "main.py"
    assert list(paths(Addition(source=main, target="/bin/run"))) == ["bin", "bin/run"]
    assert list(paths(Addition(source=main, target="/bin/"))) == ["bin", "bin/main.py"]
    assert read_additions([Addition(source=main, target="/run")]).entries[0].is_executable
    assert list(paths(Addition(source=tree / "link", target="/a"))) == ["a"]


def test_the_later_of_two_files_counts_and_folders_are_merged(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "lib").mkdir(parents=True)
    (other / "lib" / "a.txt").write_text("longer")
    added = read_additions([Addition(source=one, target="/app") for one in (tree, other)])
    assert {entry.path: entry.size for entry in added.entries}["app/lib/a.txt"] == 6
    assert "app/main.py" in {entry.path for entry in added.entries}


def test_what_is_ignored_is_counted_and_archives_are_not_ignored_as_in_bundles(tree: Path) -> None:
    (tree / ".bundleignore").write_text("*.txt\n")
    (tree / "data.tgz").write_text("data")
    (tree / "__pycache__").mkdir()
    added = read_additions([Addition(source=tree, target="/app")])
    assert [entry.path for entry in added.entries] == ["app", "app/data.tgz", "app/lib", "app/link", "app/main.py"]
    assert added.left_out == 2


def pipe(tree: Path) -> None:
    os.mkfifo(tree / "x")


def linked(target: str, inside: str = "x") -> Callable[[Path], None]:
    return lambda tree: (tree / inside).symlink_to(target)


def set_user_id(tree: Path) -> None:
    (tree / "main.py").chmod(0o4755)


def named(name: bytes) -> Callable[[Path], None]:
    return lambda tree: open(os.fsencode(tree) + b"/" + name, "wb").close()


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (pipe, "is a pipe"),
        (set_user_id, "has the set-user-ID or set-group-ID bit"),
        (linked("/etc/passwd"), "is a link to the absolute path /etc/passwd"),
        (linked("../other"), "is a link to ../other, outside of the folder"),
        (linked("../../src/main.py", "lib/x"), "outside of the folder"),
        (named(b".wh.main.py"), "something is deleted"),
        (named(b"a\nb"), "control characters"),
        (named(b"\xff"), "not UTF-8"),
    ],
)
def test_what_no_image_should_hold_is_refused(tree: Path, spoil: Callable[[Path], None], found: str) -> None:
    spoil(tree)
    with pytest.raises(ImageBuildError) as caught:
        read_additions([Addition(source=tree, target="/app")])
    assert found in "\n".join(caught.value.context)


def test_a_link_inside_of_the_folder_is_kept_as_it_is_written(tree: Path) -> None:
    linked("../main.py", "lib/up")(tree)
    entries = {entry.path: entry for entry in read_additions([Addition(source=tree, target="/app")]).entries}
    assert entries["app/lib/up"].target == "../main.py"


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (["/app", "/app/main.py/"], "/app/main.py would be a folder and a file at once"),
        (["/app", "/app/link/x"], "/app/link is a link, and /app/link/x would be below it"),
    ],
)
def test_a_path_is_one_thing_alone(tree: Path, targets: list[str], found: str) -> None:
    with pytest.raises(ImageBuildError) as caught:
        read_additions([Addition(source=tree, target=target) for target in targets])
    assert found in "\n".join(caught.value.context)


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"longer than before", "app/main.py grew"), (b"", "app/main.py shrank"), (None, "main.py: No")],
)
def test_a_file_that_changes_while_it_is_packed_is_reported(tree: Path, content: bytes | None, found: str) -> None:
    added = read_additions([Addition(source=tree, target="/app")])
    if content is None:
        (tree / "main.py").unlink()
    else:
        (tree / "main.py").write_bytes(content)
    with pytest.raises(ImageBuildError) as caught:
        PackedLayer(added.entries, owner=Owner(), folders={}, mtime=0)
    assert found in caught.value.context[0]


def test_everything_that_is_wrong_is_reported_at_once(tree: Path, tmp_path: Path) -> None:
    pipe(tree)
    with pytest.raises(ImageBuildError) as caught:
        read_additions(
            [
                Addition(source=tree, target="/app"),
                Addition(source=tmp_path / "none", target="/x"),
                Addition(source=tree / "main.py", target="/"),
                Addition(source=tree / "x", target="/y"),
            ]
        )
    assert [line.rpartition("/")[2] for line in caught.value.context] == [
        "none cannot be read: No such file or directory",
        "x is a pipe; an image takes files, folders and links",
    ]
