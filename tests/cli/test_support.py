"""``bundler support-bundle``: one file, the same for the same state, and readable by its maker alone."""

from __future__ import annotations

import json
import tarfile

import pytest

from tests.lib.menus import small_bundle


@pytest.fixture
def installed(cli):
    cli("install", "shop", small_bundle(cli.home), "--set", "token=hunter2hunter2", "-n", "prod").ok()
    return cli


def test_one_file_holds_it_all_and_is_the_same_each_time(installed):
    folder = installed.home / "out"
    folder.mkdir()
    written = installed("support-bundle", "shop", "-n", "prod", "--out", folder, "-o", "json").ok().document
    again = installed("support-bundle", "shop", "-n", "prod", "--out", folder / "b.tgz", "-o", "json").ok().document
    assert written["sha256"] == again["sha256"]
    path = folder / "shop-support.tgz"
    assert (str(path), path.stat().st_mode & 0o777) == (written["file"], 0o600)
    with tarfile.open(path) as archive:
        names = archive.getnames()
        index = json.load(archive.extractfile("shop-support/index.json"))
        texts = [archive.extractfile(name).read() for name in names]
    assert index["parts"] == written["parts"]
    assert "shop-support/README.txt" in names
    assert not [text for text in texts if b"hunter2" in text]


def test_a_release_that_is_not_there_makes_no_file(cli):
    out = cli.home / "x.tgz"
    assert cli("support-bundle", "shop", "--out", out).code == 1
    assert not out.exists()


def test_a_file_that_cannot_be_written_is_named(installed):
    found = installed("support-bundle", "shop", "-n", "prod", "--out", installed.home / "none" / "x.tgz")
    assert (found.code, "none/x.tgz" in found.err) == (1, True)
