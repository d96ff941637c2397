"""What shipped bundles keep: installed and uninstalled with every switch on, and when a switch goes off."""

from __future__ import annotations

import pytest

from bundler.loader.locate import known_names
from bundler.model.cluster import ListQuery
from bundler.model.refs import ObjectRef, ref_of
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.operator import BUNDLES, Operator
from tests.lib.sandboxes import closed_when_dropped

KEPT_KINDS = ("Namespace", "PersistentVolumeClaim", "Secret", "CustomResourceDefinition")
OF_A_NAMESPACE = ("default", "kube-root-ca.crt")
SWITCHED_ON = {"microservice": {"needAuth": "true", "autoscaling.enabled": "true"}}


@pytest.mark.slow
@pytest.mark.parametrize("name", known_names([]))
def test_uninstall_leaves_what_it_names_and_nothing_else(name: str) -> None:
    clock = FakeClock()
    cluster = closed_when_dropped(SandboxClient.open(None, clock))
    operator = Operator(cluster, "prod", clock=clock, timeout_s=300)
    before = everything(cluster)
    operator.install(BUNDLES / name, release=name, **SWITCHED_ON.get(name, {}))
    kept = {one.ref for one in operator.uninstall(name).proposal.plan.kept}
    left = everything(cluster) - before
    assert left == kept
    assert ObjectRef("", "Namespace", "", "prod") in left, "the namespace of the release was made for it"
    assert {ref.kind for ref in left} <= {*KEPT_KINDS}


def everything(cluster: SandboxClient) -> set[ObjectRef]:
    """Return all that is in the cluster but for what comes with a namespace or a claim, and what was said of pods."""
    kinds = {(one.group, one.kind) for one in cluster.resource_types()}
    lists = (cluster.list(ListQuery(kind=kind, group=group, namespace="")).items for group, kind in kinds)
    refs = {ref_of(body) for items in lists for body in items}
    return {one for one in refs if one.kind not in {"Event", "PersistentVolume"} and one.name not in OF_A_NAMESPACE}


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
