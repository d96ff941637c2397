"""Blobs are stored in every registry, however it takes them."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest

from bundler.errors.delivery import ContentMismatchError, RegistryRejectedError, RegistryUnavailableError
from bundler.http.retry import retry_after_s
from bundler.model.digest import digest_of
from bundler.model.oci import OCI_MANIFEST, Descriptor, OciManifest, Repository
from tests.lib.clocks import SOON_S
from tests.lib.images import source_of
from tests.lib.quirks import Quirks
from tests.lib.quirky_registry import QuirkyRegistry
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import blob_of, client

CONTENT = bytes(range(256)) * 4000
BLOB = blob_of(CONTENT)


def stored(registry: QuirkyRegistry, name: str = "shop/web", mount_from: str = "", content: bytes = CONTENT) -> int:
    blob = blob_of(content)
    sent = client(registry.host).put_blob(
        Repository(registry.host, name), blob, source_of(content), mount_from=mount_from
    )
    assert registry.of(name).blobs == {blob.digest: content}
    return sent


def test_a_blob_goes_in_one_request_that_names_no_range() -> None:
    with QuirkyRegistry(Quirks(refuses_content_range=True)) as registry:
        assert stored(registry) == len(CONTENT)
        assert [got.method for got in registry.server.requests] == ["HEAD", "POST", "PUT"]
        assert "content-range" not in registry.server.requests[-1].headers


@pytest.mark.parametrize(
    "quirks",
    [
        *(Quirks(cuts=1, patch_status=status) for status in (404, 405, 415, 501)),
        Quirks(cuts=1, min_chunk=1_600_000),
        Quirks(cuts=1, has_stale_range=True),
        Quirks(cuts=1, spoils_chunks=True),
        Quirks(cuts=1, forgets=2),
        Quirks(cuts=1),
        Quirks(cuts=3),
    ],
    ids=lambda quirks: "-".join(f"{name}={value}" for name, value in told(quirks)),
)
def test_after_a_cut_a_blob_goes_on_or_begins_again_as_the_registry_can(quirks: Quirks) -> None:
    with QuirkyRegistry(quirks) as registry:
        assert stored(registry, content=bytes(6_000_000)) <= 4 * 6_000_000
        parts = registry.requests("PATCH")
        assert parts or quirks.has_stale_range
        assert all(len(got.body) >= quirks.min_chunk for got in parts)
        stored(registry, "shop/next")
        assert not any("shop/next" in got.path for got in registry.requests("PATCH"))


def told(quirks: Quirks) -> list[tuple[str, object]]:
    """Return what is not as the specification has it."""
    return [(one.name, getattr(quirks, one.name)) for one in fields(quirks) if getattr(quirks, one.name) != one.default]


@pytest.mark.parametrize("location", ["absolute", "path", "relative", "query", "host", "fragment", "elsewhere"])
@pytest.mark.parametrize("cuts", [0, 1])
def test_an_upload_finds_its_place_however_it_is_named(location: str, cuts: int) -> None:
    with QuirkyRegistry(Quirks(location=location, cuts=cuts)) as registry:
        stored(registry)
        targets = [got.target for got in (*registry.server.requests, *registry.storage.requests) if got.method == "PUT"]
        assert all("state=a%2Fb%3D" in target and "#" not in target for target in targets)


@pytest.mark.parametrize("status", [307, 308])
def test_redirects_that_keep_the_method_are_followed_for_every_request(status: int) -> None:
    manifest = OciManifest.of(b'{"layers": []}', OCI_MANIFEST)
    with QuirkyRegistry(Quirks(redirects=status)) as registry:
        assert stored(registry) <= 2 * len(CONTENT)
        oci, place = client(registry.host), Repository(registry.host, "shop/web")
        oci.put_manifest(place, manifest, tag="1")
        assert oci.head_manifest(place, "1") == manifest.descriptor
        assert oci.tags(place) == ["1"]
        oci.check_push(place)
        assert not registry.uploads


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405, 500, 503])
def test_a_mount_that_fails_is_followed_by_an_upload(status: int) -> None:
    with QuirkyRegistry(Quirks(mount_status=status)) as registry:
        registry.of("other").blobs[BLOB.digest] = CONTENT
        assert stored(registry, mount_from="other") == len(CONTENT)
    with QuirkyRegistry() as registry:
        registry.of("other").blobs[BLOB.digest] = CONTENT
        assert stored(registry, mount_from="other") == 0


@pytest.mark.parametrize("status", [400, 401, 403, 405, 501])
def test_a_head_that_is_refused_is_no_answer(status: int) -> None:
    with QuirkyRegistry(Quirks(blob_head_status=status, manifest_head_status=405)) as registry:
        assert stored(registry) == len(CONTENT)
        oci, place = client(registry.host), Repository(registry.host, "shop/web")
        if status not in {401, 403}:
            assert oci.has_blob(place, BLOB)
            assert not oci.has_blob(place, blob_of(b"other"))
        manifest = OciManifest.of(b'{"layers": []}', OCI_MANIFEST)
        oci.put_manifest(place, manifest, tag="1")
        assert oci.head_manifest(place, "1") == manifest.descriptor
        assert oci.head_manifest(place, "2") is None


@pytest.mark.parametrize("status", [500, 507])
def test_a_full_disk_ends_it_at_once(status: int) -> None:
    clock = InstantClock()
    with QuirkyRegistry(Quirks(is_full=status)) as registry, pytest.raises(RegistryRejectedError) as caught:
        client(registry.host, clock=clock).put_blob(Repository(registry.host, "a/b"), BLOB, source_of(CONTENT))
    assert clock.passed_s == 0
    assert "no space left on device" in caught.value.context[0]
    assert "make room" in caught.value.hint


def test_a_limit_for_a_moment_is_waited_for_also_where_it_names_a_date() -> None:
    for limit in ("2", "date"):
        clock = InstantClock()
        with QuirkyRegistry(Quirks(limit=limit)) as registry:
            oci = client(registry.host, clock=clock)
            assert oci.head_manifest(Repository(registry.host, "a/b"), "1") is None
        assert 1 <= clock.passed_s <= 4


def test_a_limit_for_hours_ends_it_and_says_so() -> None:
    clock = InstantClock()
    with QuirkyRegistry(Quirks(limit="21600")) as registry, pytest.raises(RegistryUnavailableError) as caught:
        client(registry.host, clock=clock).manifest(Repository(registry.host, "a/b"), "1")
    assert clock.passed_s == 0
    assert "asks to wait 6 h" in caught.value.context[0]
    assert "after that time" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "now", "seconds"),
    [
        ("", "", 0),
        ("7", "", 7),
        ("120000", "", 120_000),
        ("9" * 400, "", 1),
        ("²", "", 1),
        ("Sun, 29 Nov 2026 18:00:00 GMT", "Sun, 29 Nov 2026 12:00:00 GMT", 21_600),
        ("Sun, 29 Nov 2026 11:00:00 GMT", "Sun, 29 Nov 2026 12:00:00 GMT", 0),
        ("Sun, 29 Nov 2026 18:00:00 GMT", "", 1),
        ("soon", "Sun, 29 Nov 2026 12:00:00 GMT", 1),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_as_a_date_on_the_servers_clock(
    header: str, now: str, seconds: float
) -> None:
    assert retry_after_s(header, now=now) == seconds


def test_a_wrong_digest_says_whose_fault_it_is() -> None:
    with QuirkyRegistry() as registry:
        oci, place = client(registry.host), Repository(registry.host, "a/b")
        with pytest.raises(ContentMismatchError, match="storing blob"):
            oci.put_blob(place, BLOB, source_of(CONTENT[::-1]))
    other = Descriptor(digest=digest_of(CONTENT), size=len(CONTENT), media_type="")
    with QuirkyRegistry(Quirks(spoils_blobs=True)) as registry, pytest.raises(RegistryRejectedError) as caught:
        client(registry.host).put_blob(Repository(registry.host, "a/b"), other, source_of(CONTENT))
    assert "what was sent has the right digest" in caught.value.context[0]
    assert caught.value.exit_code == 1


def test_a_part_that_is_always_cut_is_not_tried_without_pause() -> None:
    clock, start = InstantClock(), time.monotonic()
    with QuirkyRegistry(Quirks(cuts=10**6)) as registry, pytest.raises(RegistryUnavailableError):
        client(registry.host, clock=clock).put_blob(Repository(registry.host, "a/b"), BLOB, source_of(CONTENT))
    assert len(registry.requests("PUT")) + len(registry.requests("PATCH")) < 200
    assert time.monotonic() - start < SOON_S


def test_an_upload_that_was_forgotten_is_no_reason_to_send_the_others_whole() -> None:
    with QuirkyRegistry(Quirks(cuts=1, forgets=1)) as registry:
        stored(registry, content=bytes(6_000_000))
        oci, place = client(registry.host), Repository(registry.host, "shop/web")
        oci.put_blob(place, BLOB, source_of(CONTENT))
        session = oci._session(registry.host)
        assert session.takes_parts


def test_a_registry_that_refuses_parts_gets_whole_blobs_from_then_on() -> None:
    with QuirkyRegistry(Quirks(cuts=1, patch_status=405)) as registry:
        oci, place = client(registry.host), Repository(registry.host, "shop/web")
        for number in range(3):
            content = bytes([number]) * 6_000_000
            oci.put_blob(place, blob_of(content), source_of(content))
        assert len(registry.requests("PATCH")) == 1


@pytest.mark.parametrize("location", ["path", "relative", "host", "fragment", "absolute"])
def test_asking_whether_we_may_write_leaves_no_upload_behind(location: str) -> None:
    with QuirkyRegistry(Quirks(location=location)) as registry:
        client(registry.host).check_push(Repository(registry.host, "shop/web"))
        assert registry.requests("DELETE")
        assert not registry.uploads
