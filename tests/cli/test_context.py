"""Which cluster is meant, and in which namespace."""

from __future__ import annotations

import json

import pytest


def kubeconfig(cli, *contexts: str, namespace: str = "", **cluster: object) -> str:
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0],
        "clusters": [{"name": "away", "cluster": {"server": "http://127.0.0.1:1", **cluster}}],
        "users": [{"name": "ada", "user": {"token": "t"}}],
        "contexts": [
            {"name": name, "context": {"cluster": "away", "user": "ada", "namespace": namespace}} for name in contexts
        ],
    }
    path = cli.home / "kubeconfig"
    path.write_text(json.dumps(body))
    return str(path)


def test_the_embedded_cluster_is_never_chosen_silently(cli):
    outcome = cli("list", BUNDLER_CONTEXT="")
    assert outcome.code == 1
    assert "--context sandbox" in outcome.err
    assert not (cli.home / "state").exists()


@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_context_named_sandbox_makes_the_name_ambiguous(cli, way):
    path = kubeconfig(cli, "prod", "sandbox")
    outcome = cli("list", "--context", "sandbox", KUBECONFIG=path) if way == "option" else cli("list", KUBECONFIG=path)
    assert outcome.code == 2
    assert "embedded:sandbox" in outcome.err
    assert "kubeconfig:sandbox" in outcome.err


def test_both_clusters_of_that_name_can_be_named(cli):
    path = kubeconfig(cli, "prod", "sandbox")
    assert cli("list", "--context", "embedded:sandbox", KUBECONFIG=path).code == 0
    outcome = cli("list", "--context", "kubeconfig:sandbox", "--timeout", "1s", KUBECONFIG=path)
    assert "error[cluster-unavailable]" in outcome.err


def test_the_option_wins_over_the_variable(cli):
    path = kubeconfig(cli, "prod")
    outcome = cli("list", "--context", "embedded:sandbox", KUBECONFIG=path, BUNDLER_CONTEXT="prod")
    assert outcome.code == 0


def test_an_unknown_context_is_answered_with_those_that_are_known(cli):
    outcome = cli("list", "--context", "staging", KUBECONFIG=kubeconfig(cli, "prod", "test"))
    assert outcome.code == 1
    assert "prod, test" in outcome.err


def test_the_budget_of_the_whole_command_ends_retries(cli):
    before_s = cli.clock.monotonic()
    outcome = cli("list", BUNDLER_CONTEXT="", KUBECONFIG=kubeconfig(cli, "away"), BUNDLER_TIMEOUT="3s")
    assert outcome.code == 1
    assert cli.clock.monotonic() - before_s <= 3.5


def test_output_can_be_chosen_by_variable_and_option_wins(cli):
    assert cli("list", BUNDLER_OUTPUT="json").ok().document == []
    assert cli("list", "-o", "text", BUNDLER_OUTPUT="json").ok().out.startswith("NAMESPACE")


@pytest.mark.parametrize("argv", [("list",), ("list", "-q"), ("uninstall", "shop", "--yes")], ids=" ".join)
def test_a_server_that_is_not_verified_is_named_on_every_run(cli, argv):
    path = kubeconfig(cli, "prod", **{"insecure-skip-tls-verify": True})
    outcome = cli(*argv, "--context", "prod", KUBECONFIG=path)
    assert "warning: http://127.0.0.1:1 is not verified: the kubeconfig says insecure-skip-tls-verify" in outcome.err
    assert "not verified" not in cli("list", "--context", "prod", KUBECONFIG=kubeconfig(cli, "prod")).err
