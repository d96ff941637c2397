"""``bundler history`` of all releases: who, when, from where, with what, why."""

from __future__ import annotations

import pytest

from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from tests.lib.menus import small_bundle


@pytest.fixture
def changed(cli):
    """Two releases in two namespaces, one of them rolled back."""
    menu = small_bundle(cli.home)
    cli("install", "shop", menu, "-n", "prod", "-m", "first", "--set", "token=hunter2hunter2").ok()
    cli("install", "calm", menu, "-n", "other").ok()
    cli("upgrade", "shop", menu, "-n", "prod", "--set", "text=new").ok()
    cli("rollback", "shop", "1", "-n", "prod", "-m", "it was worse").ok()
    return cli


@pytest.mark.medium
def test_the_trail_of_every_namespace_is_in_the_order_of_time(changed):
    assert changed.golden("history/all", "history", "-A", USER="ada").code == 0
    trail = changed("history", "-A", "-o", "json").document
    assert [(one["release"], one["revision"]) for one in trail] == [("shop", 1), ("calm", 1), ("shop", 2), ("shop", 3)]
    (*_, back) = trail
    assert (back["rolledBackTo"], back["reason"], back["by"]["host"]) == (1, "it was worse", "desk")
    assert "--set 'token=***'" in trail[0]["command"]
    assert "hunter2" not in str(trail)
    assert {one["release"] for one in changed("history", "-n", "other", "-o", "json").document} == {"calm"}
    assert "by" not in changed("history", "shop", "-n", "prod", "-o", "json").document[0], "one release is as ever"


def test_a_record_that_cannot_be_read_is_an_error_after_the_others(cli):
    menu = small_bundle(cli.home)
    for name in ("calm", "shop"):
        cli("install", name, menu, "-n", "prod").ok()
    ref = ObjectRef("", "Secret", "prod", "bundler.release.shop.v1")
    with cli.sandbox() as sandbox:
        body = sandbox.get(ref)
        sandbox.replace(Payload(ref=ref, api_version="v1", content=canonical_json({**body, "data": {"head": "e30="}})))
    found = cli("history", "-A")
    assert (found.code, "shop.v1" in found.err, "calm" in found.out) == (1, True, True)


def test_who_uninstalled_and_why_is_in_the_history_that_is_kept(cli):
    cli("install", "shop", small_bundle(cli.home)).ok()
    cli("uninstall", "shop", "--keep-history", "--yes", "-m", "moved away", USER="ada").ok()
    (entry,) = cli("history", "-A", "-o", "json").document
    assert (entry["status"], entry["description"]) == ("uninstalled", "uninstalled by sandbox (ada@desk); moved away")


@pytest.mark.parametrize("words", [("shop", "-A"), ("--why",), ("-A", "--revision", "1")])
def test_options_that_need_a_release_or_none_are_refused(cli, words):
    assert cli("history", *words).code == 2
