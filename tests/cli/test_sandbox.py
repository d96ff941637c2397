"""The verb that looks after the embedded cluster."""

from __future__ import annotations

import pytest

from tests.lib.menus import small_bundle


def test_its_path_follows_the_state_folder(cli):
    assert cli("sandbox", "path").ok().out == f"{cli.home}/state/sandbox.db\n"
    other = cli("sandbox", "path", BUNDLER_STATE_DIR="", XDG_STATE_HOME="/elsewhere").ok()
    assert other.out == "/elsewhere/bundler/sandbox.db\n"


def test_a_reset_needs_a_word_and_forgets_everything(cli):
    cli("install", small_bundle(cli.home)).ok()
    assert cli("sandbox", "reset").code == 2
    assert len(cli("list", "-A", "-o", "json").document) == 1
    cli("sandbox", "reset", "--yes").ok()
    assert cli("list", "-A", "-o", "json").document == []


def test_a_reset_replaces_a_file_that_cannot_be_read(cli):
    path = cli.home / "state" / "sandbox.db"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no database")
    assert "`bundler sandbox reset`" in cli("list").err
    assert cli("sandbox", "reset").code == 2
    assert path.read_bytes() == b"no database"
    cli("sandbox", "reset", "--yes").ok()
    assert cli("list", "-A", "-o", "json").document == []
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.medium
def test_workloads_fail_and_heal_on_request(cli):
    cli("install", "shop", small_bundle(cli.home)).ok()
    cli("sandbox", "fail", "Deployment/shop-web", "--reason", "CrashLoopBackOff").ok()
    cli.clock.sleep(5)
    assert cli("status", "shop", "-o", "json").document["ready"] is False
    cli("sandbox", "heal", "Deployment/shop-web").ok()
    cli("wait", "shop").ok()
    assert "was not failing" in cli("sandbox", "heal", "Deployment/shop-web").ok().out


@pytest.mark.medium
def test_an_object_is_deleted_on_request(cli):
    cli("install", "shop", small_bundle(cli.home), "-n", "prod").ok()
    missing = cli("sandbox", "delete", "Deployment/shop-web")
    assert (missing.code, "there is no Deployment/shop-web in namespace default" in missing.err) == (2, True)
    cli("sandbox", "delete", "Deployment/shop-web", "-n", "prod").ok()
    ((gone,),) = [one["objects"] for one in cli("drift", "shop", "-n", "prod", "-o", "json").document]
    assert (gone["object"], gone["drift"]) == ("apps/Deployment/prod/shop-web", "missing")


@pytest.mark.medium
def test_a_rollback_from_a_failed_revision_shows_both_in_status_and_history(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu).ok()
    cli("sandbox", "fail", "Deployment/shop-web", "--reason", "InvalidImageName").ok()
    assert cli("upgrade", "shop", menu, "--set", "text=two", "--set", "image=Web:2").code == 1
    cli("sandbox", "heal", "Deployment/shop-web").ok()
    assert "failed    revision" not in cli("status", "shop").ok().out
    cli("rollback", "shop", "--yes").ok()
    lines = cli("status", "shop").ok().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  failed    revision 2, small 1.0.0"))
    assert lines[1].startswith("  revision  3, deployed")
    assert lines[at + 1].strip() == "waiting for objects that failed for good"
    assert lines[at + 2].strip().startswith("Deployment/shop-web in ")
    found = cli("status", "shop", "-o", "json").ok().document["wentBackFrom"]
    assert (found["revision"], found["status"]) == (2, "failed")
    assert "InvalidImageName" in found["evidence"]
    assert "Why revision 2 failed" in cli("status", "shop", "-o", "html").ok().out
    assert [one["status"] for one in cli("history", "shop", "-o", "json").ok().document] == [
        "superseded",
        "failed",
        "deployed",
    ]


def test_what_cannot_fail_is_refused_with_what_can(cli):
    assert cli("sandbox", "fail", "Deployment").code == 2
    assert cli("sandbox", "fail").code == 2
    outcome = cli("sandbox", "fail", "Deployment/web", "--reason", "Boredom")
    assert outcome.code == 2
    assert "ImagePullBackOff" in outcome.err
    assert "StatefulSet" in cli("sandbox", "fail", "Service/web").err
