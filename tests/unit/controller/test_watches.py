"""What rings, and whom: watches and lists of the sandbox, without a thread and without waiting."""

from __future__ import annotations

from typing import Any

import pytest

from bundler import ListQuery, ObjectRef, Payload
from bundler.controller.bells import Bells, Holding
from bundler.controller.watches import Stream
from bundler.errors.cluster import ExpiredError
from tests.lib.faulty import FaultyCluster
from tests.lib.sandboxes import open_sandbox

pytestmark = pytest.mark.medium
SHOP = ObjectRef("bundler.dev", "Release", "default", "shop")
OTHER = ObjectRef("bundler.dev", "Release", "default", "other")
CONFIGS = ListQuery(group="", kind="ConfigMap", namespace="default", metadata_only=True)
DEPLOYMENTS = ListQuery(group="apps", kind="Deployment", namespace="default", metadata_only=True)


class Rung:
    """A sandbox, and who was rung."""

    def __init__(self, query: ListQuery = CONFIGS) -> None:
        self.sandbox = open_sandbox()
        self.cluster = FaultyCluster(self.sandbox, counts=lambda verb, dry: verb in {"list", "watch"} and not dry)
        self.rung: list[tuple[ObjectRef, bool]] = []
        self.bells = Bells(lambda key, is_brief: self.rung.append((key, is_brief)))
        self.bells.hold(Holding(key=SHOP, release_uid="u-1", references=frozenset({ref("values")})))
        self.stream = Stream(self.cluster, query, self.bells.moved)

    def write(self, name: str, *, kind: str = "ConfigMap", labels: Any = (), **content: Any) -> None:
        version = "apps/v1" if kind == "Deployment" else "v1"
        meta = {"name": name, "namespace": "default", "labels": dict(labels)}
        self.sandbox.apply(Payload.of({"apiVersion": version, "kind": kind, "metadata": meta, **content}))

    def take(self) -> list[tuple[ObjectRef, bool]]:
        """List once more, and return who was rung."""
        self.rung.clear()
        self.stream.list()
        return list(self.rung)


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "default", name)


OURS = {"bundler.dev/release-uid": "u-1"}


def test_an_object_of_a_release_rings_its_order_when_it_comes_changes_and_goes() -> None:
    world = Rung()
    world.take()
    world.write("a", labels=OURS)
    assert world.take() == [(SHOP, False)]
    assert world.take() == []
    world.write("a", labels=OURS, data={"x": "1"})
    assert world.take() == [(SHOP, False)]
    world.sandbox.delete(ref("a"))
    assert world.take() == [(SHOP, False)]


def test_what_an_order_refers_to_rings_it_and_others_ring_no_one() -> None:
    world = Rung()
    world.write("values")
    world.write("something")
    world.write("b", labels={"bundler.dev/release-uid": "u-9"})
    assert world.take() == [(SHOP, False)]


def test_a_label_that_someone_takes_off_rings_for_the_release_that_lost_it() -> None:
    world = Rung(ListQuery(group="", kind="ConfigMap", namespace="default", label_selector="bundler.dev/release-uid"))
    world.write("a", labels=OURS)
    world.take()
    world.write("a")
    assert world.take() == [(SHOP, False)]


def test_a_status_that_changes_rings_for_health_alone() -> None:
    world = Rung(DEPLOYMENTS)
    container = {"name": "web", "image": "docker.io/library/web:1"}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    world.write("a", kind="Deployment", labels=OURS, spec={**spec, "replicas": 1})
    world.take()
    rung = []
    for _ in range(5):
        world.sandbox._clock.sleep(2.0)  # its controllers move when it is asked
        rung += world.take()
    assert set(rung) == {(SHOP, True)}
    world.write("a", kind="Deployment", labels=OURS, spec={**spec, "replicas": 2})
    assert (SHOP, False) in world.take()


def test_the_head_of_a_record_rings_the_order_of_its_release() -> None:
    world = Rung(ListQuery(group="", kind="Secret", namespace="default", metadata_only=True))
    world.take()
    world.write("head", kind="Secret", labels={"bundler.dev/record": "head", "bundler.dev/name": "shop"})
    world.write("pack", kind="Secret", labels={"bundler.dev/record": "pack", "bundler.dev/name": "shop"})
    world.write("else", kind="Secret", labels={"bundler.dev/record": "head", "bundler.dev/name": "else"})
    assert world.take() == [(SHOP, False)]


def test_a_watch_rings_for_what_a_list_rings_for() -> None:
    world = Rung()
    position = world.stream.list()
    world.write("a", labels=OURS)
    world.write("values")
    world.sandbox.delete(ref("a"))
    world.rung.clear()
    world.stream._round_s = 2.0
    world.stream.follow(position)
    assert world.rung == [(SHOP, False)] * 3


def test_after_410_everything_is_listed_and_what_moved_meanwhile_rings() -> None:
    world = Rung()
    position = world.stream.list()
    gone = ExpiredError("watching", context=["too old"], hint="list again")
    world.cluster.fail_when(lambda call: call.verb == "watch", before=gone)
    world.write("values")
    with pytest.raises(ExpiredError):
        world.stream.follow(position)
    assert world.take() == [(SHOP, False)]


def test_the_first_list_of_orders_is_told_at_once() -> None:
    world, first = Rung(), []
    world.write("values")
    stream = Stream(world.cluster, CONFIGS, world.bells.moved, first.append)
    assert not stream.is_listed
    stream.list()
    assert stream.is_listed
    assert world.rung == []
    assert ref("values") in first[0]


def test_an_order_that_is_gone_is_rung_no_more() -> None:
    world = Rung()
    world.bells.drop(SHOP)
    world.write("values")
    world.write("a", labels=OURS)
    assert world.take() == []
    assert world.bells.holdings == ()


def test_what_an_order_holds_is_replaced_by_what_it_holds_now() -> None:
    world = Rung()
    assert not world.bells.hold(Holding(key=SHOP, release_uid="u-1", references=frozenset({ref("values")})))
    assert world.bells.hold(Holding(key=SHOP, release_uid="u-1", references=frozenset({ref("others")})))
    world.write("values")
    world.write("others")
    assert world.take() == [(SHOP, False)]


def test_two_orders_that_refer_to_one_object_are_both_rung() -> None:
    world = Rung()
    world.bells.hold(Holding(key=OTHER, release_uid="u-2", references=frozenset({ref("values")})))
    world.write("values")
    assert sorted(world.take()) == [(OTHER, False), (SHOP, False)]
