from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.fetch import BundleFetcher
from bundler.archive.writer import write_archive
from bundler.loader.lockfile import LockEntry
from bundler.model.bundle import ComponentSpec
from bundler.model.manifest import Source
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

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
