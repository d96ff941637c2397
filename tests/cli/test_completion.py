"""What the shell is offered when someone presses Tab."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bundler.cli.main import run
from bundler.cli.parsing import completions as completing
from bundler.loader.locate import known_names
from tests.cli.test_imports import KUBERNETES, SCHEMAS, TEMPLATES, TERMINAL, imported
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle

if TYPE_CHECKING:
    from pathlib import Path

TAKE_A_RELEASE = ["status", "history", "logs", "wait", "rollback", "uninstall", "unlock", "protect", "upgrade", "diff"]
TAKE_A_RELEASE += ["rollout", "pause", "continue", "abort"]
TAKE_A_BUNDLE = [
    ["install"],
    ["upgrade", "x"],
    ["diff", "x"],
    ["template"],
    ["values"],
    ["show"],
    ["lint"],
    ["lock"],
    ["package"],
    ["push"],
    ["export"],
    ["images"],
    ["preflight"],
]
CONFIG = "config.yaml"


def offered(cli, *words: str, **variables: str) -> list[str]:
    """Press Tab in the last word; return what bash is told, and insist that nothing is said besides."""
    asked = {"_BUNDLER_COMPLETE": "bash_complete", "COMP_WORDS": shlex.join(["bundler", *words])}
    out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()  # click writes bytes
    with cli.monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name, text in {**asked, "COMP_CWORD": str(len(words)), **variables}.items():
            patch.setenv(name, text)
        assert run([]) == 0
    assert err.getvalue() == ""
    return out.buffer.getvalue().decode().split()  # type: ignore[attr-defined, no-any-return]


def plain(*names: str) -> list[str]:
    return [f"plain,{name}" for name in names]


@pytest.fixture
def two(cli) -> None:
    menu = small_bundle(cli.home)
    for namespace, name in (("prod", "shop"), ("prod", "store"), ("dev", "shed")):
        cli("install", name, menu, "-n", namespace, "--yes").ok()


def kubeconfig(folder: Path, *names: str, server: str = "http://127.0.0.1:1") -> Path:
    body = {
        "current-context": names[0],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in names],
    }
    path = folder / CONFIG
    path.write_text(json.dumps(body))
    return path


@pytest.mark.medium
@pytest.mark.usefixtures("two")
def test_every_verb_that_takes_a_release_offers_those_of_the_namespace_that_was_typed(cli):
    for verb in TAKE_A_RELEASE:
        assert offered(cli, verb, "-n", "prod", "sh") == plain("shop"), verb
    assert offered(cli, "get", "values", "-n", "prod", "") == plain("shop", "store")
    assert offered(cli, "status", "", BUNDLER_NAMESPACE="dev") == plain("shed")
    assert offered(cli, "status", "") == []


@pytest.mark.medium
@pytest.mark.usefixtures("two")
def test_the_context_that_was_typed_counts(cli):
    config = kubeconfig(cli.home, "desk")
    assert offered(cli, "status", "--context", "embedded:sandbox", "-n", "dev", "", BUNDLER_CONTEXT="desk") == plain(
        "shed"
    )
    assert offered(cli, "status", "--kubeconfig", str(config), "--context", "desk", "-n", "dev", "") == []


@pytest.mark.medium
@pytest.mark.usefixtures("two")
def test_namespaces_that_have_releases_are_offered(cli):
    assert offered(cli, "list", "-n", "") == plain("dev", "prod")
    assert offered(cli, "history", "--namespace", "p") == plain("prod")


def test_nothing_is_offered_and_no_sandbox_made_where_there_is_none(cli):
    assert offered(cli, "status", "") == []
    assert offered(cli, "list", "-n", "") == []
    assert not (cli.home / "state").exists()


@pytest.mark.parametrize(
    ("options", "content"),
    [
        (["--context", "nowhere"], "{}"),
        (["--kubeconfig", "missing.yaml", "--context", "desk"], "{}"),
        (["--context", "desk"], ": no [ yaml"),
        (["-n", "Bad_NS"], "{}"),
    ],
    ids=["unknown context", "no kubeconfig", "broken kubeconfig", "impossible namespace"],
)
def test_what_goes_wrong_is_not_spoken_of(cli, options, content):
    broken = cli.home / CONFIG
    broken.write_text(content)
    assert offered(cli, "status", *options, "", KUBECONFIG=str(broken)) == []


def test_a_cluster_that_refuses_offers_nothing(cli):
    assert offered(cli, "status", "--context", "desk", "", KUBECONFIG=str(kubeconfig(cli.home, "desk"))) == []


def test_a_cluster_that_does_not_answer_is_not_waited_for(cli, monkeypatch):
    monkeypatch.setattr(completing, "LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = kubeconfig(cli.home, "desk", server=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began_s = time.monotonic()
        assert offered(cli, "status", "--context", "desk", "", KUBECONFIG=str(config)) == []
    assert time.monotonic() - began_s < 60

    for thread in threading.enumerate():
        if thread.name == "completion":
            thread.join(60)


@pytest.mark.parametrize("mode", ["IfAvailable", "Always"])
def test_a_credential_plugin_is_not_heard_and_asks_nobody(cli, capfd, mode):
    plugin = cli.home / "plugin"
    plugin.write_text("#!/bin/sh\necho 'log in, please' >&2\nexit 1\n")
    plugin.chmod(0o700)
    config = kubeconfig(cli.home, "desk")
    body = json.loads(config.read_text())
    spec = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": mode}
    body["users"] = [{"name": "u", "user": {"exec": spec}}]
    config.write_text(json.dumps(body))
    assert offered(cli, "status", "--context", "desk", "", KUBECONFIG=str(config)) == []
    assert capfd.readouterr() == ("", "")


def test_a_damaged_sandbox_offers_nothing(cli):
    (cli.home / "state").mkdir()
    (cli.home / "state" / "sandbox.db").write_text("no database")
    assert offered(cli, "status", "") == []


def test_bundles_are_offered_by_name_and_the_shell_completes_paths(cli):
    shelf = cli.home / "shelf"
    make_bundle(shelf, name="web-shop")
    (shelf / "tea-house-1.2.0-rc.1.tgz").touch()
    (shelf / "notes").mkdir()
    for argv in TAKE_A_BUNDLE:
        found = offered(cli, *argv, "", BUNDLER_BUNDLE_PATH=f"{shelf}:{cli.home / 'missing'}")
        assert found == [
            "file,",
            *plain(*sorted([*known_names([]), "tea-house", "web-shop"])),
        ], argv
    assert offered(cli, "install", "./sh") == ["file,./sh"]
    assert offered(cli, "install", "we") == ["file,we", *plain("webapp")]


def test_a_path_is_left_to_the_shell(cli):
    assert offered(cli, "template", "bundles/") == ["file,bundles/"]


def test_install_takes_two_words(cli):
    assert offered(cli, "install", "mine", "sho") == ["file,sho", *plain("shop")]
    assert offered(cli, "install", "mine", "shop", "") == []


def test_contexts_are_those_of_the_kubeconfig_and_the_sandbox(cli):
    config = str(kubeconfig(cli.home, "prod", "desk"))
    assert offered(cli, "list", "--context", "", KUBECONFIG=config) == plain("desk", "prod", "sandbox")
    assert offered(cli, "list", "--kubeconfig", config, "--context", "p") == plain("prod")
    assert offered(cli, "list", "--context=d", KUBECONFIG=config) == plain("desk")


def test_two_clusters_named_sandbox_are_offered_by_their_long_names(cli):
    config = str(kubeconfig(cli.home, "sandbox"))
    assert offered(cli, "list", "--context", "", KUBECONFIG=config) == plain("embedded:sandbox", "kubeconfig:sandbox")


def test_without_a_readable_kubeconfig_the_sandbox_is_offered(cli):
    (cli.home / CONFIG).write_text(": no [ yaml")
    assert offered(cli, "list", "--context", "s", KUBECONFIG=str(cli.home / CONFIG)) == plain("sandbox")


def modules_after_tab(cli, line: str) -> set[str]:
    """Press Tab in a fresh interpreter, at the end of a line; return what was imported."""
    asked = {"_BUNDLER_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    with cli.monkeypatch.context() as patch:
        for name, text in asked.items():
            patch.setenv(name, text)
        probe = "import sys; from bundler.cli.main import run; run([]); sys.stderr.write(' '.join(sys.modules))"
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "shop" in done.stdout
    return set(done.stderr.split())


def test_names_of_bundles_need_no_cluster_and_no_template(cli):
    modules = modules_after_tab(cli, "bundler show sh")
    assert imported(modules, *KUBERNETES, *TEMPLATES, *SCHEMAS, *TERMINAL) == set()


@pytest.mark.medium
@pytest.mark.usefixtures("two")
def test_names_of_releases_need_no_template_and_no_schema(cli):
    modules = modules_after_tab(cli, "bundler status -n prod sh")
    needless = ("kubernetes", "bundler.cluster.client", "bundler.http", *TEMPLATES)
    assert imported(modules, *needless, *SCHEMAS, *TERMINAL) == set()
