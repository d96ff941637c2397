"""``bundler drift``: one release or all, what may differ, and how it is fixed."""

from __future__ import annotations

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.menus import small_bundle

CONFIG = ObjectRef("", "ConfigMap", "prod", "shop-config")


@pytest.fixture
def drifted(cli):
    """Two releases, one of which someone changed by hand."""
    menu = small_bundle(cli.home)
    for release in ("calm", "shop"):
        cli("install", release, menu, "-n", "prod").ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(CONFIG, {"data": {"text": "theirs"}})
        sandbox.delete(ObjectRef("", "Service", "prod", "shop-web"))
    return cli


@pytest.mark.medium
def test_every_release_is_compared_and_what_differs_is_shown(drifted):
    found = drifted.golden("drift/all", "drift", "-A")
    assert found.code == 3
    (calm, shop) = drifted("drift", "-n", "prod", "-o", "json").document
    assert (calm["drifted"], shop["drifted"]) == (False, True)
    assert drifted("drift", "calm", "-n", "prod").code == 0


@pytest.mark.medium
def test_a_release_of_which_nothing_was_ever_deployed_is_named_and_fails_no_check_of_all(cli):
    menu = small_bundle(cli.home)
    cli("install", "calm", menu, "-n", "prod").ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "failed-web", "ImagePullBackOff", "prod")
    assert cli("install", "failed", menu, "-n", "prod").code == 1

    looked = cli("drift", "-A")

    assert looked.code == 0
    assert "looking for what was deployed of release failed" in looked.err
    assert cli("drift", "failed", "-n", "prod").code == 1


@pytest.mark.medium
def test_what_is_ignored_or_kept_by_a_site_is_no_drift(drifted):
    site = drifted.home / "site.yaml"
    rule = "{policy: keep, kind: Service, path: spec}"
    site.write_text(f"apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {{name: s}}\nspec: {{conflicts: [{rule}]}}\n")
    (left,) = drifted("drift", "shop", "-n", "prod", "-o", "json", "--ignore", "data", "--site", site).document
    assert [one["object"] for one in left["objects"]] == ["core/Service/prod/shop-web"], (
        "a missing object is not a field"
    )


@pytest.mark.medium
def test_fixing_restores_the_revision_and_is_itself_a_revision(drifted):
    fixed = drifted("drift", "shop", "-n", "prod", "--fix", "--yes").ok()
    assert "(drift --fix)" in fixed.err
    assert "--on-conflict" not in fixed.text
    with drifted.sandbox() as sandbox:
        assert sandbox.get(CONFIG)["data"] == {"text": "hello"}
    assert drifted("drift", "-A").code == 0
    newest = drifted("history", "shop", "-n", "prod", "-o", "json").document[-1]
    assert (newest["revision"], newest["status"]) == (2, "deployed")


@pytest.mark.parametrize(
    "words",
    [("-A", "shop"), ("--fix",), ("shop", "--fix", "--ignore", "data"), ("shop", "--recreate", "Deployment/web")],
)
def test_options_that_contradict_each_other_are_refused(cli, words):
    assert cli("drift", *words).code == 2
