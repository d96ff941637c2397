"""--offline holds for the whole process: libraries that know nothing of it are refused too."""

from __future__ import annotations

import base64
import json
import socket

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.stub_server import Say, StubServer

UNAVAILABLE = Say(status=403, body={"kind": "Status", "message": "no"})


def kubeconfig(cli, server: str, issuer: str) -> str:
    """Write one whose user logs in by a plugin of the `kubernetes` package, and has a token that expired."""
    parts = ({"alg": "none"}, {"exp": 1})
    token = ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""]
    )
    provider = {
        "id-token": token,
        "idp-issuer-url": issuer,
        "client-id": "a",
        "client-secret": "b",
        "refresh-token": "c",
    }
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "ada", "user": {"auth-provider": {"name": "oidc", "config": provider}}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "ada"}}],
    }
    path = cli.home / "kubeconfig"
    path.write_text(json.dumps(body))
    return str(path)


def may_connect() -> bool:
    """Return whether this process may connect to a server that no run has named."""
    with StubServer([UNAVAILABLE]) as server:
        host, _, port = server.url.partition("://")[2].partition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    return True


@pytest.fixture
def servers():
    with StubServer([UNAVAILABLE]) as api, StubServer([UNAVAILABLE]) as issuer:
        yield api, issuer


@pytest.mark.medium
def test_a_login_plugin_may_not_ask_its_issuer_when_offline(cli, servers, tmp_path) -> None:
    api, issuer = servers
    words = ["install", make_bundle(tmp_path / "b"), "--timeout", "5s"]
    env = {"BUNDLER_CONTEXT": "", "KUBECONFIG": kubeconfig(cli, api.url, issuer.url)}
    outcome = cli(*words, "--offline", **env)
    authority = issuer.url.partition("://")[2]
    assert outcome.code == 1
    assert f"error[offline]: connecting to {authority}" in outcome.err
    assert f"offline, {api.url.partition('://')[2]} may be reached and nothing else" in outcome.err
    assert "--no-offline" in outcome.err
    assert issuer.requests == []
    assert may_connect()


def test_without_it_the_issuer_is_asked(cli, servers, tmp_path) -> None:
    api, issuer = servers
    env = {"BUNDLER_CONTEXT": "", "KUBECONFIG": kubeconfig(cli, api.url, issuer.url)}
    outcome = cli("install", make_bundle(tmp_path / "b"), "--timeout", "5s", **env)
    assert "error[offline]" not in outcome.err
    assert issuer.requests


def test_a_run_that_fails_takes_its_fence_down(cli) -> None:
    assert "error[offline]" in cli("install", "oci://registry.example/shop:1.0.0", "--offline").err
    assert may_connect()
