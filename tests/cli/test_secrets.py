"""A secret given on the command line appears nowhere but where it belongs."""

from __future__ import annotations

import base64
import json
import re
import secrets
import sqlite3
import string
import zlib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bundler.actions.release.recorded_command import recorded_command
from bundler.model.redaction import MASK
from bundler.sandbox.client import SandboxClient
from tests.lib.bundles import load_from
from tests.lib.clocks import FakeClock
from tests.lib.menus import small_bundle

ALPHABET = string.ascii_letters + string.digits + "!$%&/()=?+*~#-_.:,;<>|@ "


def drawn() -> str:
    return "S" + "".join(secrets.choice(ALPHABET) for _ in range(22)) + "t"


def spellings(secret: str) -> list[str]:
    return [secret, base64.b64encode(secret.encode()).decode()]


def command_lines(menu, secret: str) -> list[list[str]]:
    token = f"token={secret}"
    return [
        ["lint", menu, "--set", token],
        ["template", menu, "--set", token],
        ["template", menu, "--set", token, "-o", "json"],
        ["values", menu, "--set", token],
        ["values", menu, "--set", token, "--explain"],
        ["diff", "shop", menu, "--set", token],
        ["install", "shop", menu, "--set", token, "-v"],
        ["install", "shop", menu, "--set", token, "-v"],
        ["diff", "shop", menu, "--set", "text=" + secret],
        ["upgrade", "shop", menu, "--set", "text=new", "-m", f"because of {secret}", "-o", "json"],
        ["diff", "shop", menu, "--set", f"token={secret}x", "-o", "json"],
        ["diff", "shop", menu, "--unset", "token", "-o", "markdown"],
        ["upgrade", "shop", menu, "--set", f"tokens={secret}"],
        ["upgrade", "shop", menu, "--set-json", f"token=[{secret}]"],
        ["rollback", "shop", "-v"],
        ["status", "shop"],
        ["history", "shop", "-o", "yaml"],
        ["history", "shop", "--revision", "1"],
        ["history", "shop", "--revision", "2", "-o", "json"],
        ["get", "values", "shop"],
        ["get", "manifest", "shop"],
        ["get", "manifest", "shop", "-o", "json"],
        ["get", "notes", "shop"],
        ["logs", "shop"],
        ["uninstall", "shop", "--dry-run"],
    ]


@pytest.mark.medium
def test_a_random_secret_appears_in_no_output(cli):
    menu = small_bundle(cli.home)
    secret = drawn()
    for argv in command_lines(menu, secret):
        outcome = cli(*argv)
        said = outcome.out + outcome.err
        assert "Traceback" not in said
        assert not [one for one in spellings(secret) if one in said], argv


def test_a_generated_secret_appears_in_no_output(cli):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu, "-v").ok()
    with cli.sandbox() as sandbox:
        from bundler.model.refs import ObjectRef

        made = sandbox.get(ObjectRef("", "Secret", "default", "shop-password"))["data"]["password"]
    text = base64.b64decode(made).decode()
    assert len(text) == 24
    for argv in (["status", "shop"], ["get", "manifest", "shop"], ["diff", "shop", menu, "--set", "text=x", "--full"]):
        outcome = cli(*argv).ok()
        assert text not in outcome.out + outcome.err
        assert made not in outcome.out + outcome.err


def in_config(secret: str) -> list[str]:
    """A secret that an author also wrote into a ConfigMap: its diff must not show what no one may see."""
    return ["--set", f"token={secret}", "--set", f"text={secret}"]


@pytest.mark.medium
@pytest.mark.parametrize(
    "argv",
    [["rollback", "shop", "1", "--dry-run"], ["rollback", "shop", "1", "-v"], ["uninstall", "shop", "--dry-run"]],
)
def test_what_goes_away_shows_no_secret_either(cli, argv):
    menu = small_bundle(cli.home)
    secret = drawn()
    cli("install", "shop", menu).ok()
    cli("upgrade", "shop", menu, *in_config(secret)).ok()
    outcome = cli(*argv).ok()
    assert "ConfigMap/shop-config" in outcome.out + outcome.err
    assert not [one for one in spellings(secret) if one in outcome.out + outcome.err]


@pytest.mark.medium
@pytest.mark.parametrize("argv", [["diff", "shop", "MENU", "--set", "text=ho"], ["uninstall", "shop", "--dry-run"]])
def test_what_a_failed_upgrade_left_shows_no_secret_either(cli, argv):
    menu = small_bundle(cli.home)
    secret = drawn()
    cli("install", "shop", menu).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ErrImageNeverPull", "default")
    assert cli("upgrade", "shop", menu, *in_config(secret), "--set", "image=broken:1").code == 1
    outcome = cli(*(str(menu) if word == "MENU" else word for word in argv)).ok()
    assert "ConfigMap/shop-config" in outcome.out
    assert not [one for one in spellings(secret) if one in outcome.out + outcome.err]


