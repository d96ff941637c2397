"""Who we are is given to the registry alone, and every registry is asked the way it wants to be asked."""

from __future__ import annotations

import pytest

from bundler.errors.delivery import RegistryError, RegistryForbiddenError, RegistryLoginError
from bundler.model.digest import digest_of
from bundler.model.oci import OCI_MANIFEST, OciManifest, Repository
from bundler.oci.authorize import Authorizer, joined_scopes
from bundler.oci.credentials import Credentials
from bundler.oci.requests import Answer
from tests.lib.images import source_of
from tests.lib.quirks import Quirks
from tests.lib.quirky_registry import PASSWORD, USER, QuirkyRegistry
from tests.lib.stub_server import Got, Say, StubServer
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import blob_of, client

ADA = Credentials(user=USER, password=PASSWORD, source="a test")
WRONG = Credentials(user=USER, password="wrong-horse-8", source="a test")
CONTENT = bytes(range(256)) * 40
BLOB = blob_of(CONTENT)


def kept(registry: QuirkyRegistry, name: str = "shop/web") -> Repository:
    registry.of(name).blobs[BLOB.digest] = CONTENT
    return Repository(registry.host, name)


def test_a_storage_host_that_asks_for_a_login_gets_none_and_is_named() -> None:
    with StubServer([Say(body={"token": "stolen"})]) as thief:
        quirks = Quirks(login="token", redirects_blobs=True, storage_asks=f"{thief.url}/token")
        with QuirkyRegistry(quirks) as registry:
            where = registry.storage.url.partition("://")[2]
            with pytest.raises(RegistryForbiddenError) as caught:
                list(client(registry.host, who=ADA).blob(kept(registry), BLOB))
            assert f"{where}, where {registry.host} keeps its content, answers 401" in caught.value.context[0]
            assert all("authorization" not in got.headers for got in registry.storage.requests)
        assert thief.requests == []


def test_an_upload_that_goes_to_another_host_does_not_take_our_login_there() -> None:
    with StubServer([Say(body={"token": "stolen"})]) as thief:
        quirks = Quirks(login="token", location="elsewhere", storage_asks=f"{thief.url}/token")
        with QuirkyRegistry(quirks) as registry:
            with pytest.raises(RegistryForbiddenError, match="storing blob") as caught:
                client(registry.host, who=ADA).put_blob(Repository(registry.host, "a/b"), BLOB, source_of(CONTENT))
            assert registry.storage.url.partition("://")[2] in caught.value.context[0]
            assert len(registry.storage.requests) == 1
        assert thief.requests == []


@pytest.mark.parametrize("login", ["token", "basic"])
def test_an_upload_that_is_always_answered_by_401_ends_after_two_logins(login: str) -> None:
    with QuirkyRegistry(Quirks(login=login, uploads_always_401=True)) as registry:
        with pytest.raises(RegistryLoginError, match="storing blob"):
            client(registry.host, who=ADA).put_blob(Repository(registry.host, "a/b"), BLOB, source_of(CONTENT))
        assert len(registry.requests("PUT")) <= 3
        assert len(registry.server.requests) <= 16


@pytest.mark.parametrize("status", [401, 403])
def test_a_repository_that_is_not_there_yet_is_no_reason_not_to_write_to_it(status: int) -> None:
    with QuirkyRegistry(Quirks(login="token", hides_missing=status)) as registry:
        oci, place = client(registry.host, who=ADA, is_writing=True), Repository(registry.host, "new/one")
        assert oci.manifest(place, "1.0") is None
        assert oci.head_manifest(place, "1.0") is None
        assert not oci.has_blob(place, BLOB)
        assert list(oci.tags(place)) == []
        assert oci.put_blob(place, BLOB, source_of(CONTENT)) == len(CONTENT)


def test_who_may_not_write_is_told_so_by_the_write() -> None:
    with QuirkyRegistry(Quirks(login="token", hides_missing=401)) as registry:
        oci, place = client(registry.host, is_writing=True), Repository(registry.host, "new/one")
        assert oci.manifest(place, "1.0") is None
        with pytest.raises(RegistryLoginError, match="storing blob"):
            oci.put_blob(place, BLOB, source_of(CONTENT))


@pytest.mark.parametrize(
    "quirks", [Quirks(login="token", scope_prefix="proxy/"), Quirks(login="token", says_scope="aws")]
)
def test_what_the_challenge_names_is_asked_for_next_to_our_own_scope(quirks: Quirks) -> None:
    with QuirkyRegistry(quirks) as registry:
        oci = client(registry.host, who=ADA)
        for name in ("shop/web", "shop/api", "shop/web"):
            place = Repository(registry.host, name)
            oci.put_blob(place, BLOB, source_of(CONTENT))
            assert b"".join(oci.blob(place, BLOB)) == CONTENT
            manifest = OciManifest.of(b'{"layers": []}', OCI_MANIFEST)
            oci.put_manifest(place, manifest, tag="1")
            assert oci.manifest(place, "1") == manifest


