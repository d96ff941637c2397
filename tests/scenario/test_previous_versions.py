"""Shipped bundles over a version that was shipped before: nothing is recreated and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from bundler.loader.locate import known_names
from bundler.model.change import Action
from bundler.planning.safety import losses
from bundler.resolve.versions import parse_version
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.operator import BUNDLES, PREVIOUS, Operator
from tests.lib.sandboxes import closed_when_dropped

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.refs import ObjectRef
    from bundler.resolve.versions import Version

FIRST_VERSIONS = {"controller"}
"""Nothing was shipped before them."""
NAMES = [name for name in known_names([]) if name not in FIRST_VERSIONS]
STAYING = ("Deployment", "StatefulSet", "DaemonSet", "CustomResourceDefinition", "Service", "PersistentVolumeClaim")


def test_every_shipped_bundle_has_an_older_version_that_was_shipped() -> None:
    newer = {name: version_of(BUNDLES / name) for name in NAMES}
    older = {name: version_of(PREVIOUS / name) for name in NAMES}
    assert [name for name in NAMES if older[name] >= newer[name]] == []


def version_of(folder: Path) -> Version:
    return parse_version(yaml.safe_load((folder / "bundle.yaml").read_text())["metadata"]["version"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_bundle_is_upgraded_from_an_older_version_in_place(name: str) -> None:
    clock = FakeClock()
    cluster = closed_when_dropped(SandboxClient.open(None, clock))
    operator = Operator(cluster, "prod", clock=clock, timeout_s=300)

    def uids(refs: list[ObjectRef]) -> list[object]:
        return [body and body["metadata"]["uid"] for body in map(cluster.get, refs)]

    operator.install(PREVIOUS / name, release=name)
    staying = [change.ref for change in operator.shown[-1].plan.changes if change.ref.kind in STAYING]
    before = uids(staying)
    assert all(before)
    plan = operator.upgrade(BUNDLES / name, release=name).proposal.plan
    assert losses(plan) == ()
    assert Action.RECREATE not in {change.action for change in plan.changes}
    assert uids(staying) == before
    assert operator.diff(BUNDLES / name, release=name).plan.is_empty