def test_a_secret_lies_in_its_own_record_alone(cli):
    menu = small_bundle(cli.home)
    secret = drawn()
    cli("install", "shop", menu, "--set", f"token={secret}", "-m", f"for {secret}").ok()
    from bundler.model.cluster import ListQuery

    with cli.sandbox() as sandbox:
        records = sandbox.list(ListQuery(group="", kind="Secret", namespace="default")).items
    holders = set()
    for body in records:
        texts = [str(body["metadata"])]
        for value in body.get("data", {}).values():
            raw = base64.b64decode(value)
            texts += [value, raw.decode("latin1"), *unpacked(raw)]
        if any(one in text for one in spellings(secret) for text in texts):
            holders.add(body["metadata"]["name"])
    assert holders == {"shop-token", "bundler.sensitive.shop.v1"}


def unpacked(raw: bytes) -> list[str]:
    try:
        return [zlib.decompress(raw).decode("latin1")]
    except zlib.error:
        return []


@pytest.mark.parametrize("option", ["--set", "--set-json"])
@pytest.mark.parametrize("is_joined", [True, False])
def test_recorded_command_lines_are_masked(cli, option, is_joined):
    bundle = load_from(small_bundle(cli.home))
    words = [f"{option}=token=hush"] if is_joined else [option, "token=hush"]
    text = recorded_command(["install", "shop", *words, "--set", "text=open"], bundle)
    assert "hush" not in text
    assert MASK in text
    assert "text=open" in text


@pytest.mark.parametrize("option", ["--set", "--set-json", "--set-file", "--set-env"])
@pytest.mark.parametrize("is_joined", [True, False])
@pytest.mark.parametrize("word", ["pass:hush", "pass:hush and", "pass hush"])
def test_of_a_word_without_equals_only_the_start_of_its_path_is_recorded(cli, option, is_joined, word):
    words = [f"{option}={word}"] if is_joined else [option, word]
    for bundle in (None, load_from(small_bundle(cli.home))):
        text = recorded_command(["install", "shop", *words, "--set", "text=open"], bundle)
        assert "hush" not in text
        assert "pass…" in text


def test_the_name_of_a_file_or_variable_is_recorded():
    argv = ["install", "shop", "--set-file", "token=some.txt", "--set-env=text=HOME"]
    assert recorded_command(argv) == "bundler install shop --set-file token=some.txt --set-env=text=HOME"


@pytest.mark.parametrize("path", ["env.DB_PASSWORD", "auth.apiKey", "db.credentials.user", 'env["GH_TOKEN"]'])
def test_what_is_named_like_a_secret_is_masked_even_where_no_schema_says_so(cli, path):
    bundle = load_from(small_bundle(cli.home))
    assert "hush" not in recorded_command(["install", "shop", "--set", f"{path}=hush"], bundle)
    assert "hush" not in recorded_command(["install", "shop", "--set-json", f'{path}={{"a":"hush"}}'], bundle)


def test_logins_in_addresses_are_not_recorded():
    argv = ["install", "shop", "oci://ada:hush@registry.example/shop", "--insecure-http=http://ada:hush@proxy"]
    text = recorded_command(argv)
    assert "hush" not in text
    assert "registry.example/shop" in text
    assert recorded_command(["install", "shop@1.2"]) == "bundler install shop@1.2"


def test_a_command_line_without_a_bundle_masks_every_value():
    assert "open" not in recorded_command(["rollback", "--set", "text=open"])


@pytest.mark.medium
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(
        alphabet=st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_characters="\x7f"),
        min_size=8,
        max_size=24,
    )
)
def test_whatever_a_secret_looks_like_template_masks_it(cli, secret):
    menu = small_bundle(cli.home)
    outcome = cli("template", menu, "--set", f"token={secret}", "--only", "templates/config.yaml")
    assert secret not in outcome.out + outcome.err


def test_the_embedded_cluster_keeps_its_file_to_its_owner(cli):
    cli("list").ok()
    path = cli.home / "state" / "sandbox.db"
    assert path.stat().st_mode & 0o077 == 0
    sqlite3.connect(path).close()
    SandboxClient.open(path, FakeClock()).close()


LEAKING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "leak"}
data:
  auth: {{ ("user:" ~ values.token) | b64encode }}
  url: {{ ("https://user:" ~ values.token ~ "@host/") | b64encode }}
