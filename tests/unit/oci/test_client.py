"""Registries that answer oddly, late, elsewhere or not at all."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bundler.errors.delivery import (
    ContentMismatchError,
    OfflineError,
    RegistryError,
    RegistryNotFoundError,
    RegistryRejectedError,
    RegistryUnavailableError,
)
from bundler.http.gate import Gate
from bundler.model.digest import Digest, digest_of
from bundler.model.events import Event, Retrying
from bundler.model.oci import OCI_INDEX, OCI_MANIFEST, Descriptor, OciManifest
from bundler.oci.credentials import Credentials
from bundler.oci.settings import RegistrySettings
from tests.lib.images import source_of
from tests.lib.stub_server import Garbage, Got, HangUp, Reset, Say, Step, StubServer
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import ResumingRegistry, blob_of, client, host_of, refused, repository

MANIFEST = OciManifest.of(json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode(), OCI_MANIFEST)
CONTENT = bytes(range(256)) * 400
BLOB = blob_of(CONTENT)


def held(manifest: OciManifest = MANIFEST, **headers: str) -> Say:
    said = {"Content-Type": manifest.media_type, "Docker-Content-Digest": manifest.digest, **headers}
    return Say(body=manifest.content, headers=said)


@pytest.mark.parametrize(
    "stumble",
    [Say(status=429, body=b"", headers={"Retry-After": "3"}), Say(status=503, body=b""), HangUp(), Reset(), Garbage()],
)
def test_what_passes_is_tried_again_and_told(stumble: Step) -> None:
    clock, told = InstantClock(), list[Event]()
    with StubServer([stumble, stumble, held()]) as server:
        oci = client(host_of(server.url), clock=clock, report=told.append)
        assert oci.manifest(repository(server.url), "1.0") == MANIFEST
    assert [type(event) for event in told] == [Retrying, Retrying]
    assert clock.passed_s >= (6 if isinstance(stumble, Say) and stumble.status == 429 else 0.1)


def test_retries_end_with_the_budget_of_the_command() -> None:
    with StubServer([Say(status=503, body=b"")]) as server:
        oci = client(host_of(server.url), budget_s=20)
        with pytest.raises(RegistryUnavailableError, match="reading 127") as caught:
            oci.manifest(repository(server.url), "1.0")
    assert "it answers 503" in caught.value.context[0]


def test_whether_a_registry_answers_at_all_is_found_out_once_for_all_threads() -> None:
    clock, told = InstantClock(), list[Event]()
    with StubServer([HangUp()]) as server:
        oci = client(host_of(server.url), clock=clock, report=told.append)
        with ThreadPoolExecutor(max_workers=8) as pool:
            asked = [pool.submit(oci.manifest, repository(server.url), str(number)) for number in range(30)]
        errors = [one.exception() for one in asked]
        assert [type(event) for event in told] == [Retrying, Retrying]
        assert {type(error) for error in errors} == {RegistryUnavailableError}
        assert {error.context for error in errors if isinstance(error, RegistryUnavailableError)} == {
            (f"{host_of(server.url)}: the connection was closed before an answer (3 tries)",)
        }
        assert len({str(error) for error in errors}) == 30
        clock.sleep(60)
        with pytest.raises(RegistryUnavailableError):
            oci.manifest(repository(server.url), "later")
    assert len(told) == 4


def test_threads_go_side_by_side_once_a_registry_answered() -> None:
    both = threading.Barrier(2, timeout=60)

    def answer(got: Got) -> Step:
        if not got.target.endswith("first"):
            both.wait()
        return held()

    with StubServer([answer]) as server, ThreadPoolExecutor(max_workers=2) as pool:
        oci = client(host_of(server.url))
        oci.manifest(repository(server.url), "first")
        asked = [pool.submit(oci.manifest, repository(server.url), str(number)) for number in range(2)]
        assert [one.result() for one in asked] == [MANIFEST, MANIFEST]


def test_a_manifest_that_is_not_its_digest_is_refused() -> None:
    other = OciManifest.of(b"{}", OCI_MANIFEST)
    for reference in (MANIFEST.digest, "1.0"):
        answer = Say(
            body=other.content, headers={"Docker-Content-Digest": MANIFEST.digest, "Content-Type": OCI_MANIFEST}
        )
        with StubServer([answer]) as server, pytest.raises(ContentMismatchError) as caught:
            client(host_of(server.url)).manifest(repository(server.url), reference)
        assert other.digest in caught.value.context[0]


def test_a_head_without_a_digest_is_answered_by_the_whole_manifest() -> None:
    with StubServer([Say(body=b"", headers={"Content-Type": OCI_MANIFEST}), held()]) as server:
        found = client(host_of(server.url)).head_manifest(repository(server.url), "1.0")
    assert found == MANIFEST.descriptor
    assert [got.method for got in server.requests] == ["HEAD", "GET"]


def test_a_registry_that_stores_another_digest_is_caught() -> None:
    with (
        StubServer([Say(status=201, body=b"", headers={"Docker-Content-Digest": digest_of(b"other")})]) as server,
        pytest.raises(ContentMismatchError),
    ):
        client(host_of(server.url)).put_manifest(repository(server.url), MANIFEST, tag="1.0")


def test_tags_come_from_every_page_that_is_linked() -> None:
    pages = [
        Say(body={"tags": ["1", "2"]}, headers={"Link": '</v2/shop/web/tags/list?last=2&n=2>; rel="next"'}),
        Say(body={"tags": ["3"]}),
    ]
    with StubServer(pages) as server:
        assert client(host_of(server.url)).tags(repository(server.url)) == ["1", "2", "3"]
    assert server.requests[1].target == "/v2/shop/web/tags/list?last=2&n=2"


def test_referrers_come_from_the_api_where_there_is_one() -> None:
    entry = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"s"), "size": 1, "artifactType": "application/x"}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [entry, entry | {"digest": digest_of(b"y"), "artifactType": "application/y"}],
    }
    with StubServer([Say(body=index), Say(status=404, body={})]) as server:
        found = client(host_of(server.url)).referrers(
            repository(server.url), MANIFEST.digest, artifact_type="application/x"
        )
    assert [one.artifact_type for one in found] == ["application/x"]
    tag = MANIFEST.digest.replace(":", "-")
    assert server.seen == [f"GET /v2/shop/web/{path}" for path in (f"referrers/{MANIFEST.digest}", f"manifests/{tag}")]


def test_a_blob_elsewhere_is_fetched_there_without_telling_who_we_are() -> None:
    with StubServer([Say(body=CONTENT)]) as storage:
        ask = Say(status=401, body={}, headers={"WWW-Authenticate": 'Basic realm="x"'})
        away = Say(status=307, body=b"", headers={"Location": f"{storage.url}/bucket/key?signature=s#part"})
        with StubServer([ask, away]) as server:
            oci = client(host_of(server.url), who=Credentials(user="ada", password="secret-1", source="a test"))
            assert b"".join(oci.blob(repository(server.url), BLOB)) == CONTENT
    assert "authorization" in server.requests[1].headers
    assert "authorization" not in storage.requests[0].headers
    assert storage.requests[0].target == "/bucket/key?signature=s"


def test_a_location_without_a_scheme_is_another_host_and_learns_nothing_of_us() -> None:
    with StubServer([Say(body=CONTENT)]) as storage:
        ask = Say(status=401, body={}, headers={"WWW-Authenticate": 'Basic realm="x"'})
        away = Say(status=307, body=b"", headers={"Location": f"//{host_of(storage.url)}/bucket/key"})
        with StubServer([ask, away]) as server:
            oci = client(host_of(server.url), who=Credentials(user="ada", password="secret-1", source="a test"))
            assert b"".join(oci.blob(repository(server.url), BLOB)) == CONTENT
    assert len(server.requests) == 2
    assert [(got.target, "authorization" in got.headers) for got in storage.requests] == [("/bucket/key", False)]


@pytest.mark.parametrize("location", ["/other/key", "../other/key"])
def test_a_location_is_read_next_to_the_place_that_names_it(location: str) -> None:
    further = Say(status=307, body=b"", headers={"Location": location})
    with StubServer([further, Say(body=CONTENT)]) as storage:
        away = Say(status=307, body=b"", headers={"Location": f"{storage.url}/bucket/key"})
        with StubServer([away]) as server:
            oci = client(host_of(server.url))
            assert b"".join(oci.blob(repository(server.url), BLOB)) == CONTENT
    assert [got.target for got in storage.requests] == ["/bucket/key", "/other/key"]
    assert len(server.requests) == 1


def test_a_location_that_is_no_url_is_an_error_of_ours() -> None:
    with (
        StubServer([Say(status=307, body=b"", headers={"Location": "http://[broken/x"})]) as server,
        pytest.raises(RegistryError, match="following"),
    ):
        client(host_of(server.url)).manifest(repository(server.url), "1.0")


def test_offline_holds_for_where_a_registry_sends_us() -> None:
    with StubServer([Say(body=CONTENT)]) as storage:
        away = Say(status=307, body=b"", headers={"Location": f"{storage.url}/bucket/key"})
        with StubServer([away]) as server:
            oci = client(host_of(server.url), gate=Gate(frozenset({host_of(server.url)})))
            with pytest.raises(OfflineError):
                list(oci.blob(repository(server.url), BLOB))
    assert storage.requests == []


def test_a_circle_of_redirects_ends() -> None:
    with (
        StubServer([Say(status=302, body=b"", headers={"Location": "/v2/again"})]) as server,
        pytest.raises(RegistryError, match="reading"),
    ):
        client(host_of(server.url)).manifest(repository(server.url), "1.0")


def test_a_registry_with_tls_may_not_send_us_to_a_server_without() -> None:
    oci = client(settings=RegistrySettings())
    with pytest.raises(RegistryError) as caught:
        oci._hosts.away("http://storage.site/x", "registry.site")
    assert "without TLS" in caught.value.context[0]


def test_a_download_goes_on_by_range_where_it_was_cut() -> None:
    def answer(got: Got) -> Step:
        start = int(got.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        rest = CONTENT[start:]
        return Say(status=206 if start else 200, body=rest, is_cut=len(rest) > 20_000)

    with StubServer([answer]) as server:
        assert b"".join(client(host_of(server.url)).blob(repository(server.url), BLOB)) == CONTENT
    assert len(server.requests) > 2


def test_a_server_without_ranges_begins_again_and_nothing_comes_twice() -> None:
    with StubServer([Say(body=CONTENT, is_cut=True), Say(body=CONTENT)]) as server:
        assert b"".join(client(host_of(server.url)).blob(repository(server.url), BLOB)) == CONTENT
    assert server.requests[1].headers["range"].startswith("bytes=")


@pytest.mark.parametrize("body", [CONTENT[:-1], CONTENT + b"x", b"x" + CONTENT[1:]])
def test_a_blob_that_is_not_its_digest_is_refused_at_its_end(body: bytes) -> None:
    with StubServer([Say(body=body)]) as server, pytest.raises(ContentMismatchError):
        list(client(host_of(server.url)).blob(repository(server.url), BLOB))


@pytest.mark.parametrize(
    ("size", "said"),
    [(len(CONTENT) + 1, f"{len(CONTENT)} bytes instead of"), (len(CONTENT) - 1, "larger than"), (0, "larger than")],
)
def test_a_blob_of_another_size_than_was_promised_is_refused_although_its_digest_fits(size: int, said: str) -> None:
    promised = replace(BLOB, size=size)
    with StubServer([Say(body=CONTENT)]) as server, pytest.raises(ContentMismatchError) as caught:
        list(client(host_of(server.url)).blob(repository(server.url), promised))
    assert said in caught.value.context[0]


def test_a_blob_that_is_too_large_is_not_read_to_its_end() -> None:
    got: list[bytes] = []
    with StubServer([Say(body=CONTENT)]) as server, pytest.raises(ContentMismatchError):
        got.extend(client(host_of(server.url)).blob(repository(server.url), replace(BLOB, size=10)))
    assert sum(map(len, got)) <= 10


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) - 1, len(CONTENT) + 1])
@pytest.mark.parametrize("knows_ranges", [False, True])
def test_a_blob_of_another_size_is_not_the_one_that_is_looked_for(
    size: int, *, is_read: bool, knows_ranges: bool
) -> None:
    def answer(got: Got) -> Step:
        if knows_ranges and "range" in got.headers:
            return Say(status=206, body=CONTENT[:1], headers={"Content-Range": f"bytes 0-0/{len(CONTENT)}"})
        return Say(body=CONTENT)

    with StubServer([answer]) as server:
        found = client(host_of(server.url)).has_blob(repository(server.url), replace(BLOB, size=size), is_read=is_read)
    assert found is (size == len(CONTENT))


@pytest.mark.parametrize("keeps", [0, 0.3, 1])
def test_an_upload_goes_on_from_where_the_registry_says_it_is(keeps: float) -> None:
    stub = ResumingRegistry(cuts=3, keeps=keeps)
    with StubServer([stub]) as server:
        oci = client(host_of(server.url))
        oci.put_blob(repository(server.url), BLOB, source_of(CONTENT))
    assert stub.blobs == {BLOB.digest: CONTENT}
    starts = [start for _, start in stub.chunks]
    assert starts == sorted(starts)
    assert len(starts) == 4


def test_an_upload_whose_place_is_lost_begins_anew() -> None:
    is_lost = iter([True])
    stub = ResumingRegistry()

    def answer(got: Got) -> Step:
        if got.method == "PUT" and next(is_lost, False):
            return refused(404, "BLOB_UPLOAD_UNKNOWN")
        return stub(got)

    with StubServer([answer]) as server:
        client(host_of(server.url)).put_blob(repository(server.url), BLOB, source_of(CONTENT))
    assert stub.blobs == {BLOB.digest: CONTENT}


def test_content_that_is_not_its_digest_is_no_reason_to_try_again() -> None:
    stub = ResumingRegistry()
    with StubServer([stub]) as server, pytest.raises(ContentMismatchError):
        client(host_of(server.url)).put_blob(repository(server.url), BLOB, source_of(CONTENT[::-1]))
    assert len(stub.chunks) == 1


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (refused(413, "SIZE_INVALID"), RegistryRejectedError, "limits the size"),
        (refused(405, "UNSUPPORTED"), RegistryRejectedError, "read-only"),
        (
            Say(status=400, body=b"Client sent an HTTP request to an HTTPS server.\n"),
            RegistryRejectedError,
            "it uses TLS",
        ),
        (refused(404, "NAME_UNKNOWN"), RegistryNotFoundError, "check the name"),
    ],
)
def test_a_refusal_says_what_to_do(answer: Say, error: type[RegistryError], hint: str) -> None:
    with StubServer([Say(status=404, body=b""), answer]) as server, pytest.raises(error) as caught:
        client(host_of(server.url)).put_blob(repository(server.url), BLOB, source_of(CONTENT))
    assert hint in caught.value.hint
    assert host_of(server.url) in caught.value.context[0]


@pytest.mark.parametrize("said", ["a/b\r\nContent-Length: 0\r\n\r\nDELETE /v2/x HTTP/1.1\r\nX: ", "a\0b", "a\nb"])
def test_what_a_manifest_says_cannot_end_a_line_of_a_request(said: str) -> None:
    with StubServer([held()]) as server:
        oci, place = client(host_of(server.url)), repository(server.url)
        with pytest.raises(RegistryRejectedError) as caught:
            oci.put_manifest(place, OciManifest.of(MANIFEST.content, said))
        assert "do not use this manifest" in caught.value.hint
        assert server.requests == []


def test_a_digest_that_a_manifest_makes_up_stays_one_step_of_a_path() -> None:
    said = "sha256:../../other/blobs/x HTTP/1.1\r\nX: y"
    with StubServer([Say(status=404, body=b"")]) as server:
        assert not client(host_of(server.url)).has_blob(
            repository(server.url), Descriptor(digest=Digest(said), size=1, media_type="")
        )
        assert [got.target for got in server.requests] == [
            "/v2/shop/web/blobs/sha256:..%2F..%2Fother%2Fblobs%2Fx%20HTTP%2F1.1%0D%0AX%3A%20y".replace("X%3A", "X:")
        ]


def test_words_of_any_language_in_a_media_type_are_no_bug() -> None:
    with StubServer([Say(status=201, body=b"")]) as server:
        client(host_of(server.url)).put_manifest(repository(server.url), OciManifest.of(MANIFEST.content, "片/段"))
        assert server.requests[0].headers["content-type"] == "?/?"


def test_an_answer_before_the_end_of_a_large_body_is_heard() -> None:
    content = bytes(3_000_000)

    def answer(got: Got) -> Step:
        return Say(status=404 if got.method == "HEAD" else 202, body=b"", headers={"Location": "/v2/up"})

    with (
        StubServer([answer], routes={"/v2/up": refused(403, "DENIED", "quota")}) as server,
        pytest.raises(RegistryError) as caught,
    ):
        client(host_of(server.url)).put_blob(repository(server.url), blob_of(content), source_of(content))
    assert "quota" in caught.value.context[0]


def test_an_unknown_size_is_read_to_the_end() -> None:
    with StubServer([Say(body=CONTENT)]) as server:
        unknown = Descriptor(digest=BLOB.digest, size=-1, media_type="")
        assert b"".join(client(host_of(server.url)).blob(repository(server.url), unknown)) == CONTENT


@pytest.mark.parametrize("host", ["", "a b", "x:port"])
def test_what_is_no_host_is_told(host: str) -> None:
    with pytest.raises(RegistryError):
        client().ping(host)


@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel</html>", b"[" * 200_000, b"", b"[1, 2]"])
def test_what_is_not_a_list_of_tags_is_no_registry_without_any(body: bytes) -> None:
    with (
        StubServer([Say(body=body, headers={"Content-Type": "text/html"})]) as server,
        pytest.raises(RegistryError) as caught,
    ):
        client(host_of(server.url)).tags(repository(server.url))
    assert "answers with text/html, and not with a list in JSON" in caught.value.context[0]
    assert "a login page" in caught.value.hint


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://x:99999/", "ftp://x/" + "a" * 5_000])
def test_a_redirect_that_leads_nowhere_names_the_registry_as_its_cause(place: str) -> None:
    with (
        StubServer([Say(status=307, body=b"", headers={"Location": place})]) as server,
        pytest.raises(RegistryError) as caught,
    ):
        client(host_of(server.url)).tags(repository(server.url))
    assert str(caught.value).startswith(f"following {host_of(server.url)} to {place[:20]}"[:60])
    assert caught.value.hint == "check the registry, and the proxy in front of it"
    assert len(caught.value.context[0]) < 400


@pytest.mark.parametrize(("status", "words"), [(429, "run the same command again later"), (500, "and its log")])
def test_a_registry_that_answers_is_not_said_to_be_out_of_reach(status: int, words: str) -> None:
    with StubServer([Say(status=status, body=b"")]) as server, pytest.raises(RegistryUnavailableError) as caught:
        client(host_of(server.url)).tags(repository(server.url))
    assert words in caught.value.hint
    assert "the network" not in caught.value.hint
