"""``bundler diff`` of two revisions and of two bundles."""

from __future__ import annotations

import shutil

import pytest

from tests.lib.menus import small_bundle

SECRETS = ("hunter2hunter2", "correct-horse-9")


@pytest.fixture
def three(cli):
    """Three revisions of one release, and its bundle."""
    menu = small_bundle(cli.home)
    for text, token in (("one", SECRETS[0]), ("two", SECRETS[0]), ("two", SECRETS[1])):
        cli("install", "shop", menu, "--set", f"text={text}", "--set", f"token={token}", "-n", "prod").ok()
    return cli


@pytest.mark.medium
def test_two_revisions_are_compared_as_they_were_recorded(three):
    found = three.golden("diff/revisions", "diff", "shop", "--revision", "1..3", "-n", "prod")
    assert found.code == 0
    assert three("diff", "shop", "--revision", "3..1", "-n", "prod", "--exit-code").code == 3
    assert three("diff", "shop", "--revision", "2..2", "-n", "prod", "--exit-code").code == 0


def test_a_secret_that_differs_is_a_change_in_every_output_and_its_value_in_none(three):
    """One number means: with the revision that is deployed."""
    for output in ("text", "json", "yaml", "markdown", "html"):
        found = three("diff", "shop", "--revision", "2", "-n", "prod", "-o", output, "--exit-code")
        assert (found.code, "shop-token" in found.out) == (3, True), output
        assert not [secret for secret in SECRETS if secret in found.out + found.err], output


def test_two_bundles_are_compared_without_a_cluster_by_the_same_values(cli):
    old = small_bundle(cli.home / "old")
    shutil.copytree(old, new := cli.home / "new")
    template = new / "templates" / "config.yaml"
    template.write_text(template.read_text().replace("text:", "words:"))
    words = ("diff", old, new, "--set", "text=ours", "--context", "there-is-none")
    assert cli.golden("diff/bundles", *words).code == 0
    (change,) = cli(*words, "-o", "json", "--exit-code").document["changes"]
    assert [one["path"] for one in change["patch"]] == ["/data/text", "/data/words"]


@pytest.mark.parametrize(
    "words",
    [
        ("shop",),
        ("shop", "--revision", "0..1"),
        ("shop", "--revision", "1-2"),
        ("shop", "./shop", "--revision", "1..2"),
        ("shop", "--revision", "1..2", "--set", "text=a"),
        ("./shop", "./shop", "--reuse-values"),
        ("./shop", "--revision", "1..2"),
    ],
)
def test_what_would_be_ignored_is_refused(cli, words):
    assert cli("diff", *words).code == 2
