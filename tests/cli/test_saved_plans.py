"""A plan that is saved: it is applied exactly as it is, once, or refused with what has moved since."""

from __future__ import annotations

import html
import json
import stat
import zlib

import pytest

from bundler.model.refs import ObjectRef
from bundler.wire.plan_file import MAGIC
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle
from tests.lib.templates import database

NS = ("-n", "prod")
TOKEN = "a-Token-0f-some-length"
WEB = ObjectRef("apps", "Deployment", "prod", "shop-web")
CONFIG = ObjectRef("", "ConfigMap", "prod", "shop-config")


@pytest.fixture
def menu(cli):
    return small_bundle(cli.home)


@pytest.fixture
def saved(cli, menu):
    """Return the path of a plan that is made of the options given, with the release at revision 1."""
    cli("install", "shop", menu, *NS).ok()

    def make(*options):
        cli("plan", "shop", menu, *options, "--out", cli.home / "shop.plan", *NS).ok()
        return cli.home / "shop.plan"

    return make


def document_of(path):
    return json.loads(zlib.decompress(path.read_bytes()[len(MAGIC) :]))


def write_document(path, document):
    path.write_bytes(MAGIC + zlib.compress(json.dumps(document).encode()))


def test_a_plan_is_saved_for_its_owner_alone_and_applied_once(cli, saved):
    path = saved("--set", "text=ho", "-m", "sales week")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one["revision"] for one in cli("history", "shop", "-o", "json", *NS).document] == [1]
    cli.golden("plan/01-show", "show", path).ok()
    done = cli("apply", path).ok()
    assert "revision 2 deployed, sales week" in done.out
    with cli.sandbox() as sandbox:
        assert sandbox.get(CONFIG)["data"] == {"text": "ho"}
    again = cli.golden("plan/02-stale", "apply", path)
    assert again.code == 1


def test_the_plan_itself_names_the_namespace_and_what_the_bundle_was_called(cli, menu):
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, "--out", path, *NS).ok()
    assert cli("apply", path, "-n", "elsewhere", "-o", "json").ok().document["namespace"] == "prod"


@pytest.mark.medium
def test_a_status_may_move_and_nothing_else(cli, saved):
    path = saved("--set", "text=ho")
    with cli.sandbox() as sandbox:
        status = {"status": {"conditions": [{"type": "Odd", "status": "True"}]}}
        sandbox.edit(WEB, status)
    assert "nothing has moved" in cli("apply", path, "--dry-run").ok().out
    with cli.sandbox() as sandbox:
        sandbox.edit(WEB, {"metadata": {"annotations": {"note": "mine"}}})
    refused = cli("apply", path)
    assert refused.code == 1
    assert "Deployment/shop-web was changed by" in refused.err
    assert ".metadata.annotations.note" in refused.err
    with cli.sandbox() as sandbox:
        sandbox.delete(CONFIG)
    assert "ConfigMap/shop-config was deleted" in cli("apply", path).err
    assert [one["revision"] for one in cli("history", "shop", "-o", "json", *NS).document] == [1]


@pytest.mark.medium
def test_replicas_that_an_autoscaler_sets_may_move(cli, menu):
    cli("install", "shop", menu, "--set", "autoscale=true", *NS).ok()
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, "--set", "image=docker.io/library/web:2", "--out", path, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.scale("Deployment", "shop-web", 3, namespace="prod")
    cli("apply", path).ok()
    with cli.sandbox() as sandbox:
        assert sandbox.get(WEB)["spec"]["replicas"] == 3


def test_a_first_install_makes_its_namespace_and_holds_to_its_plan(cli, menu):
    path = cli.home / "shop.plan"
    said = cli("plan", "shop", menu, "--out", path, "-n", "new").ok()
    assert "+ create Namespace/new (never deleted by bundler)" in said.out
    assert "Namespace/new" in cli("show", path, "-o", "html").ok().out
    assert "revision 1 deployed" in cli("apply", path).ok().out


