"""``bundler search`` over what is on this machine; catalogues are in tests/e2e/test_catalogues.py."""

from __future__ import annotations

import re

import pytest

from bundler.archive.writer import write_archive
from tests.lib.bundles import load_from, make_bundle


def test_bundles_are_listed_with_their_place(cli):
    make_bundle(cli.home / "team", name="pay", version="1.2.3")
    outcome = cli("search", "--color", "never", BUNDLER_BUNDLE_PATH=str(cli.home / "team")).ok()
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0] == ["NAME", "VERSION", "DESCRIPTION", "WHERE"]
    assert ["pay", "1.2.3", str(cli.home / "team")] in lines
    assert {"redis", "shop"} <= {line[0] for line in lines if line[-1] == "shipped"}


def test_a_name_comes_before_a_keyword_and_a_keyword_before_the_description(cli):
    head = "apiVersion: bundler.dev/v1\nkind: Bundle\n"
    for name, more in (("a", "description: One zebra"), ("b", "keywords: [zebra]"), ("zebra", "appVersion: '7'")):
        text = f"{head}metadata: {{name: {name}, version: 1.0.0, {more}}}\n"
        make_bundle(cli.home / "zoo", {"bundle.yaml": text}, name=name)
    outcome = cli("search", "zebra", "-o", "json", BUNDLER_BUNDLE_PATH=str(cli.home / "zoo")).ok()
    assert [one["reference"] for one in outcome.document["found"]] == ["zebra", "b", "a"]


def test_what_is_found_nowhere_is_answered_with_what_is_close_and_where_it_looked(cli):
    outcome = cli("search", "postgers").ok()
    assert outcome.out == ""
    assert re.fullmatch(
        r"nothing fits postgers; did you mean postgres( or \w+)*\?\n"
        r"searched what is shipped with bundler: \d+ bundles\n"
        r"hint: Add places with BUNDLER_BUNDLE_PATH .*\n",
        outcome.err,
    )
    assert cli("search", "postgers", "-o", "json").ok().document["near"][0] == "postgres"


def test_of_two_bundles_of_a_name_the_search_says_how_to_name_each(cli):
    mine = make_bundle(cli.home / "team", name="redis", version="9.9.9")
    outcome = cli("search", "redis", BUNDLER_BUNDLE_PATH=str(mine.parent)).ok()
    rows = [line.split() for line in outcome.out.splitlines()[1:3]]
    assert [(row[0], row[-1]) for row in rows] == [("redis", str(mine.parent)), ("redis", "shipped")]
    hidden = next(
        line for line in outcome.err.splitlines() if line.startswith(f"redis {rows[1][1]} of shipped: write ")
    )
    assert cli("show", hidden.rpartition(" ")[2]).ok().out.splitlines()[1].split() == ["version", rows[1][1]]


@pytest.mark.parametrize(("name", "version"), [("pay", "2.0.0"), ("pay@^1", "1.10.0"), ("pay@1.2.0", "1.2.0")])
def test_a_version_of_an_archive_can_be_named(cli, name, version):
    for each in ("1.2.0", "1.10.0", "2.0.0"):
        bundle = load_from(make_bundle(cli.home / each, name="pay", version=each))
        (cli.home / "kept").mkdir(exist_ok=True)
        write_archive(bundle, cli.home / "kept" / f"pay-{each}.tgz", mtime=0)
    path = str(cli.home / "kept")
    assert cli("show", name, "-o", "json", BUNDLER_BUNDLE_PATH=path).ok().document["version"] == version
    found = cli("search", "pay", "-o", "json", BUNDLER_BUNDLE_PATH=path).ok().document["found"]
    assert (found[0]["version"], found[0]["versions"]) == ("2.0.0", ["2.0.0", "1.10.0", "1.2.0"])


def test_another_version_than_the_one_that_is_here_is_an_error(cli):
    outcome = cli("show", "redis@99")
    assert outcome.code == 1
    assert "the one that is found by its name is 7." in outcome.err


def test_a_description_cannot_write_on_the_terminal(cli):
    make_bundle(
        cli.home / "team",
        {"bundle.yaml": 'apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: pay, version: 1.0.0, description: "\\e[31mred\\nline"}\n'},
    ).rename(cli.home / "team" / "pay")  # fmt: skip
    outcome = cli("search", "pay", BUNDLER_BUNDLE_PATH=str(cli.home / "team")).ok()
    assert "\x1b" not in outcome.out
    assert len(outcome.out.splitlines()) == 2


def test_folders_that_are_not_there_and_broken_bundles_are_named(cli):
    make_bundle(cli.home / "team", {"bundle.yaml": "kind: [\n"}, name="broken")
    paths = f"{cli.home / 'team'}:{cli.home / 'away'}"
    outcome = cli("search", "redis", BUNDLER_BUNDLE_PATH=paths).ok()
    assert f"warning: {cli.home / 'team'}: broken: line 2" in outcome.err
    assert f"warning: {cli.home / 'away'}: there is no such folder" in outcome.err


def test_a_folder_needs_to_be_told_where_its_bundles_are_published(cli):
    make_bundle(cli.home / "team", name="pay")
    outcome = cli("catalogue", "build", cli.home / "team")
    assert outcome.code == 2
    assert "Add where: --at oci://HOST/PREFIX" in outcome.err
    assert cli("catalogue", "push", "catalogue.json").code == 2
    empty = cli("catalogue", "build", cli.home / "none", "--at", "oci://registry.example/team")
    assert (empty.code, "there is no such folder" in empty.err) == (1, True)


def test_a_catalogue_is_built_of_folders_archives_and_bundles_the_same_bytes_each_time(cli):
    team = cli.home / "team"
    make_bundle(team, name="pay", version="1.2.3")
    write_archive(load_from(make_bundle(cli.home, name="app", version="2.0.0")), team / "app-2.0.0.tgz", mtime=0)
    first = ("catalogue", "build", team, "--at", "oci://registry.example/team", "--out", cli.home / "a.json")
    assert cli(*first).ok().out.startswith(f"{cli.home / 'a.json'}  2 bundles, 2 versions, sha256:")
    again = ("catalogue", "build", team / "pay", team / "app-2.0.0.tgz", "--at", "oci://registry.example/team")
    built = cli(*again, "--out", cli.home / "b.json", "-o", "json").ok().document
    assert (built["bundles"], built["versions"], built["signed"]) == (2, 2, False)
    assert (cli.home / "a.json").read_bytes() == (cli.home / "b.json").read_bytes()
    (cli.home / "a.json").write_text("{}")
    outcome = cli("catalogue", "push", cli.home / "a.json", "oci://registry.example/team/catalogue")
    assert (outcome.code, "error[catalogue-invalid]" in outcome.err) == (1, True)
