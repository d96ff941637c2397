"""What a registry holds is found, however it lists it; and what cannot be asked is not absent."""

from __future__ import annotations

import itertools
import json

import pytest

from bundler.errors.delivery import (
    RegistryError,
    RegistryForbiddenError,
    RegistryLoginError,
    RegistryRejectedError,
    RegistryUnavailableError,
)
from bundler.model.digest import digest_of
from bundler.model.oci import BUNDLE_SIGNATURE, DOCKER_LIST, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, OciManifest, Repository
from bundler.oci.client import fallback_tag
from bundler.oci.requests import next_page
from tests.lib.images import source_of
from tests.lib.quirks import Quirks
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.stub_server import Got, Say, StubServer
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import blob_of, client, host_of, repository

SUBJECT = OciManifest.of(b'{"layers": []}', OCI_MANIFEST)
EMPTY = blob_of(b"{}")


def signature(number: int, kind: str = BUNDLE_SIGNATURE) -> OciManifest:
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": OCI_EMPTY, "digest": EMPTY.digest, "size": 2},
        "layers": [],
        "subject": SUBJECT.descriptor.to_json(),
        "annotations": {"number": str(number)},
    }
    return OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)


def pushed(registry: QuirkyRegistry, count: int = 1) -> tuple[Repository, list[str]]:
    oci, place = client(registry.host), Repository(registry.host, "shop/web")
    oci.put_blob(place, EMPTY, source_of(b"{}"))
    oci.put_manifest(place, SUBJECT, tag="1.0")
    signatures = [signature(number) for number in range(count)]
    for one in signatures:
        oci.put_manifest(place, one)
    return place, sorted(one.digest for one in signatures)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405, 406, 501])
def test_a_signature_is_found_whatever_the_api_of_referrers_answers(status: int) -> None:
    with QuirkyRegistry(Quirks(referrers_status=status)) as registry:
        place, expected = pushed(registry, 3)
        found = client(registry.host).referrers(place, SUBJECT.digest, artifact_type=BUNDLE_SIGNATURE)
        assert sorted(one.digest for one in found) == expected
        assert (fallback_tag(SUBJECT.digest) in registry.of("shop/web").tags) == (status != 200)


@pytest.mark.parametrize(("status", "error"), [(401, RegistryLoginError), (403, RegistryForbiddenError)])
def test_referrers_that_may_not_be_asked_for_are_not_absent(status: int, error: type[RegistryError]) -> None:
    with QuirkyRegistry(Quirks(referrers_status=status)) as registry:
        place, _ = pushed(registry, 0)
        with pytest.raises(error, match="what refers to"):
            client(registry.host).referrers(place, SUBJECT.digest)


def test_signatures_from_before_the_api_are_found_by_their_tag() -> None:
    with QuirkyRegistry(Quirks(referrers_status=404)) as registry:
        place, expected = pushed(registry)
        registry.quirks = Quirks(referrers_status=200)
        held = registry.of("shop/web")
        old = held.manifests.pop(digest_of(signature(0).content))
        assert [one.digest for one in client(registry.host).referrers(place, SUBJECT.digest)] == expected
        held.manifests[digest_of(old[1])] = old


@pytest.mark.parametrize("link", ["plain", "parameters", "capitals", "relative", "absolute"])
@pytest.mark.parametrize("redirects", [0, 307])
def test_every_page_is_read_however_it_is_linked(link: str, redirects: int) -> None:
    with QuirkyRegistry(Quirks(referrers_status=200, page=2, link=link, redirects=redirects)) as registry:
        place, expected = pushed(registry, 5)
        oci = client(registry.host)
        assert sorted(one.digest for one in oci.referrers(place, SUBJECT.digest)) == expected
        for number in range(5):
            oci.put_manifest(place, SUBJECT, tag=f"1.{number}")
        assert oci.tags(place) == [f"1.{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", ""),
        ("</a>; rel=next", "/a"),
        ('</a>; rel="prev", </b>; rel="next"', "/b"),
        ('</a,b?x=1;2>; title="x, </c>; rel=next"; REL="last NEXT"', "/a,b?x=1;2"),
        ('</a>;rel="nextish"', ""),
        ('</a>; rel="prev"\n</b>; rel="next"', "/b"),
        ('</a>; title="rel=next"', ""),
        ('</a>; title="; rel=next"', ""),
        ("</a>", ""),
        ("junk; rel=next", ""),
        ('<  /a >; rel = "next"', "/a"),
        ("<a>" * 5000, ""),
        ('<a>; x="' + '\\"' * 5000, ""),
    ],
)
def test_links_are_read_as_rfc_8288_writes_them(header: str, target: str) -> None:
    assert next_page(header) == target


