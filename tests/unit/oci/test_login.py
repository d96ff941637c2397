"""How a registry's challenge is answered."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import pytest

from bundler.errors.delivery import RegistryError, RegistryForbiddenError, RegistryLoginError
from bundler.oci.credentials import Credentials
from tests.lib.stub_server import Got, Say, Step, StubServer
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import client, host_of, refused, repository

ADA = Credentials(user="ada", password="correct-horse-7", source="a test")
BASIC = "Basic " + base64.b64encode(b"ada:correct-horse-7").decode()
TAGS = Say(body={"tags": ["1.0"]})


def challenge(realm: str, *, scope: str = "repository:shop/web:pull", error: str = "") -> Say:
    why = f',error="{error}"' if error else ""
    header = f'Bearer realm="{realm}",service="registry.site",scope="{scope}"{why}'
    return Say(status=401, body={"errors": [{"code": "UNAUTHORIZED"}]}, headers={"WWW-Authenticate": header})


def wanting(token: str, tokens: StubServer) -> object:
    def answer(got: Got) -> Step:
        return TAGS if got.headers.get("authorization") == f"Bearer {token}" else challenge(tokens.url)

    return answer


def test_a_token_is_fetched_for_the_scope_and_service_with_our_name_and_used_again() -> None:
    with StubServer([Say(body={"token": "t1", "expires_in": 300})]) as tokens:
        with StubServer([wanting("t1", tokens)]) as server:
            oci = client(host_of(server.url), who=ADA)
            for _ in range(3):
                assert oci.tags(repository(server.url)) == ["1.0"]
        assert len(server.requests) == 4
    assert len(tokens.requests) == 1
    asked = tokens.requests[0]
    assert asked.headers["authorization"] == BASIC
    assert parse_qs(asked.target.partition("?")[2]) == {
        "service": ["registry.site"],
        "scope": ["repository:shop/web:pull"],
    }


def test_a_token_is_fetched_anew_before_it_ends_and_when_the_registry_takes_it_no_more() -> None:
    clock = InstantClock()
    with (
        StubServer([Say(body={"token": "t1", "expires_in": 100})]) as tokens,
        StubServer([wanting("t1", tokens)]) as server,
    ):
        oci = client(host_of(server.url), who=ADA, clock=clock)
        oci.tags(repository(server.url))
        clock.sleep(90)
        oci.tags(repository(server.url))
        assert len(tokens.requests) == 2
    with (
        StubServer([Say(body={"token": "old"}), Say(body={"access_token": "new"})]) as tokens,
        StubServer([wanting("new", tokens)]) as server,
    ):
        assert client(host_of(server.url)).tags(repository(server.url)) == ["1.0"]
    assert len(tokens.requests) == 2
    assert "authorization" not in tokens.requests[0].headers


def test_an_identity_token_is_exchanged() -> None:
    with StubServer([Say(body={"access_token": "t1"})]) as tokens, StubServer([wanting("t1", tokens)]) as server:
        oci = client(host_of(server.url), who=Credentials(identity_token="refresh-me", source="a test"))
        assert oci.tags(repository(server.url)) == ["1.0"]
    form = parse_qs(tokens.requests[0].body.decode())
    assert (tokens.requests[0].method, form["grant_type"], form["refresh_token"]) == (
        "POST",
        ["refresh_token"],
        ["refresh-me"],
    )


def test_a_name_and_password_are_sent_only_to_a_registry_that_asked() -> None:
    ask = Say(status=401, body={}, headers={"WWW-Authenticate": 'Basic realm="site"'})
    with StubServer([ask, TAGS]) as server:
        assert client(host_of(server.url), who=ADA).tags(repository(server.url)) == ["1.0"]
    assert [got.headers.get("authorization") for got in server.requests] == [None, BASIC]


def test_every_secret_is_learned_before_it_is_used() -> None:
    learned: list[str] = []
    with StubServer([Say(body={"token": "t1-secret"})]) as tokens, StubServer([wanting("t1-secret", tokens)]) as server:
        client(host_of(server.url), who=ADA, learn=learned.append).tags(repository(server.url))
    assert {"correct-horse-7", BASIC.removeprefix("Basic "), "t1-secret"} <= set(learned)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([challenge("http://127.0.0.1:1/never", scope="")] * 2, RegistryError),
        ([Say(status=401, body={}, headers={"WWW-Authenticate": "Negotiate"})], RegistryLoginError),
        ([Say(status=401, body={})], RegistryLoginError),
        ([Say(status=401, body={}, headers={"WWW-Authenticate": "Basic realm=x"})], RegistryLoginError),
        ([refused(403, "DENIED", "requested access to the resource is denied")], RegistryForbiddenError),
    ],
)
def test_what_cannot_be_answered_ends(answers: list[Step], error: type[RegistryError]) -> None:
    with StubServer(answers) as server, pytest.raises(error):
        client(host_of(server.url), who=ADA).tags(repository(server.url))
    assert len(server.requests) <= 3


def test_a_token_server_that_refuses_is_told() -> None:
    with (
        StubServer([refused(401, "UNAUTHORIZED", "wrong password")]) as tokens,
        StubServer([wanting("t1", tokens)]) as server,
        pytest.raises(RegistryLoginError) as caught,
    ):
        client(host_of(server.url), who=ADA).tags(repository(server.url))
    assert str(caught.value).startswith("asking for a token for")
    assert "wrong password" in caught.value.context[0]
    assert "asked as ada (from a test)" in caught.value.context


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "a\nb"}, []])
def test_a_token_server_without_a_token_is_told(body: object) -> None:
    with (
        StubServer([Say(body=body)]) as tokens,
        StubServer([wanting("t1", tokens)]) as server,
        pytest.raises(RegistryLoginError, match="logging in"),
    ):
        client(host_of(server.url), who=ADA).tags(repository(server.url))
