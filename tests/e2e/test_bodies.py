"""The bytes that reach a real API server: the rendered bodies, sent alike for the dry-run and for the write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.cluster import FIELD_MANAGER
from tests.lib.operator import Operator
from tests.lib.rendered import additions, rendered_bodies
from tests.lib.sweep import Site, Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Seen


@pytest.fixture
def site(control_plane: ControlPlane) -> Iterator[Site]:
    site = Site(control_plane)
    yield site
    site.delete()


def applies(seen: list[Seen], *, is_dry_run: bool) -> dict[str, bytes]:
    """Return the bodies of server-side applies by path."""
    found = [one for one in seen if one.method == "PATCH" and ("dryRun" in one.query) == is_dry_run]
    return {one.path: one.body for one in found}


def test_install_and_upgrade_of_the_shop_send_what_was_rendered(
    control_plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    operator = Operator(None, site.namespace)  # type: ignore[arg-type]  # only to make requests
    with Workplace(control_plane, tmp_path / "place") as place:
        for qps in ("1000", "3000"):
            code, text = place.run(["install", "shop", "--set", f"qps={qps}", "-n", site.namespace])
            assert code == 0, text
            rendered = rendered_bodies(operator.request("shop", "shop", {"qps": qps}))
            written = applies(place.proxy.seen, is_dry_run=False)
            asked = applies(place.proxy.seen, is_dry_run=True)
            assert written
            for path, content in written.items():
                assert additions(content, rendered) == [], path
                assert asked[path] == content, "what is written was dry-run before, byte by byte"


def test_every_write_names_the_field_manager_and_asks_for_strict_validation(
    control_plane: ControlPlane, site: Site, tmp_path: Path
) -> None:
    with Workplace(control_plane, tmp_path / "place") as place:
        code, text = place.run(["install", "redis", "-n", site.namespace])
        assert code == 0, text
        for one in place.proxy.seen:
            if one.method in {"PATCH", "POST", "PUT"} and one.path.startswith(("/api/", "/apis/apps", "/apis/policy")):
                assert one.query["fieldManager"] == [FIELD_MANAGER], one.target
                assert one.query["fieldValidation"] == ["Strict"], one.target


def test_a_no_op_writes_nothing_and_asks_about_nothing(control_plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    with Workplace(control_plane, tmp_path / "place") as place:
        argv = ["install", "shop", "--set", "qps=1000", "-n", site.namespace]
        code, text = place.run(argv)
        assert code == 0, text
        code, text = place.run(argv)
        assert code == 0, text
        assert "no changes" in text
        assert not place.proxy.writes()
        asked = [one.path for one in place.proxy.seen if "dryRun" in one.query]
        rights = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        assert asked == [rights], "what is unchanged costs no request; the rights are asked for once"
