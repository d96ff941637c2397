"""``bundler template --split``: one file for each object, for review in Git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.menus import small_bundle

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "_/configmap/shop-config.yaml"
EXTRA = "_/configmap/shop-extra.yaml"


@pytest.fixture
def split(cli):
    """A function that splits the small bundle into a folder."""
    menu = small_bundle(cli.home)
    folder = cli.home / "objects"
    return lambda *words: cli("template", menu, "--release", "shop", "--split", folder, *words)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_follows_what_the_bundle_renders_and_a_check_names_what_does_not(split, cli):
    folder = cli.home / "objects"
    first = split("--set", "extra=true", "--set", "token=hunter2hunter2", "-o", "json").ok().document
    assert (set(first["added"]), first["changed"], first["removed"]) == (files(folder), [], [])
    assert not [path for path in files(folder) if "hunter2" in (folder / path).read_text()]
    found = split("--set", "text=other", "--check")
    (folder / "_/service/shop-web.yaml").unlink()
    found = split("--set", "text=other", "--check")
    assert (found.code, found.out.splitlines()) == (
        3, ["+ _/service/shop-web.yaml", f"~ {CONFIG}", "~ _/deployment.apps/shop-web.yaml", f"- {EXTRA}"]
    )  # fmt: skip
    assert EXTRA in files(folder), "a check writes nothing"
    split("--set", "text=other").ok()
    assert EXTRA not in files(folder)
    assert split("--set", "text=other", "--check").code == 0


def test_a_check_of_a_folder_that_is_missing_finds_every_file_missing(split, cli):
    found = split("--check", "-o", "json")
    assert (found.code, found.document["added"] == found.document["files"]) == (3, True)
    assert not (cli.home / "objects").exists()


def test_only_what_bundler_wrote_is_ever_deleted_or_replaced(split, cli, tmp_path):
    folder = cli.home / "objects"
    split("--set", "extra=true").ok()
    ours = (folder / EXTRA).read_text()
    (folder / "_/configmap/copy.yaml").write_text(ours)
    (folder / "_/configmap/mine.yaml").write_text("kind: ConfigMap\n")
    (elsewhere := tmp_path / "elsewhere.yaml").write_text(ours)
    (folder / EXTRA).unlink()
    (folder / EXTRA).symlink_to(elsewhere)
    split().ok()
    assert {EXTRA, "_/configmap/copy.yaml", "_/configmap/mine.yaml"} <= files(folder)
    assert elsewhere.read_text() == ours


@pytest.mark.parametrize("place", ["_/configmap/shop-config.yaml", "_/configmap", "_"])
def test_what_is_in_the_way_is_named_and_nothing_is_written(split, cli, tmp_path, place):
    target = cli.home / "objects" / place
    target.parent.mkdir(parents=True)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    target.symlink_to(elsewhere)
    found = split()
    assert (found.code, f"{place}: exists already" in found.err) == (1, True)
    assert not files(elsewhere)
    assert not files(cli.home / "objects")


@pytest.mark.parametrize("words", [("--only", "a.yaml"), ("--show-invalid",)])
def test_part_of_the_objects_is_not_split(split, words):
    assert split(*words).code == 2


def test_a_check_needs_a_folder(cli):
    assert cli("template", small_bundle(cli.home), "--check").code == 2