def test_pages_that_never_end_are_an_error() -> None:
    with StubServer([Say(body={"tags": ["1"]}, headers={"Link": '<list?last=1>; rel="next"'})]) as server:
        with pytest.raises(RegistryError, match="the tags") as caught:
            client(host_of(server.url)).tags(repository(server.url))
        assert len(server.requests) <= 3
    assert "links a further page" in caught.value.context[0]


def test_a_later_page_that_fails_is_an_error() -> None:
    first = Say(body={"tags": ["1"]}, headers={"Link": '</v2/shop/web/tags/list?last=1>; rel="next"'})
    with StubServer([first, Say(status=404, body={})]) as server, pytest.raises(RegistryError):
        client(host_of(server.url)).tags(repository(server.url))


def test_a_registry_that_wants_smaller_pages_may_choose() -> None:
    with StubServer([Say(status=400, body={}), Say(body={"tags": ["1"]})]) as server:
        assert client(host_of(server.url)).tags(repository(server.url)) == ["1"]


@pytest.mark.parametrize(
    ("content", "said", "expected"),
    [
        ({"schemaVersion": 2, "manifests": []}, DOCKER_LIST, DOCKER_LIST),
        ({"schemaVersion": 2, "manifests": []}, "application/json", OCI_INDEX),
        ({"schemaVersion": 2, "config": {}, "layers": []}, "text/plain; charset=utf-8", OCI_MANIFEST),
        ({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, "application/octet-stream", OCI_INDEX),
        (
            {"name": "x", "fsLayers": []},
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
        ),
    ],
)
def test_content_type_decides_where_the_body_does_not_say(content: object, said: str, expected: str) -> None:
    with StubServer([Say(body=content, headers={"Content-Type": said})]) as server:
        found = client(host_of(server.url)).manifest(repository(server.url), "1.0")
    assert found is not None
    assert found.media_type == expected


@pytest.mark.parametrize("status", [400, 403, 405, 409])
def test_a_second_signature_where_tags_are_immutable_says_what_to_do(status: int) -> None:
    with QuirkyRegistry(Quirks(has_immutable_tags=status)) as registry:
        place, _ = pushed(registry)
        oci = client(registry.host)
        oci.put_manifest(place, signature(0))
        with pytest.raises(RegistryRejectedError) as caught:
            oci.put_manifest(place, signature(1))
        assert "tags that begin with sha256-" in caught.value.hint
        assert fallback_tag(SUBJECT.digest) in caught.value.context[-1]


def test_signatures_from_before_the_api_are_found_beside_those_from_after_it() -> None:
    with QuirkyRegistry(Quirks(referrers_status=404)) as registry:
        place, _ = pushed(registry)
        held, old = registry.of("shop/web"), signature(0).digest
        kept = held.manifests.pop(old)  # the API does not list what was stored before there was one
        registry.quirks = Quirks(referrers_status=200)
        oci = client(registry.host)
        oci.put_manifest(place, signature(1))
        found = oci.referrers(place, SUBJECT.digest, artifact_type=BUNDLE_SIGNATURE)
        assert {one.digest for one in found} == {old, signature(1).digest}
        held.manifests[old] = kept
        assert len(client(registry.host).referrers(place, SUBJECT.digest)) == 2


def test_lists_that_never_end_end_with_the_time_of_the_command() -> None:
    clock = InstantClock()
    number = itertools.count(1)

    def page(_: Got) -> Say:
        clock.sleep(1)
        return Say(body={"tags": ["1"]}, headers={"Link": f'<list?last={next(number)}>; rel="next"'})

    with StubServer([page]) as server:
        with pytest.raises(RegistryUnavailableError, match="the tags") as caught:
            client(host_of(server.url), clock=clock, budget_s=10).tags(repository(server.url))
        assert len(server.requests) <= 11
    assert "the time of the command is over" in caught.value.context[0]
    assert "--timeout" in caught.value.hint
