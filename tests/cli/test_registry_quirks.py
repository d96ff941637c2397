"""Push, pull, export and import with registries as they are; what they have lost is found missing and brought again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from bundler.model.digest import digest_of
from tests.lib.quirks import EVERY, Quirks
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.registry_walk import Walk
from tests.unit.oci import support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lib.fixtures_cli import Cli


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while support.OPENED:
        support.OPENED.pop().close()


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EVERY))
def test_every_registry_is_pushed_to_pulled_from_exported_from_and_imported_into(cli: Cli, name: str) -> None:
    with QuirkyRegistry(EVERY[name]) as registry:
        walk = Walk(cli, registry)
        walk.sign()
        walk.push().ok()
        puts = len(registry.requests("PUT"))
        assert walk.push("-o", "json").ok().document["new"] is False
        assert len(registry.requests("PUT")) == puts
        out = cli.home / "out"
        out.mkdir()
        pulled = walk("pull", walk.address, "--out", out, "--key", cli.home / "acme.pub", "-o", "json").ok().document
        assert (out / "shop-1.0.0.tgz").read_bytes() == walk.packed.read_bytes()
        assert pulled["signatures"] == 1
        walk.export().ok()
        # An import speaks to the site's registry alone, unless it is told otherwise.
        options = ["--no-offline"] if EVERY[name].location == "elsewhere" else []
        assert walk.imported(*options).ok().document["sentBlobs"] > 0
        assert walk.holds(walk.image)
        puts = len(registry.requests("PUT"))
        assert walk.imported().ok().document["sentBlobs"] == 0
        assert len(registry.requests("PUT")) == puts


def lost(walk: Walk) -> Iterator[str]:
    """Remove one thing after another, each as a collector of garbage does; yields what it was."""
    child = walk.image.manifests[1]
    for digest in (child.digest, child.layers[-1].digest, walk.image.manifests[0].config.digest, walk.image.digest):
        walk.registry.collect(walk.place, digest)
        yield digest


@pytest.mark.medium
@pytest.mark.parametrize("head_lies", [False, True])
def test_what_was_garbage_collected_is_missing_and_import_brings_it_again(cli: Cli, head_lies: bool) -> None:
    with QuirkyRegistry() as registry:
        walk = Walk(cli, registry)
        walk.export().ok()
        walk.imported().ok()
        registry.quirks = dataclasses.replace(registry.quirks, head_lies=head_lies)
        for digest in lost(walk):
            assert not walk.holds(walk.image)
            if head_lies and digest != walk.image.manifests[1].digest:
                # Of blobs that HEAD claims, the largest of each image is read; --recheck reads all.
                walk.imported("--recheck").ok()
            else:
                found = walk("preflight", walk.file, "--site", walk.site, "-o", "json").document
                images = next(one for one in found if one["name"] == "images")
                assert images["state"] == "failed"
                installed = walk("install", "shop", walk.file, "--site", walk.site, "--no-preflight")
                assert "does not exist" in installed.err
                walk.imported().ok()
            assert walk.holds(walk.image)
        assert walk.imported().document["sentBlobs"] == 0


@pytest.mark.medium
def test_a_registry_that_gives_out_other_bytes_or_other_sizes_does_not_hold_the_image(cli: Cli) -> None:
    with QuirkyRegistry() as registry:
        walk = Walk(cli, registry)
        walk.export().ok()
        walk.imported().ok()
        child = walk.image.manifests[0]
        held = registry.of(walk.place)
        kind, content = held.manifests[child.digest]
        for other in (content + b" ", b"{}"):
            held.manifests[child.digest] = (kind, other)
            assert "does not exist" in walk("install", "shop", walk.file, "--site", walk.site, "--no-preflight").err
            walk.imported().ok()
            assert held.manifests[child.digest][1] == content
        layer = child.layers[0]
        held.blobs[layer.digest] = held.blobs[layer.digest][:-1]
        assert "does not exist" in walk("install", "shop", walk.file, "--site", walk.site, "--no-preflight").err
        assert walk.imported().ok().document["sentBlobs"] == 1
        assert digest_of(held.blobs[layer.digest]) == layer.digest


@pytest.mark.parametrize("status", [401, 403])
def test_a_signature_file_stays_where_the_registry_does_not_say_whether_there_are_others(cli: Cli, status: int) -> None:
    with QuirkyRegistry(Quirks(referrers_status=status)) as registry:
        walk = Walk(cli, registry)
        walk.cli("package", walk.folder, "--out", walk.packed).ok()
        walk.push().ok()
        beside = cli.home / "out.tgz.sig"
        beside.write_text("{}\n")
        done = walk("pull", walk.address, "--out", cli.home / "out.tgz").ok()
        assert "could not ask whether" in done.err
        assert beside.exists()
        cli("keygen", "acme release", "--out", cli.home / "acme.key").ok()
        refused = walk("pull", walk.address, "--out", cli.home / "out.tgz", "--key", cli.home / "acme.pub")
        assert f"answers {status}" in refused.err
        assert "what refers to" in refused.err


def test_a_signature_of_ones_own_beside_the_very_bundle_survives_a_pull(cli: Cli) -> None:
    with QuirkyRegistry() as registry:
        walk = Walk(cli, registry)
        walk.cli("package", walk.folder, "--out", walk.packed).ok()
        walk.push().ok()
        walk.sign()
        walk("pull", walk.address, "--out", walk.packed).ok()
        cli("verify", walk.packed, "--key", cli.home / "acme.pub").ok()


def test_a_login_that_a_registry_did_not_check_is_said_to_be_unchecked(cli: Cli) -> None:
    with QuirkyRegistry() as registry:
        words = ("login", registry.host, "-u", "ada", "--password-stdin", "--insecure-http", registry.host)
        assert "the password was not checked" in cli(*words, stdin="x\n").ok().out
        assert cli(*words, "-o", "json", stdin="x\n").ok().document["checked"] is False
    with QuirkyRegistry(Quirks(login="basic", reads_anonymously=True)) as registry:
        words = ("login", registry.host, "-u", "ada", "--password-stdin", "--insecure-http", registry.host)
        assert "nothing was kept" in cli(*words, stdin="x\n").err


def test_a_registry_with_an_ipv6_address_is_like_any_other(cli: Cli) -> None:
    try:
        started = QuirkyRegistry(address="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with started as registry:
        walk = Walk(cli, registry)
        walk.export().ok()
        assert walk.imported().ok().document["sentBlobs"] > 0
        port = registry.host.rpartition(":")[2]
        assert f"acme/ipv6-0-0-0-0-0-0-0-1-{port}/shop/web" in registry.repositories


@pytest.mark.medium
@pytest.mark.parametrize("status", [401, 403])
def test_what_was_never_imported_is_not_called_a_wrong_login_alone(cli: Cli, status: int) -> None:
    with QuirkyRegistry(Quirks(login="token")) as registry:
        walk = Walk(cli, registry)
        walk.export().ok()
        registry.quirks = Quirks(login="token", hides_missing=status)
        outcome = walk("install", "shop", walk.file, "--site", walk.site, "--no-preflight")
        assert outcome.code == 1
        assert "answer like this for what was not imported yet" in outcome.err
        walk.imported().ok()
        assert walk.holds(walk.image)
