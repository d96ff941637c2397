"""The kinds of the controller on the real API: what it takes, what it refuses, and what `kubectl get` shows of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bundler.controller.order import parse_order
from bundler.controller.status import (
    Attempt,
    AttemptResult,
    ComponentStatus,
    Condition,
    ConditionType,
    DriftStatus,
    Keeper,
    OrderStatus,
    Phase,
    Reason,
    RunningBundle,
    WaitingPlan,
)
from bundler.controller.status_body import attempt_of, drift_of, says_more, status_body
from tests.lib.controller_site import define, releases_path, table
from tests.lib.raw_api import ApiError
from tests.unit.controller.orders import DIGEST, SOURCE, order_body

if TYPE_CHECKING:
    from tests.lib.controlplane import ControlPlane

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MENUS = "/apis/bundler.dev/v1/menus"
STATUS = OrderStatus(
    observed_generation=1,
    phase=Phase.FAILED,
    conditions=(
        Condition(type=ConditionType.READY, status=False, reason=Reason.COMPONENT_NOT_READY, message="web 2/3"),
        Condition(type=ConditionType.STALLED, status=True, reason=Reason.AWAITING_APPROVAL),
    ),
    revision=7,
    bundle=RunningBundle(name="shop", version="1.4.0", digest=DIGEST),
    components=(
        ComponentStatus(name="db", status="Current", ready=1, of=1),
        ComponentStatus(name="web", status="InProgress", ready=2, of=3, message="2 of 3 replicas are ready"),
    ),
    inputs="sha256:2",
    attempt=Attempt(inputs="sha256:1", result=AttemptResult.ROLLED_BACK, at=NOW, revision=8, message="no", retry="x"),
    plan=WaitingPlan(digest=DIGEST, delete=3, why=("it deletes a volume claim",), text="-  PersistentVolumeClaim/db"),
    drift=DriftStatus(objects=("Deployment/shop-web",), corrected=3, last_at=NOW, by="kubectl-edit"),
    kept_by=Keeper(host="controller-0", version="1.0"),
)


@pytest.fixture(scope="module", autouse=True)
def _defined(control_plane: ControlPlane) -> None:
    define(control_plane)


def order(namespace: str, **more: Any) -> dict[str, Any]:
    body = order_body(**more)
    meta = {key: value for key, value in body["metadata"].items() if key in {"name", "annotations"}}
    return {**body, "metadata": {**meta, "namespace": namespace}}


def send(plane: ControlPlane, path: str, body: dict[str, Any]) -> Any:
    return plane.api("POST", f"{path}?fieldValidation=Strict", body)


def test_an_order_is_taken_and_what_is_said_of_it_is_read_back(control_plane, namespace):
    path = releases_path(namespace)
    made = send(control_plane, path, order(namespace, values={"qps": 1000, "cache": None}, keep="Warn"))
    read = parse_order(made)
    assert (read.name, read.namespace, read.generation, read.values) == (
        "shop",
        namespace,
        1,
        {"qps": 1000, "cache": None},
    )
    body = status_body(STATUS, read.status, NOW)
    written = control_plane.api("PUT", f"{path}/shop/status?fieldValidation=Strict", {**made, "status": body})
    # Whatever the controller says is kept: a field that the definition does not know would be dropped.
    assert json.loads(json.dumps(written["status"])) == json.loads(json.dumps(body))
    assert not says_more(status_body(STATUS, written["status"], datetime.now(UTC)), written["status"])
    assert attempt_of(written["status"]) == STATUS.attempt
    assert drift_of(written["status"]) == STATUS.drift
    shown = table(control_plane, path)
    assert {name: shown[name] for name in shown if name != "Age"} == {
        "Name": "shop",
        "Ready": "False",
        "Status": "Failed",
        "Components": "1/2",
        "Bundle": "shop 1.4.0",
        "Revision": 7,
        "Digest": DIGEST,
        "Message": "web 2/3",
    }
    assert written["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "a" * 54}, "at most 53 characters"),
        ({"name": "shop.v2"}, "letters, digits and hyphens only"),
        ({"bundle": {}}, "spec.bundle.source"),
        ({"bundle": {"source": "https://registry.site/shop"}}, "begins with oci:// or secret://"),
        ({"bundle": {"source": "oci://"}}, "names a repository"),
        ({"bundle": {"source": SOURCE, "digest": "sha256:abc"}}, "spec.bundle.digest"),
        ({"bundle": {"source": SOURCE, "update": "Within"}}, "needs a range"),
        ({"bundle": {"source": SOURCE, "update": "Within", "version": "^1", "digest": DIGEST}}, "allows one only"),
        ({"keep": "correct"}, "spec.keep"),
        ({"interval": "10"}, "spec.interval"),
        ({"valuesFrom": [{"kind": "Pod", "name": "x"}]}, "spec.valuesFrom[0].kind"),
        ({"dependsOn": [{"name": "db"}, {"name": "db"}]}, "Duplicate value"),
        ({"sevice": "typo"}, 'unknown field "spec.sevice"'),
    ],
)
def test_the_server_refuses_an_order_that_cannot_be_carried_out(control_plane, namespace, more, said):
    with pytest.raises(ApiError) as caught:
        send(control_plane, releases_path(namespace), order(namespace, **more))
    assert caught.value.status in {400, 422}
    assert said in caught.value.body.replace("\\", "")


def test_nothing_that_an_order_leaves_out_is_filled_in_by_the_server(control_plane, namespace):
    made = send(control_plane, releases_path(namespace), order(namespace))
    assert made["spec"] == order_body()["spec"]


def test_the_server_checks_menus(control_plane, namespace):
    menu = {
        "apiVersion": "bundler.dev/v1",
        "kind": "Menu",
        "metadata": {"name": f"{namespace}.acme.example"},
        "spec": {"bundle": {"source": SOURCE, "digest": DIGEST}, "version": "v1", "serviceAccountName": "shop"},
    }
    path = f"{MENUS}?dryRun=All&fieldValidation=Strict"
    assert control_plane.api("POST", path, menu)["spec"] == menu["spec"]
    for broken in (
        {**menu, "metadata": {"name": "shops"}},
        {**menu, "spec": {**menu["spec"], "version": "1"}},
        {**menu, "spec": {**menu["spec"], "bundle": {"source": "secret://x"}}},
        {**menu, "spec": {**menu["spec"], "defaults": {"keep": "Sometimes"}}},
    ):
        with pytest.raises(ApiError) as caught:
            control_plane.api("POST", path, broken)
        assert caught.value.status == 422
