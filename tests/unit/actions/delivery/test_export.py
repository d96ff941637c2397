"""Exporting images in memory; what is written is read back by the real reader."""

from __future__ import annotations

import json
import os
import threading
import tracemalloc
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.delivery.export import Exported, ExportRequest, Tool, export_bundle
from bundler.actions.delivery.image_sources import SourceChain
from bundler.delivery.check import check_whole
from bundler.delivery.layout import LayoutSource
from bundler.delivery.reader import Delivery
from bundler.delivery.sibling_deliveries import open_neighbours
from bundler.errors import BundlerError, InterruptedRunError
from bundler.errors.delivery import (
    ContentMismatchError,
    DeliveryError,
    ExportError,
    NoSpaceError,
    RegistryUnavailableError,
)
from bundler.model.delivery import BlobKind
from bundler.model.digest import Digest, digest_of
from bundler.model.events import BytesMoved, Event, Notice, Warned
from bundler.model.image import FoundImage, ImageInventory, ImageRef, ImageUse
from bundler.model.oci import OCI_INDEX, Descriptor, OciManifest, Repository
from tests.lib.bundles import load_from, make_bundle
from tests.lib.images import TestImage, make_image, write_layout
from tests.lib.layers import DPKG
from tests.lib.memory_source import MemorySource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

APP, DB = "registry.example/app:1", "docker.io/library/db:2"
OS_RELEASE = b"ID=debian\nVERSION_ID=12\n"


def app_image(**more: object) -> TestImage:
    files = {"var/lib/dpkg/status": DPKG.encode(), "etc/os-release": OS_RELEASE}
    return make_image("app", layer_bytes=(4000, 9000), files=files, labels={"org.opencontainers.image.licenses": "MIT"}, **more)  # fmt: skip


def inventory(*names: str, warnings: tuple[str, ...] = ()) -> ImageInventory:
    images = [
        FoundImage(ref=ImageRef.parse(name), uses=(ImageUse(name, f"Deployment/web {number}"),))
        for number, name in enumerate(names)
    ]
    return ImageInventory(images=tuple(sorted(images, key=lambda one: one.ref)), warnings=warnings)


