"""The life of a release, told by the command line."""

from __future__ import annotations

import json
import os
import re

import pytest

from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.lock import Holder
from bundler.model.refs import ObjectRef
from bundler.storage.holder import boot_id
from bundler.storage.lock import LeaseLock
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle

NS = ("-n", "prod")
NAMED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"


@pytest.fixture
def menu(cli):
    return small_bundle(cli.home)


@pytest.mark.medium
def test_the_life_of_a_release(cli, menu):
    cli.golden("life/01-install", "install", "shop", menu, "--set", "text=hi", *NS).ok()
    cli.golden("life/02-status", "status", "shop", *NS).ok()
    cli.golden("life/03-nothing-to-do", "install", "shop", menu, *NS).ok()
    cli.golden("life/04-diff", "diff", "shop", menu, "--set", "text=ho", "--set", "replicas=2", *NS).ok()
    cli.golden("life/05-upgrade", "upgrade", "shop", menu, "--set", "text=ho", "-m", "because", *NS).ok()
    cli.golden("life/06-history", "history", "shop", *NS).ok()
    cli.golden("life/07-revision", "history", "shop", "--revision", "2", *NS).ok()
    cli.golden("life/08-rollback", "rollback", "shop", *NS).ok()
    cli.golden("life/09-list", "list", "-A").ok()
    cli.golden("life/10-values", "get", "values", "shop", "--revision", "2", *NS).ok()
    cli.golden("life/11-plan", "get", "plan", "shop", *NS).ok()
    cli.golden("life/12-manifest", "get", "manifest", "shop", *NS).ok()
    cli.golden("life/13-unconfirmed", "uninstall", "shop", *NS)
    cli.golden("life/14-uninstall", "uninstall", "shop", "--yes", *NS).ok()
    cli.golden("life/15-empty", "list", "-A").ok()


@pytest.mark.medium
def test_the_history_says_why_each_revision_was_made(cli, menu):
    done = cli("install", "shop", menu, "--no-wait", *NS).ok()
    assert "revision 1 deployed, not waited (" in done.out
    assert "because" not in cli("status", "shop", *NS).ok().out
    cli("upgrade", "shop", menu, "--set", "text=ho", "-m", "sales week", *NS).ok()
    cli("rollback", "shop", "-m", "it rained", *NS).ok()
    found = cli("history", "shop", "-o", "json", *NS).ok().document
    assert [one["description"] for one in found] == [
        "",
        "sales week",
        "rolled back to revision 1; it rained",
    ]
    assert [one["waited"] for one in found] == [False, True, True]
    assert "superseded, not waited" in cli("history", "shop", *NS).ok().out


@pytest.mark.medium
def test_an_install_waits_for_what_an_earlier_one_left_unwaited(cli, menu):
    cli("install", "shop", menu, "--no-wait", *NS).ok()
    assert cli("diff", "shop", menu, "--exit-code", *NS).code == 0, "no object differs"
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "NotReady", "prod")
    assert cli("install", "shop", menu, "--timeout", "1s", *NS).code == 4
    with cli.sandbox() as sandbox:
        sandbox.heal("Deployment", "shop-web", "prod")
    assert "revision 3 deployed (" in cli("install", "shop", menu, *NS).ok().out
    assert "no changes, revision 3 stays" in cli("install", "shop", menu, *NS).ok().out


def test_every_install_checks_the_classes_first_and_reports_all_that_is_missing(cli):
    ingress = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  ingressClassName: none-such\n"
        "  defaultBackend: {service: {name: s, port: {number: 80}}}\n"
    )
    claim = (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec:\n  storageClassName: none-such\n"
        "  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n"
    )
    path = make_bundle(cli.home, {"templates/a.yaml": f"{ingress}---\n{claim}"})
    refused = cli("install", "demo", path, *NS)
    assert refused.code == 1
    assert "error[preflight]" in refused.err
    assert "there is no none-such" in refused.err
    assert "asks for none-such, and there is no such class" in refused.err
    assert cli("install", "demo", path, "--no-preflight", "--no-wait", *NS).code == 0