@pytest.mark.parametrize(
    ("own", "said", "wanted"),
    [
        (("repository:a:pull,push",), "repository:a:pull", ("repository:a:pull,push",)),
        (("repository:a:pull",), "repository:x/a:pull", ("repository:a:pull", "repository:x/a:pull")),
        (("repository:a:pull",), "repository:a:pull,push", ("repository:a:pull", "repository:a:pull,push")),
        (("repository:a:pull",), "aws", ("repository:a:pull", "aws")),
        ((), "registry:catalog:*", ("registry:catalog:*",)),
        (("repository:a:pull",), "", ("repository:a:pull",)),
    ],
)
def test_a_scope_that_ours_covers_is_not_asked_for_twice(
    own: tuple[str, ...], said: str, wanted: tuple[str, ...]
) -> None:
    assert joined_scopes(own, said) == wanted


@pytest.mark.parametrize("login", ["token", "basic"])
def test_a_wrong_password_is_noticed_where_everyone_may_read(login: str) -> None:
    with QuirkyRegistry(Quirks(login=login, reads_anonymously=True)) as registry:
        with pytest.raises(RegistryLoginError):
            client(registry.host, who=WRONG).log_in(registry.host)
        client(registry.host, who=ADA).log_in(registry.host)
    with QuirkyRegistry(Quirks(login=login)) as registry:
        assert client(registry.host, who=ADA).log_in(registry.host)
        with pytest.raises(RegistryLoginError):
            client(registry.host, who=WRONG).log_in(registry.host)


def test_a_registry_that_asks_for_no_login_checked_no_password() -> None:
    with QuirkyRegistry() as registry:
        assert not client(registry.host, who=WRONG).log_in(registry.host)


def test_a_registry_token_is_sent_as_it_is() -> None:
    with QuirkyRegistry(Quirks(login="token", says_scope="x")) as registry:
        bearer = Credentials(registry_token="WyJ4Il0=", source="a test")
        assert b"".join(client(registry.host, who=bearer).blob(kept(registry), BLOB)) == CONTENT
        assert not registry.requests("GET", "/token")


def test_a_token_server_that_refuses_is_named() -> None:
    with StubServer([Say(status=401, body={})]) as tokens:
        ask = Say(status=401, body={}, headers={"WWW-Authenticate": f'Bearer realm="{tokens.url}/token"'})
        with StubServer([ask]) as server:
            host = server.url.partition("://")[2]
            with pytest.raises(RegistryError) as caught:
                client(host, who=ADA).manifest(Repository(host, "a/b"), digest_of(b""))
        assert tokens.url.partition("://")[2] in caught.value.context[0]
        assert f"bundler login {host}" in caught.value.hint


def test_requests_whose_token_is_refused_at_once_all_get_another_try() -> None:
    answer = Answer(status=200, headers={}, body=b'{"token": "t1"}')
    authorizer = Authorizer(
        "registry.site",
        find=lambda _: ADA,
        fetch=lambda _, __: answer,
        clock=InstantClock(),
        learn=lambda _: None,
    )
    scopes = ("repository:shop/web:pull",)
    header = 'Bearer realm="https://registry.site/token",scope="repository:proxy/shop/web:pull"'
    assert authorizer.challenged(header, scopes, was_known=False)
    assert authorizer.headers(scopes) == {"Authorization": "Bearer t1"}
    # Two threads went out with that token; the second comes back when the first has put it away.
    assert authorizer.challenged(header, scopes, was_known=True)
    assert authorizer.challenged(header, scopes, was_known=True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_server_that_has_moved_on_its_host_is_asked_where_it_is(status: int) -> None:
    def at(got: Got) -> Say:
        moved = got.path == "/token" and "authorization" in got.headers
        return Say(status=status, headers={"Location": "/auth/token?scope=x"}) if moved else Say(body={"token": "t"})

    with StubServer([at]) as server:
        answer = asked_for_token(f"{server.url}/token")
        assert answer == "Bearer t"
        assert [got.path for got in server.requests] == ["/token", "/auth/token"]
        assert all(got.headers["authorization"] == ADA.basic for got in server.requests)


def test_a_token_server_that_sends_us_to_another_host_does_not_send_our_login_there() -> None:
    with StubServer([Say(body={"token": "stolen"})]) as thief:
        away = Say(status=307, headers={"Location": f"{thief.url}/token"})
        with StubServer([away]) as server, pytest.raises(RegistryError, match="asking for a token") as caught:
            asked_for_token(f"{server.url}/token")
        assert thief.url.partition("://")[2] in caught.value.context[0]
        assert thief.requests == []


def test_a_token_server_that_sends_us_round_in_circles_ends_it() -> None:
    with StubServer([Say(status=307, headers={"Location": "/token"})]) as server:
        with pytest.raises(RegistryError, match="asking for a token"):
            asked_for_token(f"{server.url}/token")
        assert len(server.requests) <= 6


def asked_for_token(realm: str) -> str:
    """Return the login that the registry sees once it has named a token server."""
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}

    def answer(got: Got) -> Say:
        return Say(body={}) if "authorization" in got.headers else Say(status=401, headers=challenge)

    with StubServer([answer]) as front:
        host = front.url.partition("://")[2]
        client(host, who=ADA).ping(host)
        return front.requests[-1].headers["authorization"]
