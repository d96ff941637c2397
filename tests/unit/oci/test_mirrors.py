"""Mirrors are read first and passed over where they fail; registries that want a certificate are shown one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.delivery import RegistryError, RegistryUnavailableError
from bundler.model.events import Event, Notice
from bundler.model.oci import OCI_MANIFEST, OciManifest, Repository
from bundler.oci.settings import HostSettings, RegistrySettings, load_settings
from tests.lib.certs import Authority
from tests.lib.images import source_of
from tests.lib.quirks import Quirks
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.stub_server import HangUp, Say, StubServer
from tests.unit.cluster.support import InstantClock
from tests.unit.oci.support import blob_of, client

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"a layer" * 100
BLOB = blob_of(CONTENT)
MANIFEST = OciManifest.of(b'{"layers": []}', OCI_MANIFEST)


def filled(registry: QuirkyRegistry, name: str) -> Repository:
    oci, place = client(registry.host), Repository(registry.host, name)
    oci.put_blob(place, BLOB, source_of(CONTENT))
    oci.put_manifest(place, MANIFEST, tag="1.0")
    registry.server.requests.clear()
    return place


def reading(home: str, *mirrors: str, told: list[Event] | None = None, **more: object) -> object:
    hosts = {home: HostSettings(mirrors=mirrors)}
    plain = frozenset({home, *(mirror.partition("/")[0] for mirror in mirrors)})
    report = (told if told is not None else []).append
    return client(settings=RegistrySettings(hosts=hosts, plain_http=plain), report=report, **more)


def test_what_a_mirror_has_is_not_asked_of_the_registry() -> None:
    with QuirkyRegistry() as home, QuirkyRegistry() as mirror:
        place = filled(home, "shop/web")
        filled(mirror, "hub/shop/web")
        oci = reading(home.host, f"{mirror.host}/hub")
        assert oci.manifest(place, "1.0") == MANIFEST
        assert oci.head_manifest(place, "1.0") == MANIFEST.descriptor
        assert oci.tags(place) == ["1.0"]
        assert b"".join(oci.blob(place, BLOB)) == CONTENT
        assert home.server.requests == []
        oci.put_manifest(place, MANIFEST, tag="2.0")
        assert not mirror.requests("PUT")


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(login="token"), Quirks(hides_missing=403), Quirks(limit="21600")])
def test_what_a_mirror_lacks_or_refuses_comes_from_the_registry(quirks: Quirks) -> None:
    told: list[Event] = []
    with QuirkyRegistry() as home, QuirkyRegistry(quirks) as mirror:
        place = filled(home, "shop/web")
        oci = reading(home.host, mirror.host, told=told)
        assert oci.manifest(place, "1.0") == MANIFEST
        assert b"".join(oci.blob(place, BLOB)) == CONTENT
    assert all(isinstance(one, Notice) and "is passed over" in one.text for one in told)


def test_a_mirror_that_fails_costs_no_time_and_is_said_once() -> None:
    told: list[Event] = []
    clock = InstantClock()
    with QuirkyRegistry() as home, StubServer([Say(status=503, body=b"")]) as mirror:
        place = filled(home, "shop/web")
        oci = reading(home.host, mirror.url.partition("://")[2], told=told, clock=clock)
        for _ in range(3):
            assert oci.manifest(place, "1.0") == MANIFEST
    assert len(told) == 1
    assert clock.passed_s == 0


def test_a_mirror_that_holds_other_bytes_is_not_believed() -> None:
    with QuirkyRegistry() as home, QuirkyRegistry() as mirror:
        place = filled(home, "shop/web")
        mirror.of("shop/web").manifests[MANIFEST.digest] = (OCI_MANIFEST, b"{}")
        assert reading(home.host, mirror.host).manifest(place, MANIFEST.digest) == MANIFEST


def test_a_client_certificate_is_shown_to_its_registry_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    pair, server = authority.issue("ada"), authority.issue("server", server=True)
    with StubServer([Say(body={})], certificate=server, client_authority=str(authority.certificate)) as registry:
        host = registry.url.partition("://")[2]
        (tmp_path / "registries.yaml").write_text(
            f"registries:\n  {host}:\n    ca: {authority.certificate}\n"
            f"    clientCertificate: {pair.certificate}\n    clientKey: {pair.key}\n"
        )
        client(settings=load_settings(tmp_path)).ping(host)
        with pytest.raises(RegistryUnavailableError):
            client(settings=RegistrySettings(authority_file=authority.certificate), budget_s=3).ping(host)


def test_a_client_certificate_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "client.pem"
    path.write_text("no certificate")
    settings = RegistrySettings(hosts={"registry.site": HostSettings(client_certificate=path)})
    with pytest.raises(RegistryError, match="reading the client certificate"):
        client(settings=settings).ping("registry.site")


@pytest.mark.parametrize("lists", [True, False])
def test_a_registry_that_is_away_says_whether_its_mirror_answered(lists: bool) -> None:
    with QuirkyRegistry() as mirror, StubServer([HangUp()]) as home:
        filled(mirror, "shop/web")
        name = home.url.partition("://")[2]
        place = Repository(name, "shop/web")
        oci = reading(name, mirror.host) if lists else client(name)
        with pytest.raises(RegistryUnavailableError) as caught:
            oci.referrers(place, MANIFEST.digest)
    assert caught.value.is_mirrored == lists
