from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.bundle import BundleNotFoundError
from bundler.loader.locate import find_bundle, known_names
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path


def test_a_word_is_looked_up_in_the_search_path_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    make_bundle(second, name="shop")
    make_bundle(second, name="db")
    make_bundle(first, name="db")
    assert find_bundle("shop", search_path=[first, second]).path == second / "shop"
    found = find_bundle("db", search_path=[first, second])
    assert (found.path, found.origin, found.is_archive) == (first / "db", str(first / "db"), False)


def test_the_highest_release_of_several_archives_is_taken(tmp_path: Path) -> None:
    for name in ("shop-1.9.0", "shop-1.10.0", "shop-2.0.0-rc.1", "shop-web-3.0.0", "shop-x"):
        (tmp_path / f"{name}.tgz").write_bytes(b"")
    found = find_bundle("shop", search_path=[tmp_path])
    assert (found.path.name, found.is_archive) == ("shop-1.10.0.tgz", True)


def test_a_shipped_bundle_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path, name="shop")
    monkeypatch.setattr("bundler.loader.shipped.shipped_dir", lambda _kind: tmp_path)
    found = find_bundle("shop")
    assert (found.path, found.origin, found.found) == (tmp_path / "shop", "shop", "bundle shop (shipped with bundler)")


def test_a_shipped_bundle_that_hides_a_folder_here_says_how_to_name_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bundle(tmp_path, name="shop")
    monkeypatch.chdir(tmp_path)
    assert find_bundle("shop").found == "bundle shop (shipped with bundler; for the folder here, write ./shop)"


def test_paths_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_bundle(tmp_path, name="shop")
    (tmp_path / "a.tgz").write_bytes(b"")
    monkeypatch.chdir(root)
    assert find_bundle(".").path.resolve() == root
    assert find_bundle("../shop").origin == "../shop"
    monkeypatch.chdir(tmp_path)
    assert find_bundle("a.tgz").is_archive
    assert not find_bundle("./shop").is_archive


@pytest.mark.parametrize(
    ("name", "context", "hint"),
    [
        ("oci://host/shop", "a bundle in a registry is not a local file", "path"),
        ("shop-1.0.0.bundle", "this verb works on its source", "path"),
        ("./nothing", "does not exist", "check the path"),
        ("./empty", "has no bundle.yaml", "bundler create"),
        ("./file", "is neither a folder nor a .tgz archive", "check the path"),
        ("shpo", "shop", "did you mean shop?"),
        ("local", "shop", "write ./local"),
        ("zzz", "shop", "BUNDLER_BUNDLE_PATH"),
        ("", "shop", "with a slash"),
        (".hidden", "shop", "with a slash"),
        ("./" + "x" * 300, "name too long", "check the path"),
        ("x" * 300, "name too long", "check the path"),
    ],
)
def test_what_is_not_there_is_told_with_where_was_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, context: str, hint: str
) -> None:
    monkeypatch.setattr("bundler.loader.shipped.shipped_dir", lambda _kind: tmp_path / "shipped")
    make_bundle(tmp_path / "shipped", name="shop")
    make_bundle(tmp_path, name="local")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleNotFoundError, match="looking for bundle") as caught:
        find_bundle(name, search_path=[tmp_path / "none"])
    assert context in " ".join(caught.value.context)
    assert hint in caught.value.hint


def test_names_that_are_known_are_those_that_can_be_found(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    make_bundle(first, name="tea")
    for archive in ("tea-2.0.0.tgz", "web-shop-1.0.0-rc.1.tgz", "notes.tgz", "old-stuff.tgz"):
        (first / archive).touch()
    make_bundle(second, name="cake")
    found = known_names([first, second, tmp_path / "missing"])
    assert {"tea", "web-shop", "cake", "shop"} <= set(found)
    assert not {"notes", "old", "old-stuff", "web"} & set(found)
    assert found == sorted(found)
    assert all(find_bundle(name, search_path=[first, second]) for name in found)