@pytest.mark.medium
def test_a_rollback_and_an_uninstall_are_planned_and_applied(cli, saved, menu):
    cli("upgrade", "shop", menu, "--set", "text=ho", *NS).ok()
    back, gone = cli.home / "back.plan", cli.home / "gone.plan"
    said = cli("plan", "shop", "--rollback", "--out", back, *NS).ok()
    assert f"carry it out with: bundler apply {back}\n" in said.err
    cli("plan", "shop", "--uninstall", "--no-hooks", "--out", gone, *NS).ok()
    assert "not run (--no-hooks)" in cli("show", gone).ok().out
    assert document_of(back)["request"]["revision"] == 1
    assert "rolled back to revision 1" in cli("apply", back).ok().out
    stale = cli("apply", gone)
    assert stale.code == 1
    assert "it was made on revision 2, and the release is at revision 3" in stale.err
    cli("plan", "shop", "--uninstall", "--out", gone, *NS).ok()
    assert "uninstalled" in cli("apply", gone).ok().out
    assert "the release is gone" in cli("apply", gone).err


@pytest.mark.medium
def test_the_plan_of_a_rollback_names_the_values_that_go_back(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    cli("upgrade", "shop", menu, "--set", "text=ho", "--set", f"token={TOKEN}", *NS).ok()
    back = cli.home / "back.plan"
    cli("plan", "shop", "--rollback", "--out", back, *NS).ok()
    for words in (("show", back), ("plan", "shop", "--rollback", *NS)):
        for form in ("text", "markdown", "html"):
            said = html.unescape(cli(*words, "-o", form).ok().out)
            assert TOKEN not in said
            assert 'because text "ho" → "hello" (not set in revision 1)' in said
            assert "token changed (not set in revision 1)" in said
        values = {one["path"]: one for one in cli(*words, "-o", "json").document["changedValues"]}
        assert (values["text"]["before"], values["token"]["before"]) == ('"ho"', "")


def test_a_plan_that_is_good_for_no_time_is_refused(cli, menu):
    refused = cli("plan", "shop", menu, "--expires", "0s", "--out", cli.home / "a.plan", *NS)
    assert refused.code == 2
    assert "'0s' is no time at all" in refused.err


@pytest.mark.slow
def test_a_plan_of_another_cluster_or_of_yesterday_is_refused(cli, saved):
    path = saved("--set", "text=ho", "--expires", "1h")
    cli.clock.sleep(3601)
    assert "it expired at" in cli("apply", path).err
    other = cli("apply", path, BUNDLER_STATE_DIR=str(cli.home / "other"))
    assert other.code == 1
    assert "it was made for sandbox (embedded) with uid" in other.err


@pytest.mark.medium
def test_the_bundle_must_have_the_digest_that_was_planned(cli, saved, menu):
    path = saved("--set", "text=ho")
    moved = menu.rename(cli.home / "moved")
    assert cli("apply", path).code != 0
    (moved / "README.md").write_text("another file")
    refused = cli("apply", path, "--bundle", moved)
    assert refused.code == 1
    assert "the plan needs   sha256:" in refused.err
    (moved / "README.md").unlink()
    cli("apply", path, "--bundle", moved).ok()


@pytest.mark.slow
def test_a_sensitive_value_is_in_no_plan_and_is_given_again(cli, saved):
    path = saved("--set", f"token={TOKEN}", "--set", f"text={TOKEN}")
    raw = zlib.decompress(path.read_bytes()[len(MAGIC) :]).decode()
    assert TOKEN not in raw
    assert set(document_of(path)["values"]["sensitive"]) == {"/token", "/text"}
    missing = cli("apply", path)
    assert missing.code == 1
    assert "token: it is in no file of the plan, and was not given" in missing.err
    wrong = cli("apply", path, "--set", "token=another-one", "--set", f"text={TOKEN}")
    assert "token: the sensitive value is not the one that was planned" in wrong.err
    (cli.home / "token").write_text(TOKEN)
    cli("apply", path, "--set-file", f"token={cli.home / 'token'}", "--set", f"text={TOKEN}").ok()


@pytest.mark.medium
def test_no_digest_in_a_plan_tells_of_a_secret_that_is_to_be_replaced(cli):
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    files = {
        "values.yaml": "pin: ''\n",
        "values.schema.json": json.dumps(schema),
        "templates/config.yaml": (
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-config}\ndata: {url: "u:{{ values.pin }}@db"}\n'
        ),
    }
    menu, path = make_bundle(cli.home, files, name="app"), cli.home / "shop.plan"
    digests = set()
    for pin in ("Zebra-Quilt-77", "Vulture-Lamp-88"):
        cli("install", "shop", menu, "--set", f"pin={pin}", *NS).ok()
        cli("plan", "shop", menu, "--set", "pin=Badger-Stone-99", "--out", path, *NS).ok()
        digests.add(document_of(path)["live"][str(CONFIG)]["digest"])
    assert len(digests) == 1
    with cli.sandbox() as sandbox:
        for note in ("mine", None):
            sandbox.edit(CONFIG, {"data": {"more": note}})
    cli("apply", path, "--set", "pin=Badger-Stone-99").ok()


