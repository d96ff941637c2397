from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.acquire.bundle_artifacts import PublishedBundle
from bundler.actions.acquire.fetch import BundleFetcher
from bundler.archive.writer import pack_files, write_archive
from bundler.errors.delivery import RegistryNotFoundError
from bundler.loader.lockfile import LockEntry
from bundler.model.bundle import ComponentSpec
from bundler.model.digest import digest_of
from bundler.model.manifest import Source
from bundler.model.oci import BUNDLE_ARCHIVE, Descriptor, OciAddress, OciManifest
from tests.lib.bundles import load_from, make_bundle
from tests.lib.delivered import MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.model.oci import Repository
    from bundler.ports import Registry

ADDRESS = "oci://registry.example/db"


class AskedError(Exception):
    """The registry was asked."""


def ask() -> Registry:
    raise AskedError


@pytest.mark.parametrize("kept", ["the same", "another", "damaged", "none"])
def test_what_is_kept_is_taken_only_where_it_is_what_is_locked(tmp_path: Path, kept: str) -> None:
    bundle = load_from(make_bundle(tmp_path, {"values.yaml": "a: 1\n"}, name="db", version="1.0.0"))
    other = load_from(make_bundle(tmp_path, {"values.yaml": "a: 2\n"}, name="evil", version="1.0.0"))
    sha256 = bundle.digest.removeprefix("sha256:")
    path = tmp_path / f"{sha256}.tgz"
    if kept in {"the same", "another"}:
        write_archive(bundle if kept == "the same" else other, path, mtime=0)
    elif kept == "damaged":
        path.write_bytes(b"no archive")
    fetcher = BundleFetcher(registry=ask, folder=tmp_path, report=lambda _: None)
    component = ComponentSpec(name="db", bundle=ADDRESS, version="^1", source=Source("bundle.yaml", 6))
    locked = LockEntry("db", "1.0.0", ADDRESS, sha256)
    if kept == "the same":
        assert fetcher.component(component, locked) == path
    else:
        with pytest.raises(AskedError):
            fetcher.component(component, locked)


@pytest.mark.parametrize("versions", [["1.0.0", "1.1.0"], []])
def test_a_version_that_is_not_there_is_told_with_the_component_its_line_and_what_is_there(
    tmp_path: Path, versions: list[str]
) -> None:
    class Tagged(MemoryRegistry):
        def tags(self, repository: Repository) -> Sequence[str]:
            return versions

    fetcher = BundleFetcher(registry=Tagged, folder=tmp_path, report=lambda _: None)
    component = ComponentSpec(name="db", bundle=ADDRESS, version="^9", source=Source("bundle.yaml", 6))
    with pytest.raises(RegistryNotFoundError, match="fetching component db") as caught:
        fetcher.component(component, None)
    (line,) = caught.value.context
    assert line.startswith(f"bundle.yaml:6: component db: looking for {ADDRESS}: ")
    if versions:
        assert 'no version "^9" is there' in line
        assert "1.1.0, 1.0.0" in caught.value.hint
    else:
        assert "registry.example has no version of db" in line


@pytest.mark.parametrize(
    "claimed",
    ["../../../home/shop", "/etc/evil", "sha256:../../evil", "a" * 64, "sha256:" + "0" * 64, "\u0661" * 64, "", "."],
)
def test_an_archive_is_kept_by_what_is_in_it_whatever_its_publisher_says(tmp_path: Path, claimed: str) -> None:
    bundle = load_from(make_bundle(tmp_path / "source", {"values.yaml": "a: 1\n"}, name="db", version="1.0.0"))
    content = pack_files(bundle.files.values(), top="db")
    cache, registry = tmp_path / "home" / "cache", MemoryRegistry()
    address = OciAddress.parse(f"{ADDRESS}:1.0.0")
    archive = Descriptor(
        media_type=BUNDLE_ARCHIVE,
        digest=digest_of(content),
        size=len(content),
        annotations={"dev.bundler.bundle.digest": claimed},
    )
    registry.blobs[str(address.repository), archive.digest] = content
    manifest = OciManifest.of(b"{}", "application/vnd.oci.image.manifest.v1+json")
    fetcher = BundleFetcher(registry=lambda: registry, folder=cache, report=lambda _: None)
    before = {path for path in tmp_path.rglob("*") if cache not in path.parents}

    path = fetcher._archive(PublishedBundle(address=address, manifest=manifest, archive=archive))

    assert path == cache / f"{bundle.digest.removeprefix('sha256:')}.tgz"
    assert path.read_bytes() == content
    assert list(cache.iterdir()) == [path]
    assert {one for one in tmp_path.rglob("*") if cache not in one.parents} - before == {cache.parent, cache}
