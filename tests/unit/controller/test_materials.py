"""Files of an order: what a cluster calls them is checked before it becomes a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bundler import ObjectRef
from bundler.controller.materials import MissingSourceError, Reader, site_file

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import Body

ORDER = ObjectRef("bundler.dev", "Release", "prod", "shop")


@dataclass(frozen=True)
class Holding:
    """A cluster of one ConfigMap."""

    data: dict[str, str]

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        return {"metadata": {"name": ref.name}, "data": {**self.data}}


def written(data: dict[str, str], folder: Path) -> Path | None:
    cluster = Holding(data)
    return site_file("default", ORDER, Reader(tenant=cluster, own=cluster, namespace="bundler-system"), folder)


def test_what_a_site_file_names_is_beside_it(tmp_path: Path) -> None:
    found = written({"site.yaml": "kind: Site", "registry-ca.crt": "PEM"}, tmp_path)
    assert found is not None
    assert {one.name: one.read_text() for one in found.parent.iterdir()} == {
        "site.yaml": "kind: Site",
        "registry-ca.crt": "PEM",
    }


@pytest.mark.parametrize("key", ["../site.yaml", "/etc/x", "a/b", ".", "..", "..a", "", "a\x00b", "a" * 254])
def test_a_key_that_is_not_a_file_name_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError) as raised:
        written({"site.yaml": "kind: Site", key: "text"}, tmp_path)
    assert "has a key that is not a file name" in raised.value.context[0]