@pytest.mark.medium
def test_a_sensitive_value_that_is_recorded_is_taken_from_there(cli, menu):
    cli("install", "shop", menu, "--set", f"token={TOKEN}", *NS).ok()
    path = cli.home / "shop.plan"
    said = cli("plan", "shop", menu, "--set", "text=ho", "--out", path, *NS).ok()
    assert f"carry it out with: bundler apply {path}\n" in said.err
    assert TOKEN not in zlib.decompress(path.read_bytes()[len(MAGIC) :]).decode()
    cli("apply", path).ok()
    with cli.sandbox() as sandbox:
        assert sandbox.get(CONFIG)["data"] == {"text": "ho"}
    assert cli("get", "values", "shop", "--show-secrets", "-o", "json", *NS).document == {"text": "ho", "token": TOKEN}


def test_other_values_than_those_planned_are_refused(cli, saved):
    path = saved("--set", "text=ho")
    refused = cli("apply", path, "--set", "replicas=2")
    assert refused.code == 1
    assert "replicas: the value is not the one that was planned" in refused.err


@pytest.mark.slow
def test_losing_data_is_agreed_to_in_the_plan_or_when_it_is_applied(cli, menu):
    file = menu / "templates" / "database.yaml"
    file.write_text(database())
    cli("install", "shop", menu, *NS).ok()
    file.unlink()
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, "--out", path, *NS).ok()
    refused = cli("apply", path)
    assert refused.code == 2
    assert "data or an address may be lost with these, and cannot be recovered:" in refused.err
    cli("plan", "shop", menu, "--out", cli.home / "sure.plan", "--accept-data-loss", *NS).ok()
    assert document_of(cli.home / "sure.plan")["request"]["accepts"] == ["losses"]
    cli("apply", path, "--accept-data-loss").ok()


@pytest.mark.slow
def test_a_plan_is_signed_and_the_signature_is_asked_for(cli, saved):
    path = saved("--set", "text=ho")
    cli("keygen", "alice", "--out", cli.home / "alice.key").ok()
    cli("keygen", "bob", "--out", cli.home / "bob.key").ok()
    key, other = cli.home / "alice.pub", cli.home / "bob.pub"
    assert cli("apply", path, "--require-signature").code == 2
    assert cli("apply", path, "--require-signature", "--key", key).code == 23
    cli("sign", path, "--key", cli.home / "alice.key").ok()
    assert 'signed by "alice"' in cli("verify", path, "--key", key).ok().out
    assert cli("apply", path, "--key", other).code == 24
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert cli("apply", path, "--key", key).code == 20, "what was signed was changed"
    path.write_bytes(content)
    done = cli("apply", path, "--require-signature", "--key", key).ok()
    assert 'is signed by "alice"' in done.err
    newest = cli("history", "shop", "-o", "json", *NS).document[-1]
    assert newest["description"] == "plan signed by alice"