class World:
    """A source with two images, and a folder to write to."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.bundle = load_from(make_bundle(tmp_path, name="shop"))
        self.source = MemorySource()
        self.app, self.db = app_image(), make_image("db", is_docker=True, has_index=False)
        self.source.add(APP, self.app)
        self.source.add(DB, self.db)
        self.events: list[Event] = []

    def export(self, *names: str, target: str = "shop.bundle", **more: object) -> Exported:
        request = ExportRequest(
            bundle=self.bundle,
            inventory=inventory(*(names or (APP, DB))),
            platforms=("linux/amd64",),
            target=self.folder / target,
        )
        return export_bundle(replace(request, **more), self.source, report=self.events.append)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def opened(exported: Exported) -> Delivery:
    delivery = Delivery.open(exported.paths[0])
    check_whole(delivery)
    return delivery


def sbom_of(exported: Exported) -> dict:
    with opened(exported) as delivery:
        return json.loads(delivery.read(exported.index.sbom))


def test_one_platform_is_carried_with_byte_exact_digests(world: World) -> None:
    exported = world.export()
    amd64 = world.app.manifests[0]
    with opened(exported) as delivery:
        assert delivery.index == exported.index
        by_ref = {str(image.locked.ref): image for image in delivery.index.images}
        assert by_ref[APP].root == by_ref[APP].locked.digest == amd64.digest
        assert by_ref[APP].locked.platforms == ("linux/amd64",)
        assert by_ref[APP].locked.used_by == ("Deployment/web 0",)
        assert by_ref[DB].root == world.db.top.digest
        assert delivery.read(amd64.digest) == amd64.content
        for blob in (*amd64.blobs, *world.db.top.blobs):
            assert delivery.read(blob.digest) == world.source.blobs[blob.digest]
        assert not delivery.has(world.app.manifests[1].digest)


def test_all_platforms_carry_the_index(world: World) -> None:
    exported = world.export(APP, platforms=())
    with opened(exported) as delivery:
        image = delivery.index.images[0]
        assert image.root == world.app.top.digest
        assert image.locked.platforms == ("linux/amd64", "linux/arm64/v8")
        assert delivery.index.all_platforms
        assert {blob.digest for blob in delivery.index.blobs} >= set(world.app.blobs)


def test_the_sbom_tells_images_packages_and_licences(world: World) -> None:
    body = sbom_of(world.export())
    components = {one["name"]: one for one in body["components"]}
    assert components["libc6"]["purl"].endswith("distro=debian-12")
    assert components["registry.example/app"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert body["metadata"]["component"]["name"] == "shop"


def test_two_exports_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    one, two = world.export(), world.export(DB, APP, target="again.bundle")
    first, second = one.paths[0].read_bytes(), two.paths[0].read_bytes()
    assert one.build_id != two.build_id  # the uses are numbered by their order
    assert world.export(target="third.bundle").paths[0].read_bytes() == first != second


def test_every_blob_is_fetched_once(world: World) -> None:
    world.source.add("registry.example/other:1", world.app)
    world.export(APP, "registry.example/other:1")
    fetched = [digest for digest in world.source.fetched if digest not in _configs(world)]
    assert len(fetched) == len(set(fetched)) == 2


def _configs(world: World) -> set[str]:
    return {manifest.config.digest for manifest in (*world.app.manifests, world.db.top)}


def test_progress_ends_where_it_should(world: World) -> None:
    world.export()
    moved = [event for event in world.events if isinstance(event, BytesMoved)]
    assert (
        moved[-1].done == moved[-1].total == sum(b.size for b in world.export().index.blobs if b.kind is BlobKind.LAYER)
    )


def test_warnings_of_the_inventory_are_told(world: World) -> None:
    world.export(inventory=inventory(APP, warnings=("that may be an image",)))
    assert Warned("that may be an image") in world.events


def test_several_platforms_of_more_carry_all_and_say_so(world: World) -> None:
    many = make_image("many", platforms=("linux/amd64", "linux/arm64/v8", "linux/s390x"))
    world.source.add("r.example/many:1", many)
    exported = world.export("r.example/many:1", platforms=("linux/amd64", "linux/arm64"))
    assert exported.index.images[0].root == many.top.digest
    said = [event.text for event in world.events if isinstance(event, Notice)]
    assert said == ["r.example/many:1 carries 1 more platforms, because several are pinned by its index alone"]


# --- what is attached --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("artifact_type", ["application/spdx+json", "application/vnd.cyclonedx+json"])
def test_an_attached_sbom_travels(world: World, artifact_type: str) -> None:
    amd64 = world.app.manifests[0].digest
    attached = world.source.attach("registry.example/app", amd64, artifact_type, b'{"an":"sbom"}')
    world.source.attach("registry.example/app", amd64, "application/vnd.other.signature", b"signature")
    exported = world.export(APP)
    with opened(exported) as delivery:
        (one,) = delivery.index.attachments
        assert (one.image, one.media_type, one.digest) == (amd64, artifact_type, attached.digest)
        assert delivery.read(digest_of(b'{"an":"sbom"}')) == b'{"an":"sbom"}'
        assert not delivery.has(digest_of(b"signature"))


def test_an_sbom_under_cosigns_tag_travels(world: World) -> None:
    amd64 = world.app.manifests[0].digest
    attached = world.source.attach("registry.example/app", digest_of(b"nobody"), "text/spdx+json", b"sbom")
    world.source.manifests["registry.example/app", f"{amd64.replace(':', '-')}.sbom"] = attached
    assert world.export(APP).index.attachments[0].digest == attached.digest


class WithoutReferrers(MemorySource):
    """Gives images, and fails where it is asked what refers to them."""

    def __init__(self, inner: MemorySource, error: BundlerError) -> None:
        super().__init__(manifests=inner.manifests, blobs=inner.blobs)
        self.error = error

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        raise self.error


@pytest.mark.parametrize("is_mirrored", [True, False])
def test_a_mirror_alone_is_enough_and_an_outage_is_not(world: World, is_mirrored: bool) -> None:
    away = RegistryUnavailableError("reading", context=["registry.example: no"], hint="wait", is_mirrored=is_mirrored)
    world.source = WithoutReferrers(world.source, away)
    if not is_mirrored:
        assert refused(world, RegistryUnavailableError, APP).context == away.context
        return
    assert world.export(APP).index.attachments == ()
    said = f"{APP} is carried without what may be attached to it: registry.example: no"
    assert any(getattr(event, "text", "") == said for event in world.events), world.events


def test_an_sbom_that_the_index_lists_as_buildkit_does_travels(world: World) -> None:
    amd64 = world.app.manifests[0]
    body = json.loads(world.source.attach("registry.example/app", amd64.digest, "x", b"in-toto").content)
    world.source.attached.clear()
    body["layers"][0]["annotations"] = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
    attestation = OciManifest.of(json.dumps(body).encode(), amd64.media_type)
    top = json.loads(world.app.top.content)
    annotations = {"vnd.docker.reference.digest": amd64.digest, "vnd.docker.reference.type": "attestation-manifest"}
    platform = {"os": "unknown", "architecture": "unknown"}
    top["manifests"].append(attestation.descriptor.to_json() | {"annotations": annotations, "platform": platform})
    index = OciManifest.of(json.dumps(top).encode(), OCI_INDEX)
    world.source.manifests |= {
        ("registry.example/app", "1"): index,
        ("registry.example/app", attestation.digest): attestation,
    }
    one = world.export(APP).index
    assert [(a.image, a.digest) for a in one.attachments] == [(amd64.digest, attestation.digest)]
    whole = world.export(APP, platforms=()).index
    assert whole.images[0].root == index.digest
    assert whole.images[0].locked.platforms == ("linux/amd64", "linux/arm64/v8")


# --- delta, tool, parts ------------------------------------------------------------------------------------------


@pytest.mark.medium
def test_a_delta_leaves_out_the_layers_of_its_base_and_tells_as_much(world: World) -> None:
    old = world.export(APP)
    with Delivery.open(old.paths[0]) as base:
        new = world.export(APP, DB, target="new.bundle", base=base)
    left_out = [blob for blob in new.index.blobs if blob.in_base]
    assert {blob.digest for blob in left_out} == {layer.digest for layer in world.app.manifests[0].layers}
    assert new.index.base.index == old.build_id
    whole = world.export(APP, DB, target="whole.bundle")
    assert sbom_of(new) == sbom_of(whole)
    assert new.size < whole.size


@pytest.mark.medium
def test_a_delta_of_a_delta_says_what_it_could_not_look_into(world: World) -> None:
    with Delivery.open(world.export(APP).paths[0]) as base:
        middle = world.export(APP, DB, target="middle.bundle", base=base)
    with Delivery.open(middle.paths[0]) as base:
        last = world.export(APP, target="last.bundle", base=base)
    said = [p["value"] for c in sbom_of(last)["components"] for p in c.get("properties", [])]
    assert "a layer is not read: it is in the base's own base" in said


def test_the_tool_travels(world: World) -> None:
    exported = world.export(tool=Tool(content=b"a zipapp", version="1.0"))
    with opened(exported) as delivery:
        assert delivery.read(delivery.index.tool.digest) == b"a zipapp"


@pytest.mark.medium
def test_parts_hold_the_same_delivery(world: World) -> None:
    whole, parts = world.export(), world.export(target="parts.bundle", part_bytes=50_000)
    assert len(parts.paths) > 2
    assert parts.build_id == whole.build_id
    with opened(parts) as delivery:
        assert delivery.index == whole.index


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_what_an_earlier_export_left_under_the_name_is_warned_of(world: World) -> None:
    def warnings() -> list[str]:
        found = [event.text for event in world.events if isinstance(event, Warned)]
        world.events.clear()
        return found

    many = world.export(APP, part_bytes=50_000).paths
    assert (len(many) > 2, warnings()) == (True, [])
    few = world.export(APP, part_bytes=200_000).paths
    left = ", ".join(path.name for path in many if path not in few)
    assert warnings() == [f"of an earlier export, and not of this one: {left}; remove them"]
    world.export(APP)
    assert "shop.bundle.001, " in warnings()[0]


def refused(world: World, error: type[BundlerError], *names: str, **more: object) -> BundlerError:
    with pytest.raises(error) as caught:
        world.export(*names, **more)
    assert [path.name for path in world.folder.iterdir()] == ["shop"]
    return caught.value


def test_every_image_that_is_not_there_is_named(world: World) -> None:
    error = refused(world, ExportError, APP, "r.example/none:1", "r.example/nor:2")
    assert error.context == ("r.example/none:1: there is no 1", "r.example/nor:2: there is no 2")


def test_a_platform_that_is_not_there_is_named_with_those_that_are(world: World) -> None:
    error = refused(world, ExportError, platforms=("linux/s390x",))
    assert error.context == (
        "docker.io/library/db:2: it does not exist for linux/s390x; there is linux/amd64",
        "registry.example/app:1: it does not exist for linux/s390x; there is linux/amd64, linux/arm64/v8",
    )


def test_a_manifest_of_an_unknown_type_is_refused(world: World) -> None:
    world.source.manifests["registry.example/app", "1"] = OciManifest.of(b"{}", "application/vnd.docker.v1")
    assert "cannot be carried" in refused(world, ExportError).context[0]


def test_a_layer_that_is_not_what_its_digest_says_ends_it(world: World) -> None:
    layer = world.app.manifests[0].layers[0].digest
    world.source.faults[layer] = ContentMismatchError("reading a blob", context=["it differs"], hint="again")
    assert refused(world, ContentMismatchError).context == ("it differs",)


def test_a_layer_of_another_size_than_its_manifest_says_ends_it(world: World) -> None:
    layer = world.app.manifests[0].layers[0].digest
    world.source.blobs[layer] += b"more"
    refused(world, DeliveryError)


def test_asked_to_stop_it_stops_and_leaves_nothing(world: World) -> None:
    request = ExportRequest(
        bundle=world.bundle, inventory=inventory(APP), platforms=(), target=world.folder / "shop.bundle"
    )
    with pytest.raises(InterruptedRunError):
        export_bundle(request, world.source, report=world.events.append, is_stopped=lambda: True)
    assert [path.name for path in world.folder.iterdir()] == ["shop"]


# --- what an earlier export left ---------------------------------------------------------------------------------


def layers_fetched(world: World) -> list[str]:
    layers = {layer.digest for manifest in (*world.app.manifests, world.db.top) for layer in manifest.layers}
    return sorted(digest for digest in world.source.fetched if digest in layers)


UNAVAILABLE = RegistryUnavailableError("reading a blob", context=["no one answers"], hint="run it again")


class LastFails(MemorySource):
    """Gives every layer but one, which fails when the others are whole."""

    def __init__(self, inner: MemorySource, last: Digest, others: int, error: BundlerError) -> None:
        super().__init__(manifests=inner.manifests, blobs=inner.blobs)
        self.last, self.error, self.others = last, error, threading.Semaphore(0)
        self.count = others

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        if descriptor.digest == self.last:
            for _ in range(self.count):
                assert self.others.acquire(timeout=60)
            raise self.error
        yield from super().blob(repository, descriptor)
        self.others.release()


def cut(world: World, error: BundlerError = UNAVAILABLE, **more: object) -> str:
    """Export until the last of three layers, which does not come; return that layer."""
    layers = [*world.app.manifests[0].layers, *world.db.top.layers]
    smallest = min(layers, key=lambda layer: layer.size).digest
    configs = len(_configs(world)) - 1  # of the platforms that travel
    whole, world.source = world.source, LastFails(world.source, smallest, 2 + configs, error)
    with pytest.raises(type(error)) as caught:
        world.export(**more)
    assert "are kept in" in caught.value.context[-1]
    world.source = whole
    return smallest


@pytest.mark.medium
@pytest.mark.parametrize("part_bytes", [0, 5000, 70_000])
def test_an_export_that_was_cut_goes_on_and_gives_the_same_bytes(world: World, part_bytes: int) -> None:
    smallest = cut(world, part_bytes=part_bytes)
    assert not list(world.folder.glob("shop.bundle*"))
    exported = world.export(part_bytes=part_bytes)
    assert layers_fetched(world) == [smallest]
    said = [event.text for event in world.events if isinstance(event, Notice)]
    assert said[-1].startswith("2 of 3 layers, ")
    assert not list(world.folder.glob(".*.unfinished"))
    clean = world.export(target="clean.bundle", part_bytes=part_bytes)
    assert [path.read_bytes() for path in exported.paths] == [path.read_bytes() for path in clean.paths]


def test_what_was_kept_and_is_damaged_is_fetched_again(world: World) -> None:
    smallest = cut(world)
    (left,) = world.folder.glob(".shop.bundle.unfinished")
    raw = bytearray(left.read_bytes())
    damaged = world.app.manifests[0].layers[0]
    at = bytes(raw).index(world.source.blobs[damaged.digest])
    raw[at + 100] ^= 1
    left.write_bytes(raw)
    exported = world.export()
    assert layers_fetched(world) == sorted([smallest, damaged.digest])
    assert {"libc6"} <= {one["name"] for one in sbom_of(exported)["components"]}


def test_another_plan_starts_over(world: World) -> None:
    cut(world)
    world.export(APP)
    assert len(layers_fetched(world)) == 2


@pytest.mark.medium
@pytest.mark.parametrize(("before", "after"), [(5000, 7000), (7000, 5000), (0, 5000), (5000, 0)])
def test_other_parts_than_those_that_were_kept_are_right_all_the_same(world: World, before: int, after: int) -> None:
    cut(world, part_bytes=before)
    exported = world.export(part_bytes=after)
    opened(exported).close()
    clean = world.export(target="clean.bundle", part_bytes=after)
    assert [path.read_bytes() for path in exported.paths] == [path.read_bytes() for path in clean.paths]


def test_a_run_that_was_interrupted_keeps_what_is_complete_too(world: World) -> None:
    smallest = cut(world, InterruptedRunError("exporting", context=["asked to stop"], hint="run it again"))
    world.export()
    assert layers_fetched(world) == [smallest]


def test_there_must_be_room_for_what_is_missing_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(world)
    (left,) = world.folder.glob(".shop.bundle.unfinished")
    room = os.statvfs(world.folder)

    class Full:
        f_bavail, f_frsize = 1, room.f_frsize

    monkeypatch.setattr("bundler.delivery.writer.os.statvfs", lambda _: Full)
    with pytest.raises(NoSpaceError):
        world.export()
    assert left.exists()


@pytest.mark.medium
def test_a_second_export_fetches_no_layer_that_lies_beside_it(world: World) -> None:
    first = world.export(target="shop-1.0.0.bundle")
    world.source.fetched.clear()
    for part_bytes, target in ((0, "shop-1.1.0.bundle"), (6000, "shop-1.1.0.bundle")):
        with ExitStack() as stack:
            beside = [stack.enter_context(one) for one in open_neighbours(world.folder / target, "shop")]
            again = world.export(target=target, part_bytes=part_bytes, at_hand=tuple(beside))
        assert layers_fetched(world) == []
        assert again.build_id == first.build_id
        opened(again).close()


def test_a_damaged_neighbour_gives_nothing(world: World) -> None:
    first = world.export(target="shop-1.0.0.bundle")
    raw = bytearray(first.paths[0].read_bytes())
    layer = world.db.top.layers[0]
    raw[bytes(raw).index(world.source.blobs[layer.digest]) + 7] ^= 1
    first.paths[0].write_bytes(raw)
    (world.folder / "shop-0.9.0.bundle").write_bytes(b"no delivery")
    world.source.fetched.clear()
    with ExitStack() as stack:
        beside = [stack.enter_context(one) for one in open_neighbours(world.folder / "shop-1.1.0.bundle", "shop")]
        assert len(beside) == 1
        again = world.export(target="shop-1.1.0.bundle", at_hand=tuple(beside))
    assert layers_fetched(world) == [layer.digest]
    opened(again).close()


# --- layouts -----------------------------------------------------------------------------------------------------


def test_layouts_come_first_and_give_all_of_an_image(world: World, tmp_path: Path) -> None:
    named = LayoutSource(write_layout(world.app, tmp_path / "named", tag=APP))
    tagged = LayoutSource(write_layout(world.db, tmp_path / "tagged", tag="2"), image="docker.io/library/db")
    registry = MemorySource()
    request = ExportRequest(
        bundle=world.bundle, inventory=inventory(APP, DB), platforms=("linux/amd64",), target=tmp_path / "l.bundle"
    )
    exported = export_bundle(request, SourceChain([named, tagged, registry]), report=world.events.append)
    assert exported.paths[0].read_bytes() == world.export().paths[0].read_bytes()
    assert registry.asked == []
    assert registry.fetched == []


def test_a_layout_is_checked_as_it_is_read(world: World, tmp_path: Path) -> None:
    folder = write_layout(world.app, tmp_path / "layout", tag=APP)
    layer = world.app.manifests[0].layers[0]
    path = folder / "blobs" / layer.digest.replace(":", "/")
    path.write_bytes(bytes(layer.size))
    source = LayoutSource(folder)
    with pytest.raises(ContentMismatchError):
        list(source.blob(Repository("registry.example", "app"), layer))
    (folder / "blobs" / world.app.top.digest.replace(":", "/")).write_bytes(b"{}")
    with pytest.raises(ContentMismatchError):
        source.manifest(Repository("registry.example", "app"), "1")
    path.unlink()
    with pytest.raises(ExportError):
        list(source.blob(Repository("registry.example", "app"), layer))


def test_a_layout_is_not_left_by_what_it_calls_a_digest(world: World, tmp_path: Path) -> None:
    source = LayoutSource(write_layout(world.app, tmp_path / "layout", tag=APP))
    (tmp_path / "secret").write_bytes(b"x")
    made_up = replace(world.app.manifests[0].layers[0], digest=Digest("sha256:../../../secret"))
    with pytest.raises(ExportError) as caught:
        next(source.blob(Repository("registry.example", "app"), made_up))
    assert caught.value.context == ("'sha256:../../../secret' is not a digest",)


@pytest.mark.parametrize("content", [None, b"no json", b"[]", b'{"manifests":[]}', b" " * 5_000_000])
def test_what_is_no_layout_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(ExportError) as caught:
        LayoutSource(tmp_path)
    assert str(tmp_path) in caught.value.context[0]


# --- odd images --------------------------------------------------------------------------------------------------


def store(world: World, name: str, body: dict, media_type: str) -> OciManifest:
    repository, _, tag = name.rpartition(":")
    manifest = OciManifest.of(json.dumps(body).encode(), media_type)
    world.source.manifests |= {(repository, tag): manifest, (repository, manifest.digest): manifest}
    return manifest


def test_an_index_that_does_not_say_platforms_is_read_from_the_configs(world: World) -> None:
    top = json.loads(world.app.top.content)
    for entry in top["manifests"]:
        del entry["platform"]
    store(world, APP, top, OCI_INDEX)
    image = world.export(APP).index.images[0]
    assert image.root == world.app.manifests[0].digest
    assert image.locked.platforms == ("linux/amd64",)


def changed_manifest(world: World, **keys: object) -> None:
    body = json.loads(world.db.top.content)
    store(world, DB, {**body, **keys}, world.db.top.media_type)


def test_a_config_that_is_too_large_is_refused(world: World) -> None:
    config = world.db.top.config
    changed_manifest(world, config={**config.to_json(), "size": 9_000_000})
    assert "its config has 9000000 bytes" in refused(world, ExportError, DB).context[0]


@pytest.mark.parametrize("content", [b"no json", b"[]", b"[" * 100_000])
def test_a_config_that_is_none_has_no_platform(world: World, content: bytes) -> None:
    config = {"mediaType": "x", "digest": digest_of(content), "size": len(content)}
    world.source.blobs[digest_of(content)] = content
    changed_manifest(world, config=config)
    assert "there is an unnamed platform" in refused(world, ExportError, DB).context[0]
    assert world.export(DB, platforms=()).index.images[0].locked.platforms == ()


def test_manifests_that_disagree_about_a_size_are_refused(world: World) -> None:
    layers = [layer.to_json() for layer in world.db.top.layers]
    world.source.add("r.example/other:1", world.db)
    layers[0]["size"] = 7
    store(world, "r.example/other:1", json.loads(world.db.top.content) | {"layers": layers}, world.db.top.media_type)
    assert "bytes in one manifest and" in refused(world, ExportError, DB, "r.example/other:1").context[0]


def test_layers_that_are_to_be_had_from_their_maker_alone_are_left_out(world: World) -> None:
    layers = [layer.to_json() for layer in world.db.top.layers]
    elsewhere = {"mediaType": "x", "digest": digest_of(b"windows"), "size": 7, "urls": ["https://maker.example/l"]}
    changed_manifest(world, layers=[*layers, elsewhere])
    with opened(world.export(DB)) as delivery:
        assert not delivery.has(digest_of(b"windows"))


def test_an_image_without_layers_can_be_carried(world: World) -> None:
    changed_manifest(world, layers=[])
    with opened(world.export(DB)) as delivery:
        assert not [blob for blob in delivery.index.blobs if blob.kind is BlobKind.LAYER]


def test_a_bundle_without_images_can_be_carried(world: World) -> None:
    with opened(world.export(inventory=inventory())) as delivery:
        assert delivery.index.images == ()


def peak_of_export(folder: Path, layers: int) -> int:
    """Return the most bytes that an export of one image held at once."""
    folder.mkdir()
    world = World(folder)
    world.source.add(APP, make_image("many", platforms=("linux/amd64",), layer_bytes=(300,) * layers))
    tracemalloc.start()
    try:
        world.export(APP)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.medium
def test_a_layer_costs_a_few_kilobytes_whatever_there_are_of_them(tmp_path: Path) -> None:
    peak_of_export(tmp_path / "first", 1)  # what is loaded and cached once
    few, many = peak_of_export(tmp_path / "few", 10), peak_of_export(tmp_path / "many", 70)
    assert (many - few) / 60 < 8 * 1024