@pytest.mark.medium
def test_a_rollback_that_is_not_waited_for_says_so_once(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    cli("upgrade", "shop", menu, "--set", "text=ho", *NS).ok()
    done = cli("rollback", "shop", "--no-wait", *NS).ok().out
    assert "revision 3 deployed, not waited, rolled back to revision 1 (" in done


def test_an_uninstall_of_what_is_not_there_can_be_meant(cli, menu):
    assert cli("uninstall", "shop", "--yes", *NS).code == 1
    assert "not there" in cli("uninstall", "shop", "--yes", "--ignore-not-found", *NS).ok().out
    found = cli("uninstall", "shop", "--yes", "--ignore-not-found", "-o", "json", *NS).ok().document
    assert found["status"] == "not-found"


@pytest.mark.medium
def test_an_uninstall_can_keep_the_history(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    gone = cli("uninstall", "shop", "--yes", "--keep-history", *NS).ok().out
    summary, *kept = gone.splitlines()
    assert "uninstalled (" in summary
    assert summary.endswith("its history is kept")
    assert "kept Namespace/prod: may hold what others made" in kept
    assert cli("list", "--status", "uninstalled", "-o", "json", *NS).ok().document[0]["release"] == "shop"
    assert "uninstalled" in cli("history", "shop", *NS).ok().out
    status = cli("status", "shop", *NS).ok().out
    assert status.endswith("it was uninstalled: its history is left, and what an uninstall keeps\n")
    assert "bundler install shop BUNDLE" in cli("upgrade", "shop", menu, *NS).err
    assert "revision 2 deployed" in cli("rollback", "shop", "1", *NS).ok().out
    cli("uninstall", "shop", "--yes", *NS).ok()
    assert cli("list", "-o", "json", *NS).ok().document == []


def test_all_values_of_a_release_can_be_read(cli, menu):
    given = ("--set", "text=ho", "--set", "token=sesame-street")
    cli("install", "shop", menu, *given, *NS).ok()
    assert cli("get", "values", "shop", "-o", "json", *NS).ok().document == {"text": "ho", "token": "***"}
    found = cli("get", "values", "shop", "--all", "-o", "json", *NS).ok().document
    assert found == cli("values", menu, *given, "-o", "json").ok().document
    assert cli("get", "notes", "shop", "--all", *NS).code == 2


@pytest.mark.medium
def test_a_long_reason_is_one_short_line_in_the_history_and_whole_in_the_record(cli, menu):
    reason = "first\nsecond " + "x" * 5000
    assert len(cli("install", "shop", menu, "-m", reason, *NS).ok().out) < 400
    [one] = cli("history", "shop", "-o", "json", *NS).ok().document
    assert one["description"] == "first second " + "x" * 86 + "…"
    assert reason == cli("history", "shop", "--revision", "1", "-o", "json", *NS).ok().document["reason"]


@pytest.mark.medium
def test_stdout_of_changing_verbs_is_one_document(cli, menu):
    done = cli("install", "shop", menu, "-o", "json", *NS).ok().document
    assert (done["release"], done["revision"], done["status"], done["changed"]) == ("shop", 1, "deployed", True)
    assert {change["action"] for change in done["changes"]} == {"create"}
    assert "core/ConfigMap/prod/shop-config" in {change["object"] for change in done["changes"]}
    again = cli("install", "shop", menu, "-o", "json", *NS).ok().document
    assert (again["revision"], again["changed"], again["changes"]) == (1, False, [])
    gone = cli("uninstall", "shop", "--yes", "-o", "json", *NS).ok().document
    assert gone["status"] == "uninstalled"
    assert "core/Secret/prod/shop-password" in {kept["object"] for kept in gone["kept"]}


@pytest.mark.medium
def test_json_of_every_looking_verb_can_be_read(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    assert cli("list", "-o", "json", *NS).ok().document[0]["status"] == "deployed"
    assert cli("status", "shop", "-o", "json", *NS).ok().document["ready"] is True
    assert cli("history", "shop", "-o", "json", *NS).ok().document[0]["revision"] == 1
    assert cli("history", "shop", "--revision", "1", "-o", "json", *NS).ok().document["by"]["user"] == "sandbox"
    assert cli("get", "values", "shop", "-o", "json", *NS).ok().document == {}
    assert cli("get", "manifest", "shop", "-o", "json", *NS).ok().document["kind"] == "List"
    assert cli("get", "plan", "shop", "-o", "json", *NS).ok().document[0]["stage"] == "config"
    assert "notes" in cli("get", "notes", "shop", "-o", "json", *NS).ok().document
    assert cli("unlock", "shop", "-o", "json", *NS).ok().document["broken"] is False
    assert cli("wait", "shop", "-o", "json", *NS).ok().document["ready"] is True


@pytest.mark.medium
def test_an_unset_that_is_run_again_converges_and_says_so(cli, menu):
    cli("install", "shop", menu, "--set", "text=ho", *NS).ok()
    first = cli("upgrade", "shop", menu, "--unset", "text", *NS).ok()
    assert "nothing is recorded" not in first.err
    again = cli("upgrade", "shop", menu, "--unset", "text", *NS).ok()
    assert "--unset text: nothing is recorded there" in again.err
    assert len(cli("history", "shop", "-o", "json", *NS).document) == 2
    mistyped = cli("upgrade", "shop", menu, "--unset", "txet", *NS)
    assert mistyped.code == 1
    assert 'unknown key "txet"; did you mean "text"?' in mistyped.err


def test_diff_as_json_holds_patches(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    found = cli("diff", "shop", menu, "--set", "text=ho", "-o", "json", *NS).ok().document
    patches = {one["object"]: one["patch"] for one in found["changes"]}
    assert patches["core/ConfigMap/prod/shop-config"] == [{"op": "replace", "path": "/data/text", "value": "ho"}]


@pytest.mark.parametrize("output", ["markdown", "html"])
def test_diff_is_written_for_reviews(cli, menu, output):
    cli("install", "shop", menu, *NS).ok()
    argv = ["diff", "shop", menu, "--set", "text=<b>ho</b> ```", "-o", output, *NS]
    outcome = cli.golden(f"diff-{output}", *argv).ok()
    assert output == "markdown" or "<b>" not in outcome.out


@pytest.mark.parametrize("output", ["markdown", "html"])
def test_a_diff_for_reviews_says_what_it_is_about_and_why_each_object_changes(cli, output):
    job = (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n"
        "      restartPolicy: Never\n      containers: [{name: m, image: m:IMAGE}]\n"
    )
    path = make_bundle(cli.home, {"templates/j.yaml": job.replace("IMAGE", "1"), "templates/a.yaml": NAMED})
    cli("install", "demo", path, *NS).ok()
    (path / "templates" / "j.yaml").write_text(job.replace("IMAGE", "2"))
    shown = cli("diff", "demo", path, "-o", output, *NS).ok().out
    for words in ("demo", "namespace", "prod", "sandbox (embedded, uid", "its spec changed: it runs, and Job/migrate-"):
        assert words in shown
    assert re.search("update .{0,1}Job/migrate-", shown)
    assert not re.search("(create|delete) .{0,1}Job/", shown)
    assert "controller-uid" not in shown


@pytest.mark.parametrize(
    ("variables", "option", "is_colored"),
    [
        ({"FORCE_COLOR": "1"}, [], True),
        ({}, [], False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
def test_colours_follow_the_option_and_then_the_variables(cli, monkeypatch, variables, option, is_colored):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli("diff", "shop", small_bundle(cli.home), *option).ok().out) is is_colored


@pytest.mark.medium
def test_what_needs_a_look_comes_first(cli, menu):
    cli("install", "a-good", menu, *NS).ok()
    cli("install", "b-bad", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "b-bad-web", "NotReady", "prod")
    assert cli("upgrade", "b-bad", menu, "--set", "text=new", "--timeout", "1s", *NS).code != 0
    assert [line.split()[1] for line in cli("list", *NS).out.splitlines()] == ["RELEASE", "b-bad", "a-good"]
    objects = [line for line in cli("status", "b-bad", *NS).out.splitlines() if "/b-bad" in line]
    assert "Deployment/b-bad-web" in objects[0]


@pytest.mark.parametrize("output", ["text", "markdown", "html"])
def test_an_empty_diff_prints_nothing_on_stdout(cli, menu, output):
    cli("install", "shop", menu, *NS).ok()
    same = cli("diff", "shop", menu, "-o", output, *NS).ok()
    assert same.out == ""
    assert "plan: 6 unchanged" in same.err


@pytest.mark.medium
def test_the_exit_code_of_diff_tells_whether_changes_are_pending(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    assert cli("diff", "shop", menu, "--exit-code", *NS).code == 0
    assert cli("diff", "shop", menu, "--set", "text=ho", "--exit-code", *NS).code == 3
    assert cli("diff", "shop", menu, "--set", "text=ho", *NS).code == 0


@pytest.mark.medium
@pytest.mark.parametrize("verb", ["install", "upgrade"])
def test_a_dry_run_shows_the_diff_and_writes_nothing(cli, menu, verb):
    cli("install", "shop", menu, *NS).ok()
    outcome = cli(verb, "shop", menu, "--set", "text=ho", "--dry-run", *NS).ok()
    assert "~ update ConfigMap/shop-config" in outcome.out
    assert len(cli("history", "shop", "-o", "json", *NS).document) == 1


@pytest.mark.medium
def test_a_dry_run_of_rollback_and_uninstall_writes_nothing(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    cli("upgrade", "shop", menu, "--set", "text=ho", *NS).ok()
    assert "~ update ConfigMap/shop-config" in cli("rollback", "shop", "--dry-run", *NS).ok().out
    assert "- delete ConfigMap/shop-config" in cli("uninstall", "shop", "--dry-run", *NS).ok().out
    assert len(cli("history", "shop", "-o", "json", *NS).document) == 2


@pytest.mark.medium
def test_the_namespace_comes_from_option_then_variable(cli, menu):
    cli("install", "shop", menu, "-n", "one", BUNDLER_NAMESPACE="two").ok()
    cli("install", "shop", menu, BUNDLER_NAMESPACE="two").ok()
    cli("install", "shop", menu).ok()
    found = cli("list", "-A", "-o", "json").document
    assert [release["namespace"] for release in found] == ["default", "one", "two"]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ({"labels": {"bundler.dev/status": "odd"}}, "record-damaged"),
        ({"annotations": {"bundler.dev/format": "9"}}, "record-too-new"),
    ],
)
def test_one_record_that_cannot_be_read_hides_no_other(cli, menu, damage, code):
    """A colleague's newer bundler, or a broken Secret, must not blind everybody."""
    cli("install", "one", menu, *NS).ok()
    cli("install", "two", menu, *NS).ok()
    cli("upgrade", "two", menu, "--set", "text=ho", *NS).ok()
    with cli.sandbox() as sandbox:
        patch_metadata(sandbox, "bundler.release.two.v1", damage)
    for argv, releases in ((["list"], ["one", "two"]), (["history", "two"], ["two"])):
        outcome = cli(*argv, "-o", "json", *NS)
        assert outcome.code == 1
        assert [one["release"] for one in outcome.document] == releases
        assert f"error[{code}]" in outcome.err
        assert "bundler.release.two.v1" in outcome.err
    cli("history", "one", *NS).ok()
    with cli.sandbox() as sandbox:
        patch_metadata(sandbox, "bundler.release.one.v1", damage)
    assert f"error[{code}]" in cli("history", "one", *NS).err
    assert "release records" in cli("list", *NS).err
    with cli.sandbox() as sandbox:
        patch_metadata(
            sandbox,
            "bundler.release.one.v1",
            {"labels": {"bundler.dev/status": "deployed"}, "annotations": {"bundler.dev/format": "1"}},
        )
    assert "releases there: one, two" in cli("status", "three", *NS).err


@pytest.mark.medium
def test_a_damaged_record_is_told_in_the_first_lines_of_every_plan(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    cli("upgrade", "shop", menu, "--set", "text=ho", *NS).ok()
    with cli.sandbox() as sandbox:
        patch_metadata(sandbox, "bundler.release.shop.v2", {"labels": {"bundler.dev/status": "odd"}})
    verbs = (["upgrade", "shop", menu], ["uninstall", "shop"], ["rollback", "shop", "1", "--allow-downgrade"])
    for argv in verbs:
        said = cli(*argv, "--dry-run", *NS).ok().err
        assert "revision 2 cannot be read" in said
        assert "bundler.release.shop.v2" in said
        assert "looked for by the release's label" in said
    cli("uninstall", "shop", "--yes", *NS).ok()
    assert cli("list", "-o", "json", *NS).ok().document == []


def patch_metadata(sandbox, name, patch):
    ref = ObjectRef("", "Secret", "prod", name)
    body = sandbox.get(ref)
    metadata = {**body["metadata"], **{key: {**body["metadata"][key], **value} for key, value in patch.items()}}
    content = canonical_json({**body, "metadata": metadata})
    sandbox.replace(Payload(ref=ref, api_version="v1", content=content))


def test_list_keeps_the_statuses_asked_for(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    assert cli("list", "--status", "failed", "-o", "json", *NS).ok().document == []
    assert "no releases that are failed here; -A looks in" in cli("list", "--status", "failed", *NS).ok().err
    assert "no releases that are failed in any namespace" in cli("list", "-A", "--status", "failed").ok().err
    assert "no revisions here; -A looks in every namespace" in cli("history", "-n", "empty").ok().err
    assert len(cli("list", "--status", "deployed", "-o", "json", *NS).ok().document) == 1


def test_the_release_is_named_after_the_bundle_when_nobody_names_it(cli, menu):
    assert "release small: revision 1" in cli("install", menu, *NS).ok().out


def test_upgrade_refuses_what_is_not_there_unless_it_may_install(cli, menu):
    assert cli("upgrade", "shop", menu, *NS).code == 1
    assert cli("upgrade", "shop", menu, "--install", *NS).code == 0


def test_what_is_refused_in_a_new_namespace_says_that_it_was_made(cli):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n"
    broken = make_bundle(cli.home, {"templates/a.yaml": service})
    outcome = cli("install", broken, *NS)
    assert outcome.code == 1
    assert "nothing but namespace prod was written" in outcome.err
    assert "nothing was written" in cli("install", broken, *NS).err


def test_a_missing_namespace_can_be_refused(cli, menu):
    outcome = cli("install", "shop", menu, "--no-create-namespace", *NS)
    assert outcome.code == 1
    assert "--no-create-namespace" in outcome.err
    assert "+ create" not in outcome.err, "a plan that cannot be carried out is not proposed"
    assert cli("list", "-A", "-o", "json").document == []


def test_the_flag_that_helm_asks_for_means_what_happens_anyway(cli, menu):
    assert cli("install", "shop", menu, "--create-namespace", *NS).code == 0


@pytest.mark.medium
def test_a_failure_is_told_with_its_reason_and_kept_in_the_history(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ImagePullBackOff", "prod")
    outcome = cli.golden("failed-upgrade", "upgrade", "shop", menu, "--set", "image=broken:1", *NS)
    assert outcome.code == 1
    assert "ImagePullBackOff" in outcome.err
    why = cli("history", "shop", "--revision", "2", "--why", *NS).ok()
    assert "ImagePullBackOff" in why.out
    assert "revision 1" not in why.out
    assert cli("list", "-o", "json", *NS).document[0]["status"] == "failed"


@pytest.mark.medium
def test_why_a_release_is_as_it_is_names_what_runs_and_beside_it_what_failed(cli, menu):
    cli("install", "shop", menu, "-m", "opening", *NS).ok()
    alone = cli("history", "shop", "--why", "-o", "json", *NS).ok().document
    assert (alone["revision"], alone["beside"]) == (1, None)
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ImagePullBackOff", "prod")
    cli("upgrade", "shop", menu, "--set", "image=broken:1", *NS)
    cli.golden("why-failed", "history", "shop", "--why", *NS).ok()
    found = cli("history", "shop", "--why", "-o", "json", *NS).ok().document
    assert (found["revision"], found["status"], found["beside"]["revision"]) == (1, "deployed", 2)
    assert "ImagePullBackOff" in found["beside"]["evidence"]
    with cli.sandbox() as sandbox:
        sandbox.heal("Deployment", "shop-web", "prod")
    cli("rollback", "shop", *NS).ok()
    back = cli("history", "shop", "--why", "-o", "json", *NS).ok().document
    assert (back["revision"], back["beside"]["revision"], back["beside"]["status"]) == (3, 2, "failed")


@pytest.mark.medium
def test_a_failed_upgrade_can_go_back_by_itself(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ErrImageNeverPull", "prod")
    argv = ["upgrade", "shop", menu, "--set", "text=ho", "--set", "replicas=2", "--rollback-on-failure", *NS]
    outcome = cli(*argv)
    assert outcome.code in {5, 6}, outcome.err


@pytest.mark.medium
def test_waiting_ends_with_the_budget(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "NotReady", "prod")
    assert cli("upgrade", "shop", menu, "--set", "image=other:1", "--no-wait", *NS).code == 0
    outcome = cli("wait", "shop", "--timeout", "5s", *NS)
    assert outcome.code == 4
    assert "Deployment/shop-web" in outcome.err
    with cli.sandbox() as sandbox:
        sandbox.heal("Deployment", "shop-web", "prod")
    assert cli("wait", "shop", *NS).code == 0


def versioned(menu, version: str, upgrade: str = ""):
    path = menu / "bundle.yaml"
    text = path.read_text()
    text = re.sub(r"version: [0-9.]+", f"version: {version}", text, count=1)
    path.write_text(text.replace("spec:\n", f"spec:\n  upgrade: {{{upgrade}}}\n", 1) if upgrade else text)
    return menu


@pytest.mark.medium
@pytest.mark.parametrize("is_failing", [False, True])
def test_a_rollback_below_what_a_tried_bundle_allows_needs_a_word(cli, menu, is_failing):
    """A migration that cannot be undone may have run, also where the upgrade failed afterwards."""
    cli("install", "shop", versioned(menu, "1.0.0"), *NS).ok()
    if is_failing:
        with cli.sandbox() as sandbox:
            sandbox.fail("Deployment", "shop-web", "ErrImageNeverPull", "prod")
    versioned(menu, "2.0.0", "noRollbackBelow: 2.0.0")
    code = cli("upgrade", "shop", menu, "--set", "text=ho", "--set", "image=b:1", *NS).code
    assert code == int(is_failing)
    outcome = cli("rollback", "shop", *NS)
    assert outcome.code == 1
    assert "says noRollbackBelow: 2.0.0" in outcome.err
    with cli.sandbox() as sandbox:
        sandbox.heal("Deployment", "shop-web", "prod")
    cli("rollback", "shop", "--allow-downgrade", *NS).ok()


@pytest.mark.medium
@pytest.mark.parametrize(("flags", "codes"), [([], {1}), (["--allow-downgrade"], {5, 6})])
def test_a_failed_upgrade_does_not_go_back_by_itself_below_what_its_bundle_allows(cli, menu, flags, codes):
    cli("install", "shop", versioned(menu, "1.0.0"), *NS).ok()
    versioned(menu, "2.0.0", "noRollbackBelow: 2.0.0")
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ErrImageNeverPull", "prod")
    outcome = cli("upgrade", "shop", menu, "--set", "text=ho", "--rollback-on-failure", *flags, *NS)
    assert outcome.code in codes, outcome.err
    assert ("not rolled back: the bundle says noRollbackBelow: 2.0.0" in outcome.err) == (not flags)
    assert "ErrImageNeverPull" in outcome.err


def test_logs_carry_pod_and_container(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    lines = cli("logs", "shop", "--tail", "1", *NS).ok().out.splitlines()
    assert lines
    assert all(line.startswith("shop-") and " | " in line for line in lines)
    only = cli("logs", "shop", "--container", "web", "--tail", "1", *NS).ok().out.splitlines()
    assert only
    assert all(" web | " in line for line in only)


@pytest.mark.parametrize(("option", "known"), [("--component", "db"), ("--container", "job, web")])
def test_logs_of_what_is_not_there_name_what_is(cli, menu, option, known):
    parent = make_bundle(
        cli.home,
        {
            "bundle.yaml": """
            apiVersion: bundler.dev/v1
            kind: Bundle
            metadata: {name: pair, version: 1.0.0}
            spec: {components: [{name: db, bundle: ../small}]}
            """
        },
    )
    assert menu.name == "small"
    cli("install", "pair", parent, *NS).ok()
    outcome = cli("logs", "pair", option, "nope", *NS)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"the release has these: {known}\n" in outcome.err


def test_secrets_are_shown_only_when_asked_for(cli, menu):
    secret = "correct-horse-battery"
    cli("install", "shop", menu, "--set", f"token={secret}", *NS).ok()
    for argv in (["get", "values", "shop"], ["get", "manifest", "shop"], ["history", "shop", "--revision", "1"]):
        outcome = cli(*argv, *NS).ok()
        assert secret not in outcome.out + outcome.err
    assert "token=***" in cli("history", "shop", "--revision", "1", *NS).out.replace("'", "")
    assert secret in cli("get", "values", "shop", "--show-secrets", *NS).ok().out


def test_quiet_says_nothing_but_the_result(cli, menu):
    outcome = cli("install", "shop", menu, "-q", *NS).ok()
    assert outcome.err == ""
    assert outcome.out.startswith("release shop: revision 1 deployed")


@pytest.mark.parametrize("words", [["template"], ["diff", "demo"], ["install", "demo"]], ids=lambda words: words[0])
def test_warnings_come_once_even_when_quiet(cli, words):
    schema = {"type": "object", "properties": {"old": {"type": "string", "deprecated": True}}}
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '{{ values.old | default('')}}'}\n"
    files = {"values.schema.json": json.dumps(schema), "templates/a.yaml": config}
    outcome = cli(*words, make_bundle(cli.home, files), "--set", "old=x", "-q", *NS).ok()
    assert outcome.err == "warning: old is deprecated (--set old=x)\n"


def test_reach_stands_first_in_the_plan(cli):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules: []\n"
    reach = {"clusterScoped": ["ClusterRole.rbac.authorization.k8s.io"]}
    outcome = cli("diff", "demo", make_bundle(cli.home, {"templates/a.yaml": role}, reach=reach), *NS).ok()
    assert outcome.out.startswith("! cluster-scoped: ClusterRole/wide\n")


@pytest.mark.parametrize("words", [["diff", "demo"], ["install", "demo", "--dry-run"]], ids=lambda words: words[0])
def test_reach_is_in_the_plan_as_data_too(cli, words):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, ports: [{port: 80}]}\n"
    path = make_bundle(cli.home, {"templates/a.yaml": service})
    found = cli(*words[:2], path, *words[2:], "-o", "json", *NS).ok().document
    assert found["reach"] == [
        {
            "kind": "node-port",
            "subject": "Service/web: opens a port on every node",
            "declared": False,
            "source": "templates/a.yaml:1",
        }
    ]
    assert [change["object"] for change in found["changes"]] == ["core/Service/prod/web"]


def test_an_exposure_is_shown_and_refused_only_by_a_site(cli):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, ports: [{port: 80}]}\n"
    path = make_bundle(cli.home, {"templates/a.yaml": service})
    shown = cli("diff", "demo", path, *NS).ok()
    assert shown.out.startswith("! node-port: Service/web: opens a port on every node\n")
    site = cli.home / "site.yaml"
    site.write_text("apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec: {forbid: [node-port]}\n")
    assert cli("install", path, "--site", site, *NS).code == 25
    cli("install", path, *NS).ok()


TAKING_OVER = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: docker.io/library/agent:1
          securityContext: {capabilities: {add: [SYS_ADMIN]}}
          ports: [{containerPort: 80, hostPort: 80}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: open}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:aggregate-to-admin"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:unauthenticated"}]
---
apiVersion: v1
kind: Secret
metadata: {name: token, annotations: {kubernetes.io/service-account.name: default}}
type: kubernetes.io/service-account-token
"""


def test_a_bundle_that_declares_nothing_takes_over_nothing(cli):
    path = make_bundle(cli.home, {"templates/a.yaml": TAKING_OVER})
    refused = cli("install", path, *NS)
    assert refused.code == 1
    for line in (
        "privileged: DaemonSet/agent: container agent has the capability SYS_ADMIN",
        "privileged: DaemonSet/agent: container agent takes port 80 of its node",
        "rbac-foreign-role: RoleBinding/open: binds the ClusterRole system:aggregate-to-admin, which is not in the bundle",
        "rbac-foreign-subject: RoleBinding/open: gives rights to the Group system:unauthenticated",
        "token-secrets: Secret/token: is of the type kubernetes.io/service-account-token",
    ):
        assert line in refused.err
    assert cli("list", "-A", "-o", "json").document == []
    cli("lint", path, "--write-reach").ok()
    declared = cli("diff", "demo", path, *NS).ok()
    assert declared.out.startswith("! privileged: DaemonSet/agent")


def test_a_site_can_forbid_what_a_bundle_declares(cli):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules: []\n"
    reach = {"clusterScoped": ["ClusterRole.rbac.authorization.k8s.io"]}
    path = make_bundle(cli.home, {"templates/a.yaml": role}, reach=reach)
    site = cli.home / "site.yaml"
    site.write_text(
        "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec: {forbid: [cluster-scoped]}\n"
    )
    outcome = cli("install", path, "--site", site, *NS)
    assert outcome.code == 25
    assert "ClusterRole/wide" in outcome.err
    assert cli("list", "-A", "-o", "json").document == []


STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db, bundler.dev/track: stable}}
  template:
    metadata: {labels: {app: db, bundler.dev/track: stable}}
    spec: {containers: [{name: db, image: db:1}]}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


def test_an_upgrade_that_deletes_what_holds_data_needs_a_word(cli):
    full = make_bundle(cli.home, {"templates/db.yaml": STATEFUL, "templates/a.yaml": CONFIG.replace("NAME", "a")})
    cli("install", "demo", full, *NS).ok()
    (full / "templates" / "db.yaml").unlink()
    refused = cli("upgrade", "demo", full, *NS)
    assert refused.code == 2
    assert "delete StatefulSet/db" in refused.err
    assert len(cli("history", "demo", "-o", "json", *NS).document) == 1
    assert "--accept-data-loss" in cli("upgrade", "demo", full, "--yes", *NS).err, "-y answers questions only"
    assert cli("upgrade", "demo", full, "--accept-data-loss", *NS).code == 0


def test_an_uninstall_keeps_the_claims_of_a_stateful_set_and_needs_no_more_than_yes(cli):
    cli("install", "demo", make_bundle(cli.home, {"templates/db.yaml": STATEFUL}), *NS).ok()
    assert cli("uninstall", "demo", *NS).code == 2
    assert cli("uninstall", "demo", "--accept-data-loss", *NS).code == 2, "it is not an answer to the question"
    cli("uninstall", "demo", "--yes", *NS).ok()


@pytest.mark.parametrize("option", ["-n", "--namespace", "--context"])
def test_an_empty_namespace_or_context_is_a_usage_error(cli, option):
    refused = cli("list", option, "")
    assert refused.code == 2
    assert "Check the variable that it comes from" in refused.err


def test_an_upgrade_that_deletes_what_can_be_made_again_needs_none(cli):
    files = {"templates/a.yaml": CONFIG.replace("NAME", "a"), "templates/b.yaml": CONFIG.replace("NAME", "b")}
    full = make_bundle(cli.home, files)
    cli("install", "demo", full, *NS).ok()
    (full / "templates" / "b.yaml").unlink()
    outcome = cli("upgrade", "demo", full, *NS).ok()
    assert "- delete ConfigMap/b" in outcome.err


@pytest.mark.parametrize(
    ("machine", "pid", "told"),
    [
        (boot_id(), os.getpid(), "its process runs on this machine: stop it first"),
        (boot_id(), 2**22 + 1, "its process on this machine has ended"),
        ("another boot", os.getpid(), "locked:\n  holder: bob@desk"),
    ],
    ids=["alive", "gone", "elsewhere"],
)
def test_unlock_says_what_became_of_the_holder_where_that_can_be_known(cli, machine, pid, told):
    holder = Holder(user="bob", host="desk", pid=pid, boot_id=machine, command="bundler upgrade")
    with cli.sandbox() as sandbox:
        lock = LeaseLock(sandbox, cli.clock, holder, duration_s=3600).hold(
            "default", "shop", doing="upgrade", timeout_s=0
        )
        lock.__enter__()
    outcome = cli("unlock", "shop")
    assert outcome.code == 2
    assert told in outcome.err


def test_a_values_file_that_sets_nothing_is_named_in_the_plan(cli, menu):
    empty = cli.home / "empty.yaml"
    empty.write_text("# made by a step that failed\n")
    cli("install", "shop", menu, "--set", "text=hi", *NS).ok()
    assert "empty.yaml sets nothing\n" in cli("diff", "shop", menu, "-f", empty, *NS).ok().err


@pytest.fixture
def contested(cli, menu):
    """A release one field of which a colleague has changed."""
    cli("install", "shop", menu, *NS, "--set", "replicas=1").ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("apps", "Deployment", "prod", "shop-web"), {"spec": {"replicas": 3}})
    return menu


@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown", "html"])
def test_a_diff_shows_conflicts_in_every_format_and_exits_with_3(cli, contested, output):
    shown = cli("diff", "shop", contested, *NS, "--set", "text=new", "-o", output)
    assert shown.code == 3
    assert "kubectl-edit" in shown.out
    assert ".spec.replicas" in shown.out
    assert "shop-config" in shown.out, "the rest of the plan is there"


def test_an_upgrade_shows_the_plan_and_then_says_what_stops_it(cli, contested):
    outcome = cli("upgrade", "shop", contested, *NS, "--set", "text=new")
    assert outcome.code == 1
    plan, _, error = outcome.err.partition("error[plan-conflict]")
    assert "! conflict: Deployment/shop-web .spec.replicas: bundle wants 1, live 3 set by kubectl-edit" in plan
    assert "1 in conflict" in plan
    assert "nothing was written" in error


@pytest.mark.medium
def test_a_rehearsed_rollback_shows_conflicts_and_exits_with_3(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    cli("upgrade", "shop", menu, *NS, "--set", "text=new").ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("apps", "Deployment", "prod", "shop-web"), {"spec": {"replicas": 3}})
    outcome = cli("rollback", "shop", *NS, "--dry-run")
    assert outcome.code == 3
    assert "! conflict: Deployment/shop-web .spec.replicas" in outcome.out