BROKEN = {
    "cut": lambda content: content[:-10],
    "longer": lambda content: content + b"x",
    "no plan": lambda _: b"apiVersion: v1\n",
    "no JSON": lambda _: MAGIC + zlib.compress(b"{"),
    "deep": lambda _: MAGIC + zlib.compress(b"[" * 100_000),
    "NaN": lambda _: MAGIC + zlib.compress(b'{"kind": NaN}'),
    "a bomb": lambda _: MAGIC + zlib.compress(b" " * (2 << 20)),
}
WRONG = {
    "apiVersion": "bundler.dev/v9",
    "verb": "format",
    "created": "yesterday",
    "unchanged": -1,
    "live": {"x": {}},
    "changes": [{}],
    "plan": {"kind": "Plan"},
    "base": {"revision": True, "uid": "", "state": ""},
    "more": 1,
}


@pytest.mark.slow
def test_a_broken_file_is_an_error_and_no_crash(cli, saved, monkeypatch):
    monkeypatch.setattr("bundler.wire.plan_file._MAX_JSON_BYTES", 1 << 20)
    path = saved("--set", "text=ho")
    content, document = path.read_bytes(), document_of(path)
    for breaking in BROKEN.values():
        path.write_bytes(breaking(content))
        refused = cli("apply", path)
        assert refused.code == 1
        assert "error[plan-file]: reading plan" in refused.err
    for key, value in WRONG.items():
        write_document(path, {**document, key: value})
        refused = cli("show", path)
        assert refused.code == 1
        assert key in refused.err
        assert "error[plan-file]" in refused.err


def test_a_plan_cannot_say_more_than_the_planner_finds(cli, saved):
    path = saved("--set", "text=ho")
    document = document_of(path)
    document["plan"]["steps"] = [
        {"kind": "pause", "id": step["id"], "needs": step["needs"], "reason": ""} if step["kind"] == "write" else step
        for step in document["plan"]["steps"]
    ]
    write_document(path, document)
    refused = cli("apply", path)
    assert refused.code == 1
    assert "ConfigMap/shop-config: nothing was planned, update now" in refused.err


@pytest.mark.medium
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda plan: _config(plan).update(diff=["-  text: hello", "+  text: hi"]),
            "ConfigMap/shop-config: the differ",
        ),
        (
            lambda plan: _config(plan).update(diff=[]),
            "ConfigMap/shop-config: the difference that the plan shows is not",
        ),
        (lambda plan: _config(plan).update(action="create"), "ConfigMap/shop-config: the plan shows create, and would"),
        (
            lambda plan: _config(plan).update(notes=[{"word": "lost", "text": "nothing"}]),
            "ConfigMap/shop-config: lost: nothing: no lo",
        ),
        (
            lambda plan: plan["changes"].remove(_config(plan)),
            "ConfigMap/shop-config: the plan does not show it, and wo",
        ),
        (lambda plan: plan.update(changes=[], pending=False), "the plan shows that nothing would be done"),
        (
            lambda plan: plan["values"].update(changes=["text=hi is new (--set)"]),
            "text=hi is new: the plan shows it, and",
        ),
        (lambda plan: plan["values"].update(changes=[]), ": the plan does not show it"),
        (
            lambda plan: _config(plan)["because"][0].update(kind="bundle", values=[], note="small 1.0.0 → 1.0.1"),
            "ConfigMap/shop-config: why it changes is not what the plan shows",
        ),
        (
            lambda plan: _config(plan)["because"][0]["fields"][0].update(source="templates/other.yaml:1"),
            "ConfigMap/shop-config: why it changes is not what the plan shows",
        ),
        (lambda plan: _config(plan).update(because=[]), "ConfigMap/shop-config: why it changes is not what"),
        (lambda plan: _config(plan).update(reason="a typo"), "ConfigMap/shop-config: its values changed: the plan doe"),
        (lambda plan: _config(plan).update(component="db"), "ConfigMap/shop-config: it is of component none: the pl"),
        (
            lambda plan: plan["changedValues"][0].update(after='"hi"'),
            'text "hello" → "hi": the plan shows it, and it is not so',
        ),
        (
            lambda plan: plan["changedValues"][0].update(source="default, values.yaml:1"),
            'text "hello" → "ho" (default, values.yaml:1): the plan shows it, and it is not so',
        ),
        (lambda plan: plan.update(changedValues=[]), 'text "hello" → "ho": the plan does not show it'),
        (lambda plan: plan.update(warnings=["all is well"]), "warning: all is well: the plan shows it, and it is not"),
        (lambda plan: plan["bundle"].update(version="1.0.1"), "the plan shows bundle 1.0.1, and it is 1.0.0"),
        (lambda plan: plan["base"].update(state="failed"), "the plan shows revision 1 as failed, and it is deployed"),
        (lambda plan: plan.update(unchanged=9), "the plan shows 9 unchanged objects, and there are "),
    ],
)
def test_a_plan_that_was_edited_to_show_something_else_is_refused_although_it_would_do_what_was_planned(
    cli, saved, edit, said
):
    path = saved("--set", "text=ho")
    document = document_of(path)
    edit(document)
    write_document(path, document)
    refused = cli("apply", path)
    assert refused.code == 1
    assert said in refused.err
    assert "error[plan-stale]" in refused.err
    assert [one["revision"] for one in cli("history", "shop", "-o", "json", *NS).document] == [1]


