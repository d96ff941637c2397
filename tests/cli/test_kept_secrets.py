"""What a kept revision recorded as sensitive is masked in every output, also where only the cluster has it still."""

from __future__ import annotations

import base64
import json

import pytest

from bundler.model.refs import ObjectRef
from bundler.wire.plan_file import decode_plan
from bundler.wire.saved_plan import saved_plan_form
from tests.lib.menus import small_bundle

OLDEST, OLDER, NEWEST = "hunter2hunter2", "correct-horse-9", "battery-staple-7"
CONFIG = ObjectRef("", "ConfigMap", "prod", "shop-config")
IN_PROD = ("-n", "prod")


@pytest.fixture
def written_back(cli):
    """A release of four revisions and three tokens; someone wrote the first two tokens into a live object again."""
    menu = small_bundle(cli.home)
    for token in (OLDEST, OLDER, NEWEST):
        cli("install", "shop", menu, "--set", f"token={token}", *IN_PROD).ok()
    cli("install", "shop", menu, "--set", "text=more", *IN_PROD).ok()
    with cli.sandbox() as sandbox:
        noted = {"annotations": {"by": base64.b64encode(OLDER.encode()).decode()}}
        sandbox.edit(CONFIG, {"metadata": noted, "data": {"text": OLDEST, "url": f"https://me:{OLDER}@host/"}})
    return cli


def hides(text: str) -> bool:
    """Return whether a text shows neither token, plain or as it was written."""
    return not any(token in text or base64.b64encode(token.encode()).decode() in text for token in (OLDEST, OLDER))


@pytest.mark.medium
@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown", "html"])
def test_a_diff_shows_no_token_of_a_superseded_revision_that_is_live_again(written_back, output):
    menu = written_back.home / "small"
    found = written_back("diff", "shop", menu, "--on-conflict", "take", *IN_PROD, "-o", output)
    assert "shop-config" in found.out, "the object differs"
    assert hides(found.out + found.err)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("drift", "shop"), 3),
        (("drift", "shop", "-o", "json"), 3),
        (("drift", "shop", "--fix", "--yes"), 0),
        (("diff", "shop", "{menu}"), 3),
        (("upgrade", "shop", "{menu}", "--yes"), 1),
        (("upgrade", "shop", "{menu}", "--on-conflict", "take", "--dry-run", "-o", "json"), 0),
        (("upgrade", "shop", "{menu}", "--on-conflict", "take"), 0),
        (("rollback", "shop", "2", "--on-conflict", "take", "--dry-run"), 0),
        (("uninstall", "shop", "--dry-run"), 0),
        (("uninstall", "shop", "--dry-run", "-o", "json"), 0),
        (("explain", "shop", "ConfigMap/shop-config"), 0),
        (("explain", "shop", "ConfigMap/shop-config", ".data.text"), 0),
        (("protect", "shop", "--reason", OLDEST), 0),
    ],
)
def test_no_command_shows_a_token_of_a_superseded_revision(written_back, words, code):
    menu = str(written_back.home / "small")
    found = written_back(*(word.format(menu=menu) for word in words), *IN_PROD)
    assert found.code == code, found.err
    assert hides(found.out + found.err)


@pytest.mark.medium
def test_a_saved_plan_holds_no_token_of_a_superseded_revision_nor_a_digest_of_one(written_back):
    def planned(name: str) -> dict:
        menu, file = written_back.home / "small", written_back.home / name
        made = written_back("plan", "shop", menu, "--on-conflict", "take", "--out", file, *IN_PROD).ok()
        assert hides(made.out + made.err)
        return saved_plan_form(decode_plan(file.read_bytes(), name=name))

    before = planned("before.plan")
    assert hides(json.dumps(before))
    with written_back.sandbox() as sandbox:
        sandbox.edit(CONFIG, {"data": {"text": OLDER}})
    after = planned("after.plan")
    assert before["live"][str(CONFIG)]["digest"] == after["live"][str(CONFIG)]["digest"], "it does not tell them apart"


@pytest.mark.medium
def test_what_was_a_secret_once_and_is_a_plain_value_now_is_masked_in_what_revisions_hold(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu, "--set", f"token={OLDEST}", *IN_PROD).ok()
    cli("install", "shop", menu, "--set", "token=", "--set", f"text={NEWEST}", *IN_PROD).ok()
    cli("install", "shop", menu, "--set", f"text={OLDEST}", *IN_PROD).ok()
    for words in (
        ("diff", "shop", "--revision", "2..3"),
        ("get", "manifest", "shop"),
        ("get", "values", "shop"),
        ("get", "plan", "shop", "-o", "json"),
    ):
        found = cli(*words, *IN_PROD).ok()
        assert hides(found.out + found.err), words


@pytest.mark.medium
@pytest.mark.parametrize("verb", ["status", "wait"])
def test_why_something_is_not_ready_quotes_no_token_of_a_superseded_revision(written_back, verb):
    with written_back.sandbox() as sandbox:
        sandbox.edit(CONFIG, {"metadata": {"finalizers": [f"example.com/{OLDEST}"]}})
        sandbox.delete(CONFIG)
    found = written_back(verb, "shop", *IN_PROD, "--timeout", "20s")
    assert "waits for" in found.out + found.err
    assert hides(found.out + found.err)
