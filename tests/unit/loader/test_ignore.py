from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.loader.ignore import IgnoreRules
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("pattern", "ignored", "kept"),
    [
        ("*.md", "README.md docs/a.md", "README.mdx md"),
        ("/*.md", "README.md", "docs/a.md"),
        ("docs/*.md", "docs/a.md", "docs/b/a.md a/docs/a.md"),
        ("**/b.md", "b.md a/b.md a/c/b.md", "ab.md"),
        ("docs/**", "docs/a docs/a/b", "docs other/docs/a"),
        ("a/**/z", "a/z a/b/z a/b/c/z", "a/bz"),
        ("?.txt", "a.txt x/b.txt", "ab.txt"),
        ("[ab].txt", "a.txt b.txt", "c.txt"),
        ("[!ab].txt", "c.txt", "a.txt"),
        ("[z-a]", "[z-a]", "z"),
        (r"\#a", "#a", "a"),
        ("# *", "", "# x"),
        ("a.c", "a.c", "abc"),
        ("*.md\n!keep.md", "a.md", "keep.md x/keep.md"),
        ("!keep.md\n*.md", "keep.md", "keep.txt"),
        ("bundle.yaml\n*", "x y/z", "bundle.yaml"),
        ("/", "", "a"),
        ("", ".git .DS_Store a/.DS_Store x~ shop-1.0.0.tgz __pycache__", "a/b.tgz .gitignore"),
    ],
)  # fmt: skip
def test_patterns_name_what_they_say(pattern: str, ignored: str, kept: str) -> None:
    rules = IgnoreRules(pattern)
    assert [
        path for path in ignored.split() if not rules.is_ignored(path, is_folder=path.startswith((".git", "__py")))
    ] == []
    assert [path for path in kept.split() if rules.is_ignored(path, is_folder=False)] == []


def test_a_slash_at_the_end_means_folders_only() -> None:
    rules = IgnoreRules("build/")
    assert rules.is_ignored("a/build", is_folder=True)
    assert not rules.is_ignored("build", is_folder=False)


def test_what_is_ignored_is_neither_loaded_nor_packaged(tmp_path: Path) -> None:
    root = make_bundle(
        tmp_path,
        {
            ".bundleignore": "secrets/\n*.txt\n!keep.txt\n",
            "secrets/keep.txt": "",
            "a.txt": "",
            "keep.txt": "",
            ".git/config": "",
        },
    )
    assert sorted(load_from(root).files) == [".bundleignore", "bundle.yaml", "keep.txt"]