def _config(plan):
    return next(one for one in plan["changes"] if one["object"] == str(CONFIG))


@pytest.mark.slow
def test_names_and_paths_in_a_plan_lead_nowhere_else(cli, saved):
    path = saved("--set", "text=ho")
    document = document_of(path)
    for change in (
        {"release": "a,b"},
        {"namespace": "../kube-system"},
        {"verb": "uninstall", "release": "shop,x=y"},
        {"request": {**document["request"], "site": "/dev/zero"}},
        {"request": {**document["request"], "site": "/etc"}},
        {"request": {**document["request"], "site": "/etc/passwd"}},
    ):
        write_document(path, {**document, **change})
        refused = cli("apply", path)
        assert refused.code in {1, 2}
        assert "root:" not in refused.err
        assert "hint: " in refused.err


def test_what_a_plan_says_is_harmless_in_every_form(cli, saved):
    path = saved("--set", "text=ho")
    document = document_of(path)
    evil = "\x1b]0;title\x07<script>alert(1)</script>`\n```\n# head \u202eabc"
    document["request"]["reason"] = document["changes"][0]["reason"] = document["values"]["start"] = evil
    document["changes"][0]["diff"] = [f"+{evil}"]
    write_document(path, document)
    for form in ("text", "json", "markdown", "html"):
        out = cli("show", path, "-o", form).ok().out
        assert "\x1b" not in out
        assert "\u202e" not in out
        if form == "html":
            assert "<script" not in out
        if form == "markdown":
            assert "\n# head" not in out


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_plan_is_shown_for_reviewers(cli, saved, form):
    path = saved("--set", "text=ho", "--set", "replicas=2")
    cli.golden(f"plan/show-{form}", "show", path, "-o", form).ok()


def test_markdown_is_shortened_to_what_a_merge_request_takes(cli, menu):
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, "--out", path, *NS).ok()
    whole = cli("show", path, "-o", "markdown").ok().out
    for size in (1000, 2000, 3000):
        short = cli("show", path, "-o", "markdown", "--max-bytes", str(size)).ok().out
        assert len(short.encode()) <= size < len(whole.encode())
        assert f"left out to stay below {size} bytes" in short or size == 1000


def test_what_a_plan_or_its_output_does_not_take_is_refused(cli, saved):
    path = saved("--set", "text=ho")
    for words, said in (
        (("show", path, "--max-bytes", "9"), "--max-bytes shortens -o markdown, and this prints text"),
        (("show", path, "--max-bytes", "9", "-o", "html"), "this prints html"),
        (("show", path, "--graph"), "a saved plan is shown as it is"),
        (("show", path, "--set", "text=hi"), "a saved plan is shown as it is"),
        (("show", "shop", "--max-bytes", "9", "-o", "markdown"), "this is a bundle"),
        (("plan", "shop", "shop", "--max-bytes", "9"), "this prints text"),
    ):
        refused = cli(*words)
        assert refused.code == 2
        assert said in refused.err


def test_a_plan_is_data_for_programs(cli, saved):
    path = saved("--set", "text=ho")
    document = cli("show", path, "-o", "json").ok().document
    assert document == document_of(path)
    assert [one["object"] for one in document["changes"]] == [str(CONFIG), str(WEB)]
    assert document["values"]["new"] == {"text": "ho"}


