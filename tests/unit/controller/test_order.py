"""What is read of an order, and what of it cannot be used."""

from __future__ import annotations

import pytest

from bundler.controller.order import (
    AfterFailure,
    BundleSource,
    Deletion,
    Keep,
    Update,
    ValuesSource,
    parse_order,
)
from bundler.errors.change import OrderInvalidError
from bundler.model.refs import ObjectRef
from tests.unit.controller.orders import DIGEST, SOURCE, order_body


def problems_of(body):
    with pytest.raises(OrderInvalidError) as caught:
        parse_order(body)
    return list(caught.value.context)


def test_what_an_order_leaves_out_has_the_defaults_of_the_controller():
    order = parse_order(order_body())
    assert (order.namespace, order.name, order.uid, order.generation) == ("prod", "shop", "u-1", 4)
    assert order.ref == ObjectRef("bundler.dev", "Release", "prod", "shop")
    assert order.bundle == BundleSource(source=SOURCE, version="1.4.0")
    assert (order.keep, order.after_failure, order.deletion) == (Keep.CORRECT, AfterFailure.HOLD, Deletion.UNINSTALL)
    assert (order.interval_s, order.timeout_s, order.history_max, order.site) == (600.0, 600.0, 10, "default")
    assert [order.is_suspended, order.is_deleted, order.is_protected, order.has_finalizer] == [False] * 4


def test_every_field_of_an_order_is_read():
    body = order_body(
        bundle={"source": "secret://shop-bundle", "digest": DIGEST, "update": "Pinned"},
        values={"qps": 1000},
        valuesFrom=[{"kind": "ConfigMap", "name": "a"}, {"kind": "Secret", "name": "b", "key": "v", "optional": True}],
        site="acme",
        serviceAccountName="shop-deployer",
        keep="Warn",
        ignore=[
            {"target": {"kind": "Deployment", "name": "shop-*"}, "paths": [".spec.replicas", "/spec/paused"]},
            {"target": {"kind": "Service"}, "paths": ["/spec/ports/0/port"]},
            {"paths": ["/metadata/labels/app.kubernetes.io~1name"]},
        ],
        suspend=True,
        interval="1h30m",
        timeout="90s",
        onFailure="RollBack",
        deletion="Orphan",
        dependsOn=[{"name": "db"}],
        historyMax=3,
    )
    order = parse_order(body)
    assert order.bundle.secret == "shop-bundle"
    assert (order.bundle.digest, order.bundle.update) == (DIGEST, Update.PINNED)
    assert order.values == {"qps": 1000}
    assert order.values_from == (
        ValuesSource(kind="ConfigMap", name="a"),
        ValuesSource(kind="Secret", name="b", key="v", is_optional=True),
    )
    assert order.ignored == (
        "Deployment/shop-*:.spec.replicas",
        "Deployment/shop-*:.spec.paused",
        "Service:.spec.ports[*].port",
        ".metadata.labels.app.kubernetes.io/name",
    )
    assert (order.site, order.service_account, order.keep) == ("acme", "shop-deployer", Keep.WARN)
    assert (order.interval_s, order.timeout_s, order.history_max) == (5400.0, 90.0, 3)
    assert (order.after_failure, order.deletion) == (AfterFailure.ROLL_BACK, Deletion.ORPHAN)
    assert order.depends_on == ("db",)
    assert order.is_suspended


def test_a_range_is_for_bundles_of_a_registry():
    ranged = {"version": "~1.4", "update": "Within"}
    assert parse_order(order_body(bundle={"source": SOURCE, **ranged})).bundle.update is Update.WITHIN
    with pytest.raises(OrderInvalidError, match="reading Release/shop"):
        parse_order(order_body(bundle={"source": "secret://x", **ranged}))


def test_annotations_are_the_knobs_of_an_order():
    notes = {f"bundler.dev/{key}": "true" for key in ("suspend", "protect")}
    order = parse_order(order_body(annotations={**notes, "bundler.dev/approve": DIGEST, "bundler.dev/retry": "again"}))
    assert order.is_suspended
    assert order.is_protected
    assert (order.approves, order.retry) == (DIGEST, "again")


@pytest.mark.parametrize("token", ["x" * 10_000, "π" * 100])
def test_a_token_that_has_no_room_in_the_status_is_known_by_its_digest(token):
    first, second = (parse_order(order_body(annotations={"bundler.dev/retry": text})) for text in (token, token + "!"))
    assert len(first.retry) < 100
    assert first.retry != second.retry


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"bundle": {}}, ".spec.bundle.source"),
        ({"bundle": {"source": "oci://"}}, ".spec.bundle.source"),
        ({"bundle": {"source": "secret://"}}, ".spec.bundle.source"),
        ({"bundle": {"source": "https://x/y"}}, ".spec.bundle.source"),
        ({"bundle": {"source": "/etc/passwd"}}, ".spec.bundle.source"),
        ({"bundle": {"source": SOURCE, "digest": "sha256:abc"}}, ".spec.bundle.digest"),
        ({"bundle": {"source": SOURCE, "update": "Sometimes"}}, ".spec.bundle.update"),
        ({"keep": "correct"}, ".spec.keep"),
        ({"onFailure": "Rollback"}, ".spec.onFailure"),
        ({"deletion": "Keep"}, ".spec.deletion"),
        ({"interval": "10"}, ".spec.interval"),
        ({"interval": "0s"}, ".spec.interval"),
        ({"interval": "400d"}, ".spec.interval"),
        ({"timeout": "soon"}, ".spec.timeout"),
        ({"timeout": "9" * 400 + "d"}, ".spec.timeout"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_field(spec, field):
    (problem,) = problems_of(order_body(**spec))
    assert problem.startswith(f"{field}: ")


@pytest.mark.parametrize("name", ["a" * 54, "shop.v2", "Shop"])
def test_a_name_that_no_release_can_have_is_refused(name):
    (problem,) = problems_of(order_body(name=name))
    assert problem.startswith(".metadata.name: ")


def test_all_problems_of_an_order_are_said_at_once():
    body = order_body(
        name="shop.v2", bundle={"source": "x", "digest": "y", "update": "z"}, keep="a", interval="b", onFailure="c"
    )
    assert [line.partition(": ")[0] for line in problems_of(body)] == [
        ".spec.bundle.source",
        ".spec.bundle.digest",
        ".spec.bundle.update",
        ".metadata.name",
        ".spec.keep",
        ".spec.interval",
        ".spec.onFailure",
    ]


def test_no_order_is_compared_again_and_again_without_a_pause():
    assert parse_order(order_body(interval="1s")).interval_s == 5.0
