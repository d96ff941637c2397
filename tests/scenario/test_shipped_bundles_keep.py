"""What shipped bundles keep: installed and uninstalled with every switch on, and when a switch goes off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.change.live_state import ref_of
from bundler.loader.locate import known_names
from bundler.model.cluster import ListQuery
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.operator import BUNDLES, Operator
from tests.lib.sandboxes import closed_when_dropped

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef

SWITCHED_ON = {"microservice": {"needAuth": "true", "autoscaling.enabled": "true"}}


@pytest.mark.slow
@pytest.mark.parametrize("name", known_names([]))
def test_uninstall_leaves_what_it_names_and_nothing_else(name: str) -> None:
    clock = FakeClock()
    cluster = closed_when_dropped(SandboxClient.open(None, clock))
    operator = Operator(cluster, "prod", clock=clock, timeout_s=300)
    operator.install(BUNDLES / name, release=name, **SWITCHED_ON.get(name, {}))
    written = {change.ref for change in operator.shown[-1].plan.changes} | claims(cluster)
    assert written
    kept = {one.ref for one in operator.uninstall(name).proposal.plan.kept}
    left = {ref for ref in written if cluster.get(ref) is not None} | claims(cluster)
    assert left == kept
    assert {ref.kind for ref in left} <= {"PersistentVolumeClaim", "Secret", "CustomResourceDefinition"}


def claims(cluster: SandboxClient) -> set[ObjectRef]:
    found = cluster.list(ListQuery(kind="PersistentVolumeClaim", group="", namespace="")).items
    return {ref_of(body) for body in found}


@pytest.mark.slow
def test_a_generated_secret_that_is_switched_off_is_kept_and_taken_up_again() -> None:
    clock = FakeClock()
    cluster = closed_when_dropped(SandboxClient.open(None, clock))
    operator = Operator(cluster, "prod", clock=clock, timeout_s=300)

    def password() -> object:
        secret = operator.live("Secret", "orders")
        return secret and secret["data"]

    operator.install(BUNDLES / "microservice", "orders")
    assert password() is None, "nothing is generated that nothing asks for"
    operator.upgrade(BUNDLES / "microservice", "orders", needAuth="true")
    first = password()
    assert first
    off = operator.upgrade(BUNDLES / "microservice", "orders", needAuth="false").proposal.plan
    assert [one.ref.short for one in off.kept] == ["Secret/orders"]
    operator.upgrade(BUNDLES / "microservice", "orders", needAuth="true")
    assert password() == first