@pytest.mark.slow
def test_what_was_mistyped_is_answered_in_words(cli, saved, menu):
    saved()
    for words in (
        ["plan", "shop"],
        ["plan", "shop", menu, "--uninstall"],
        ["plan", "shop", "x", "--rollback"],
        ["plan", "shop", "--rollback", "--uninstall"],
        ["plan", "shop", "--rollback", "--set", "text=ho"],
        ["plan", "shop", "--uninstall", "--unset", "text"],
        ["apply", cli.home / "none.plan"],
    ):
        refused = cli(*words, *NS)
        assert refused.code in {1, 2}
        assert "hint: " in refused.err


@pytest.mark.medium
def test_what_is_done_about_fields_of_others_is_a_part_of_the_plan(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(CONFIG, {"data": {"text": "mine"}})
    path = cli.home / "shop.plan"
    refused = cli("plan", "shop", menu, "--set", "text=ho", "--out", path, *NS)
    assert refused.code == 1
    assert "error[plan-conflict]" in refused.err
    assert not path.exists(), "a plan that cannot be carried out is not saved"
    shown = cli("plan", "shop", menu, "--set", "text=ho", "--on-conflict", "take", "--out", path, *NS).ok()
    assert "! take: ConfigMap/shop-config .data.text: live " in shown.out
    assert "set by kubectl-edit" in shown.out
    assert "<strong>! take</strong>" in cli("show", path, "-o", "html").ok().out
    cli("apply", path).ok()
    with cli.sandbox() as sandbox:
        assert sandbox.get(CONFIG)["data"] == {"text": "ho"}


@pytest.mark.slow
def test_four_eyes_are_two_keys_of_the_site_file(cli, saved):
    path = saved("--set", "text=ho")
    for name in ("alice", "bob"):
        cli("keygen", name, "--out", cli.home / f"{name}.key").ok()
    site, keys = cli.home / "acme.yaml", [("--key", cli.home / f"{name}.pub") for name in ("alice", "bob")]
    cli("site", "init", "acme", *keys[0], *keys[1], "--out", site).ok()
    site.write_text(site.read_text().replace("requireSignature: true", "threshold: 2"))
    assert cli("apply", path, "--site", site).code == 1, "its values and policy were not planned with"
    cli("sign", path, "--key", cli.home / "alice.key").ok()
    refused = cli("apply", path, "--require-signature", "--site", site)
    assert refused.code == 25
    assert "asks for 2 signatures, and 1 count" in refused.err
    cli("sign", path, "--key", cli.home / "bob.key").ok()
    cli("apply", path, "--require-signature", "--site", site).ok()


@pytest.mark.slow
def test_a_plan_is_carried_out_with_the_site_file_that_it_was_made_with(cli, menu):
    path, site = cli.home / "shop.plan", cli.home / "acme.yaml"
    cli("site", "init", "acme", "--out", site).ok()
    text = site.read_text().replace("# values: {}", "values: {text: of the site} #")
    site.write_text(text)
    cli("plan", "shop", menu, "--site", site, "--out", path, *NS).ok()
    site.write_text(text + "# changed\n")
    assert "acme.yaml is not the one that the plan was made with" in cli("apply", path).err
    (cli.home / "moved.yaml").write_text(text)
    cli("apply", path, "--site", cli.home / "moved.yaml").ok()
    with cli.sandbox() as sandbox:
        assert sandbox.get(CONFIG)["data"] == {"text": "of the site"}


@pytest.mark.slow
def test_a_plan_that_does_nothing_says_so(cli, saved):
    path = saved()
    assert document_of(path)["pending"] is False
    assert "nothing changes, and no revision is recorded" in cli("show", path).ok().out
    assert "no changes, revision 1 stays" in cli("apply", path).ok().out
    assert cli("plan", "shop", cli.home / "small", "--exit-code", *NS).code == 0
    assert cli("plan", "shop", cli.home / "small", "--set", "text=ho", "--exit-code", *NS).code == 3
