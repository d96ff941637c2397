"""The client against Debian's docker-registry, and against what skopeo writes and reads."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from bundler.errors.delivery import (
    ContentMismatchError,
    RegistryLoginError,
    RegistryNotFoundError,
    RegistryUnavailableError,
)
from bundler.http.client_config import ClientConfig
from bundler.http.gate import Gate
from bundler.library.system_clock import SystemClock
from bundler.model.digest import Digest, digest_of
from bundler.model.oci import BUNDLE_SIGNATURE, OCI_EMPTY, OCI_MANIFEST, Descriptor, OciManifest, Repository
from bundler.oci.client import OciClient
from bundler.oci.settings import RegistrySettings
from tests.lib.cutting_proxy import CuttingProxy
from tests.lib.images import make_image, push_image, source_of, write_layout
from tests.lib.registry import PASSWORD, USER, RealRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bundler.model.events import Event

BUDGET_S = 120.0
OPENED: list[OciClient] = []


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def client(
    settings: RegistrySettings,
    *,
    report: Callable[[Event], None] = lambda _: None,
    budget_s: float = BUDGET_S,
    gate: Gate | None = None,
    **env: str,
) -> OciClient:
    clock = SystemClock()
    end = clock.monotonic() + budget_s
    around = ClientConfig(
        env=env, clock=clock, budget=lambda: max(0.0, end - clock.monotonic()), report=report, gate=gate
    )
    OPENED.append(OciClient.open(settings, around))
    return OPENED[-1]


def plain(host: str, **options: object) -> OciClient:
    return client(RegistrySettings(plain_http=frozenset({host})), **options)


def secure(registry: RealRegistry, tmp_path: Path) -> OciClient:
    auth = registry.auth_file(tmp_path / "auth.json")
    return client(RegistrySettings(authority_file=registry.ca), REGISTRY_AUTH_FILE=str(auth))


@pytest.fixture(params=["plain", "secure"])
def place(request: pytest.FixtureRequest, registry_tools: None, tmp_path: Path) -> tuple[RealRegistry, OciClient]:
    if request.param == "plain":
        registry: RealRegistry = request.getfixturevalue("registry")
        return registry, plain(registry.host)
    registry = request.getfixturevalue("secure_registry")
    return registry, secure(registry, tmp_path)


def blob_of(content: bytes) -> Descriptor:
    return Descriptor(digest=digest_of(content), size=len(content), media_type="application/octet-stream")


@pytest.mark.parametrize("is_docker", [False, True])
def test_skopeo_reads_what_we_push_byte_for_byte(
    place: tuple[RealRegistry, OciClient], tmp_path: Path, is_docker: bool
) -> None:
    registry, oci = place
    image = make_image(f"ours-{is_docker}", layer_bytes=(3000, 70_000), is_docker=is_docker)
    repository = Repository(registry.host, f"ours/{'docker' if is_docker else 'oci'}")
    push_image(oci, repository, image, tag="1.0")
    flags = [flag.replace("--src-", "--") for flag in registry.skopeo_flags("src")]
    raw = registry.skopeo("inspect", "--raw", *flags, f"docker://{repository}:1.0")
    assert raw.encode() == image.top.content
    registry.skopeo(
        "copy", "--all", "--quiet", *registry.skopeo_flags("src"), f"docker://{repository}:1.0", f"dir:{tmp_path}/copy"
    )
    held = {path.name for path in (tmp_path / "copy").iterdir()}
    assert {digest.removeprefix("sha256:") for digest in image.blobs} <= held
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == image.top.content


def test_we_read_what_skopeo_pushes_byte_for_byte(place: tuple[RealRegistry, OciClient], tmp_path: Path) -> None:
    registry, oci = place
    image = make_image("theirs", layer_bytes=(3000, 70_000))
    layout = write_layout(image, tmp_path / "layout", tag="1.0")
    repository = Repository(registry.host, "theirs/web")
    registry.skopeo(
        "copy",
        "--all",
        "--quiet",
        "--preserve-digests",
        *registry.skopeo_flags("dest"),
        f"oci:{layout}:1.0",
        f"docker://{repository}:1.0",
    )
    top = oci.manifest(repository, "1.0")
    assert top == image.top
    assert oci.head_manifest(repository, "1.0") == image.top.descriptor
    for child in top.children:
        manifest = oci.manifest(repository, child.digest)
        assert manifest in image.manifests
        for blob in manifest.blobs:
            assert b"".join(oci.blob(repository, blob)) == image.blobs[blob.digest]


def test_what_is_absent_is_a_value(place: tuple[RealRegistry, OciClient]) -> None:
    registry, oci = place
    nowhere = Repository(registry.host, "no/where")
    missing = digest_of(b"missing")
    assert oci.manifest(nowhere, "1.0") is None
    assert oci.head_manifest(nowhere, "1.0") is None
    assert not oci.has_blob(nowhere, Descriptor(digest=missing, size=7, media_type=""))
    assert list(oci.tags(nowhere)) == []
    assert list(oci.referrers(nowhere, missing)) == []
    with pytest.raises(RegistryNotFoundError):
        list(oci.blob(nowhere, Descriptor(digest=missing, size=7, media_type="")))


def test_tags_come_from_all_pages(registry: RealRegistry) -> None:
    oci = plain(registry.host)
    repository = Repository(registry.host, "many/tags")
    image = make_image("tags", has_index=False)
    push_image(oci, repository, image, tag="0")
    for number in range(1, 25):
        oci.put_manifest(repository, image.top, tag=str(number))
    assert sorted(oci.tags(repository), key=int) == [str(number) for number in range(25)]


def test_asking_whether_we_may_write_leaves_no_content(place: tuple[RealRegistry, OciClient]) -> None:
    registry, oci = place
    oci.ping(registry.host)
    oci.check_push(Repository(registry.host, "may/write"))
    left = [path for path in registry.data.rglob("data") if "may/write" in str(path)]
    assert left == []
    assert '"DELETE /v2/may/write/blobs/uploads/' in registry.log.read_text()


def test_a_blob_of_another_repository_is_mounted_and_not_sent_again(place: tuple[RealRegistry, OciClient]) -> None:
    registry, oci = place
    content = random.Random(registry.port).randbytes(300_000)
    one, other = Repository(registry.host, "mount/one"), Repository(registry.host, "mount/other")
    assert oci.put_blob(one, blob_of(content), source_of(content)) == len(content)
    assert oci.put_blob(one, blob_of(content), source_of(content)) == 0
    assert oci.put_blob(other, blob_of(content), source_of(content), mount_from=one.name) == 0
    assert b"".join(oci.blob(other, blob_of(content))) == content


def test_an_empty_blob_can_be_stored_and_read(registry: RealRegistry) -> None:
    oci = plain(registry.host)
    repository = Repository(registry.host, "empty/blob")
    oci.put_blob(repository, blob_of(b""), source_of(b""))
    assert oci.has_blob(repository, blob_of(b""))
    assert b"".join(oci.blob(repository, blob_of(b""))) == b""


def test_content_that_is_not_what_its_digest_says_is_refused_both_ways(registry: RealRegistry) -> None:
    oci = plain(registry.host)
    repository = Repository(registry.host, "wrong/content")
    content = b"what it should be" * 1000
    with pytest.raises(ContentMismatchError):
        oci.put_blob(repository, blob_of(content), source_of(b"x" + content[1:]))
    with pytest.raises(ContentMismatchError, match="storing blob"):
        oci.put_blob(repository, blob_of(content), source_of(content[:-1]))
    assert not oci.has_blob(repository, blob_of(content))
    oci.put_blob(repository, blob_of(content), source_of(content))
    stored = next(registry.data.rglob(f"{digest_of(content).removeprefix('sha256:')}/data"))
    stored.write_bytes(b"X" + content[1:])
    with pytest.raises(ContentMismatchError, match="reading blob"):
        list(oci.blob(repository, blob_of(content)))


def test_referrers_are_found_by_their_fallback_tag(registry: RealRegistry) -> None:
    oci = plain(registry.host)
    repository = Repository(registry.host, "referred/to")
    image = make_image("referred", has_index=False)
    push_image(oci, repository, image, tag="1")
    oci.put_blob(repository, blob_of(b"{}"), source_of(b"{}"))
    pushed = []
    for number in range(2):
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": BUNDLE_SIGNATURE if number else "application/vnd.cyclonedx+json",
            "config": {"mediaType": OCI_EMPTY, "digest": digest_of(b"{}"), "size": 2},
            "layers": [],
            "subject": image.top.descriptor.to_json(),
        }
        manifest = OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)
        oci.put_manifest(repository, manifest)
        pushed.append(manifest.digest)
    assert [one.digest for one in oci.referrers(repository, image.digest)] == pushed
    found = oci.referrers(repository, image.digest, artifact_type=BUNDLE_SIGNATURE)
    assert [one.digest for one in found] == pushed[1:]


def test_who_is_not_known_is_told_from_who_is_wrong(secure_registry: RealRegistry, tmp_path: Path) -> None:
    nobody = client(RegistrySettings(authority_file=secure_registry.ca))
    with pytest.raises(RegistryLoginError) as caught:
        nobody.ping(secure_registry.host)
    assert "asked without credentials" in caught.value.context
    assert f"bundler login {secure_registry.host}" in caught.value.hint
    auth = secure_registry.auth_file(tmp_path / "auth.json")
    secret = "another-secret-9"
    import base64

    login = base64.b64encode(f"{USER}:{secret}".encode()).decode()
    auth.write_text(auth.read_text().replace(base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), login))
    wrong = client(RegistrySettings(authority_file=secure_registry.ca), REGISTRY_AUTH_FILE=str(auth))
    with pytest.raises(RegistryLoginError) as caught:
        wrong.tags(Repository(secure_registry.host, "any/thing"))
    told = " ".join(caught.value.context)
    assert f"asked as {USER} (from {auth})" in told
    assert secret not in told
    assert login not in told


def test_an_unknown_authority_is_named_with_what_to_pass(secure_registry: RealRegistry, tmp_path: Path) -> None:
    stranger = client(RegistrySettings(config_path=tmp_path / "registries.yaml"))
    with pytest.raises(RegistryUnavailableError) as caught:
        stranger.ping(secure_registry.host)
    assert "issuer CN=controlplane-ca" in caught.value.context[0]
    assert secure_registry.host in caught.value.context[0]
    assert caught.value.hint == (
        f"pass --registry-ca FILE with the certificate of the authority or add it in {tmp_path / 'registries.yaml'}"
    )


def test_a_registry_without_tls_is_spoken_to_only_where_that_was_said(registry: RealRegistry) -> None:
    with pytest.raises(RegistryUnavailableError) as caught:
        client(RegistrySettings(), budget_s=3).ping(registry.host)
    assert caught.value.hint == f"pass --insecure-http {registry.host} if it uses plain HTTP on purpose"


def test_offline_lets_only_what_is_named_pass(registry: RealRegistry) -> None:
    from bundler.errors.delivery import OfflineError

    plain(registry.host, gate=Gate(frozenset({registry.host}))).ping(registry.host)
    closed = plain(registry.host, gate=Gate(frozenset({"registry.site"})))
    with pytest.raises(OfflineError, match=registry.host):
        closed.ping(registry.host)


@pytest.mark.usefixtures("registry_tools")
@pytest.mark.parametrize("has_tls", [False, True])
def test_uploads_through_a_proxy_that_cuts_every_8_megabytes_end_and_move_little_more_than_the_blobs(
    request: pytest.FixtureRequest, tmp_path: Path, has_tls: bool
) -> None:
    registry: RealRegistry = request.getfixturevalue("secure_registry" if has_tls else "registry")
    with CuttingProxy(registry.port, max_bytes=8_000_000) as proxy:
        host = f"127.0.0.1:{proxy.port}"
        if has_tls:
            auth = registry.auth_file(tmp_path / "auth.json")
            auth.write_text(auth.read_text().replace(registry.host, host))
            oci = client(RegistrySettings(authority_file=registry.ca), REGISTRY_AUTH_FILE=str(auth))
        else:
            oci = plain(host)
        repository = Repository(host, f"cut/up-{'tls' if has_tls else 'plain'}")
        sizes = (1_000_000, 20_000_000, 200_000_000)
        for size in sizes:
            content = random.Random(size + has_tls).randbytes(size)
            before, was_cut = proxy.to_server_bytes, proxy.cuts > 0
            sent = oci.put_blob(repository, blob_of(content), source_of(content))
            # The blob that meets the first cut begins again, and once more where much of what the cut connection took
            # was still in buffers before a proxy that had no time for it: half of that may be more than 8 megabytes.
            assert proxy.to_server_bytes - before <= 1.2 * size + (0 if was_cut else 16_000_000)
            assert not was_cut or sent <= 1.2 * size
            assert oci.has_blob(repository, blob_of(content))
        assert proxy.to_server_bytes <= 1.2 * sum(sizes)
        assert proxy.cuts > 0


def test_downloads_through_a_proxy_that_cuts_go_on_where_they_were(registry: RealRegistry) -> None:
    content = random.Random(4).randbytes(20_000_000)
    repository = Repository(registry.host, "cut/down")
    plain(registry.host).put_blob(repository, blob_of(content), source_of(content))
    for max_bytes, ratio in ((3_000_000, 1.5), (8_000_000, 1.2)):
        with CuttingProxy(registry.port, max_bytes=max_bytes) as proxy:
            host = f"127.0.0.1:{proxy.port}"
            got = plain(host).blob(Repository(host, repository.name), blob_of(content))
            assert digest_of(b"".join(got)) == digest_of(content)
            assert proxy.cuts > 0
            assert proxy.to_client_bytes <= ratio * len(content)


def test_a_registry_that_is_started_anew_in_the_middle_is_waited_for(registry_tools: None, tmp_path: Path) -> None:
    content = random.Random(8).randbytes(30_000_000)
    told: list[Event] = []
    with RealRegistry(tmp_path / "registry") as registry:
        oci = plain(registry.host, report=told.append)
        repository = Repository(registry.host, "restarted/one")
        is_restarted = False

        def source(offset: int) -> Iterator[bytes]:
            nonlocal is_restarted
            for number, piece in enumerate(source_of(content)(offset)):
                if number == 5 and not is_restarted:
                    is_restarted = True
                    registry.stop()
                    registry.start()
                yield piece

        oci.put_blob(repository, blob_of(content), source)
        assert b"".join(oci.blob(repository, blob_of(content))) == content
    assert told


def test_a_digest_is_a_whole_name(registry: RealRegistry) -> None:
    oci = plain(registry.host)
    repository = Repository(registry.host, "by/digest")
    image = make_image("by-digest")
    for manifest in image.manifests:
        for blob in manifest.blobs:
            oci.put_blob(repository, blob, source_of(image.blobs[blob.digest]))
        oci.put_manifest(repository, manifest)
    oci.put_manifest(repository, image.top)
    assert oci.manifest(repository, image.digest) == image.top
    assert list(oci.tags(repository)) == []
    assert oci.manifest(repository, Digest("sha256:" + "0" * 64)) is None
