"""``bundler protect``: what the command line shows of it, everywhere alike."""

from __future__ import annotations

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle
from tests.lib.templates import database

NS = ("-n", "prod")


@pytest.mark.medium
def test_who_protected_a_release_when_and_why_is_shown_everywhere(cli):
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    assert cli("list", *NS, "-o", "json").document[0]["protection"] is None
    said = cli("protect", "shop", "-m", "production", "-o", "json", *NS).ok().document
    assert said["protection"]["on"] is True
    for verb in (["list"], ["history", "shop"]):
        assert cli(*verb, "-o", "json", *NS).document[-1]["protection"] == said["protection"]
    assert cli("status", "shop", "-o", "json", *NS).document["protection"] == said["protection"]
    assert "deployed, protected" in cli("list", *NS).out
    assert "protected since" in cli("status", "shop", *NS).out
    assert "production" in cli("history", "shop", *NS).err
    for words in (["uninstall", "shop", "--yes"], ["plan", "shop", "--uninstall"]):
        refused = cli(*words, *NS)
        assert refused.code == 1
        assert "error[release-protected]" in refused.err
        assert "bundler protect shop --off -m REASON" in refused.err


@pytest.mark.medium
def test_taking_protection_off_is_an_act_of_its_own_and_is_remembered(cli):
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    cli("protect", "shop", *NS).ok()
    assert "did you mean protect" in cli("unprotect", "shop", *NS).err
    cli("protect", "shop", "--off", "-m", "it moves", *NS).ok()
    assert "protected" not in cli("list", *NS).out
    assert "no longer protected since" in cli("history", "shop", *NS).err
    assert "it moves" in cli("history", "shop", *NS).err
    cli("uninstall", "shop", "--yes", *NS).ok()


DUMP = """
apiVersion: batch/v1
kind: Job
metadata: {name: dump}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: dump, image: "dump:1"}]}}}
"""


def losing(cli):
    """Install a bundle with a database, and return it without: an upgrade to it makes a backup first."""
    files = {"templates/db.yaml": database(), "templates/dump.yaml": DUMP}
    bundle = make_bundle(cli.home, files, upgrade={"backup": "templates/dump.yaml"})
    cli("install", "demo", bundle, *NS).ok()
    (bundle / "templates" / "db.yaml").write_text("")
    return bundle


@pytest.mark.medium
def test_a_saved_plan_holds_the_backup_that_is_made_before_data_is_lost(cli):
    bundle, plan = losing(cli), cli.home / "demo.plan"
    shown = cli("plan", "demo", bundle, "--accept-data-loss", "--out", plan, "-o", "json", *NS).ok().document
    (backup,) = [change for change in shown["changes"] if "/Job/" in change["object"]]
    assert "a backup, before StatefulSet/db may lose data" in backup["reason"]
    assert next(step["until"] for step in shown["plan"]["steps"] if step["kind"] == "await") == "succeeded"
    done = cli("apply", plan, "--no-wait").ok()
    assert "applying: 1 backup\n" in done.err
    assert "revision 2 deployed, not waited, " in done.out
    assert "(1 backup, " in done.out
    with cli.sandbox() as sandbox:
        name = backup["object"].rpartition("/")[2]
        assert sandbox.get(ObjectRef("batch", "Job", "prod", name))["status"]["succeeded"] == 1
        assert sandbox.get(ObjectRef("apps", "StatefulSet", "prod", "db")) is None
    assert cli("show", bundle, "-o", "json").document["backup"] == "templates/dump.yaml"


@pytest.mark.medium
def test_a_plan_may_say_that_no_backup_is_made(cli):
    bundle, plan = losing(cli), cli.home / "demo.plan"
    cli("plan", "demo", bundle, "--accept-data-loss", "--no-backup", "--out", plan, *NS).ok()
    cli("apply", plan).ok()
    assert "dump" not in cli("get", "manifest", "demo", *NS).out