"""


def decoded(text: str) -> str:
    """Return all that can be read out of the base64 in a text, at each alignment."""
    words = re.findall(r"[A-Za-z0-9+/_-]{8,}", text)
    parts = (word[at : at + (len(word) - at) // 4 * 4] for word in words for at in range(4))
    plain = (part.translate(str.maketrans("+/", "-_")) for part in parts)
    return "\n".join(base64.urlsafe_b64decode(part).decode("latin1") for part in plain)


@pytest.mark.parametrize(
    "words",
    [
        ["template"],
        ["template", "-o", "json"],
        ["template", "--show-invalid"],
        ["diff", "shop"],
        ["diff", "shop", "-o", "json"],
        ["diff", "shop", "-o", "html"],
        ["install", "shop", "-v"],
    ],
    ids=" ".join,
)
def test_a_secret_inside_a_longer_base64_appears_in_no_output(cli, words):
    menu = small_bundle(cli.home, **{"templates/leak.yaml": LEAKING})
    secret = "correct-horse-9"
    for _ in range(2):
        outcome = cli(*words, menu, "--set", f"token={secret}").ok()
        said = outcome.out + outcome.err
        assert secret not in said
        assert secret[:12] not in decoded(said)
        assert secret[3:] not in decoded(said)


PLAIN = """
apiVersion: v1
kind: Secret
metadata: {name: plain}
stringData: {short: abc, user: admin, flag: "true", port: "5432"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {admin: "true", user: admin, port: "5432", url: "https://admin.example:5432/true"}
"""


def test_template_masks_each_leaf_of_a_secret_and_no_common_word_elsewhere(cli):
    menu = small_bundle(cli.home, **{"templates/plain.yaml": PLAIN})
    text = cli("template", menu, "--only", "templates/plain.yaml").ok().out
    secret, config = text.split("kind: ConfigMap")
    assert 'short: "***", user: "***", flag: "***", port: "***"' in secret
    assert 'data: {admin: "true", user: admin, port: "5432", url: "https://admin.example:5432/true"}' in config
    items = cli("template", menu, "--only", "templates/plain.yaml", "-o", "json").ok().document["items"]
    bodies = {item["kind"]: item for item in items}
    assert bodies["Secret"]["data"] == dict.fromkeys(["short", "user", "flag", "port"], "***")
    assert bodies["ConfigMap"]["data"]["url"] == "https://admin.example:5432/true"
    clear = cli("template", menu, "--only", "templates/plain.yaml", "--show-secrets").ok().out
    assert "short: abc" in clear


def test_common_words_of_a_secret_stay_readable_in_the_record_too(cli):
    menu = small_bundle(cli.home, **{"templates/plain.yaml": PLAIN})
    cli("install", "shop", menu).ok()
    items = cli("get", "manifest", "shop", "-o", "json").ok().document["items"]
    bodies = {item["kind"]: item for item in items if item["metadata"]["name"] == "plain"}
    assert set(bodies["Secret"]["data"].values()) == {"***"}
    assert bodies["ConfigMap"]["data"]["url"] == "https://admin.example:5432/true"
    assert bodies["ConfigMap"]["data"]["admin"] == "true"


def test_a_sensitive_value_of_three_characters_is_masked_where_it_is_a_whole_value(cli):
    leak = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: xyz-config}\ndata: {a: {{ values.token }}, b: wxyz}\n"
    menu = small_bundle(cli.home, **{"templates/leak.yaml": leak})
    text = cli("template", menu, "--set", "token=xyz", "--only", "templates/leak.yaml").ok().out
    assert "xyz-config" in text
    assert "data: {a: ***, b: wxyz}" in text


BROKEN_LINES = """
apiVersion: v1
kind: Secret
metadata: {name: wrapped}
data:
  password: |
    Y29ycmVjdC1ob3
    JzZS1iYXR0ZXJ5
---
apiVersion: v1
kind: ConfigMap
metadata: {name: wrapped}
data: {copy: correct-horse-battery}
"""


@pytest.mark.medium
def test_base64_with_line_breaks_is_a_secret_like_any_other(cli):
    menu = small_bundle(cli.home, **{"templates/wrapped.yaml": BROKEN_LINES})
    for words in (["template"], ["diff", "shop"], ["install", "shop", "-v"], ["diff", "shop"]):
        outcome = cli(*words, menu).ok()
        assert "correct-horse-battery" not in outcome.out + outcome.err
        assert "Y29ycmVjdC1ob3" not in outcome.out + outcome.err
    assert "Secret/wrapped" not in outcome.out, "the server stores it without the breaks: nothing changes"
    from bundler.model.cluster import ListQuery

    with cli.sandbox() as sandbox:
        records = sandbox.list(ListQuery(group="", kind="Secret", namespace="default")).items
    for body in records:
        if body["metadata"]["labels"].get("bundler.dev/record") in {"head", "pack"}:
            for value in body["data"].values():
                raw = base64.b64decode(value)
                assert not any("correct-horse-battery" in text for text in (raw.decode("latin1"), *unpacked(raw)))


@pytest.mark.parametrize("words", [["uninstall", "shop", "--dry-run"], ["diff", "shop", "MENU", "--set", "text=x"]])
def test_what_kubectl_keeps_of_an_object_inside_it_is_not_shown(cli, words):
    menu = small_bundle(cli.home)
    cli("install", "shop", menu, "--set", "token=first-password").ok()
    from bundler.model.refs import ObjectRef

    kept = json.dumps({"kind": "Secret", "stringData": {"token": "typed-by-hand-1"}})
    notes = {"kubectl.kubernetes.io/last-applied-configuration": kept}
    with cli.sandbox() as sandbox:
        for kind, name in (("Secret", "shop-token"), ("ConfigMap", "shop-config")):
            sandbox.edit(ObjectRef("", kind, "default", name), {"metadata": {"annotations": notes}})
    outcome = cli(*(str(menu) if word == "MENU" else word for word in words)).ok()
    assert "ConfigMap/shop-config" in outcome.out
    assert "typed-by-hand-1" not in outcome.out + outcome.err
