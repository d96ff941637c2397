"""Orders that are made of orders, kept by one controller that may carry out one change of each depth at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import Payload
from bundler.controller import queue, watches
from bundler.model.orders import with_note
from bundler.model.refs import ObjectRef
from bundler.syntax.reader import read_document
from tests.lib.bundles import make_bundle
from tests.lib.clocks import QuickClock
from tests.lib.keeping import kept_at
from tests.lib.ordering_site import WORKLOAD, OrderingSite, ordering
from tests.lib.sandboxes import open_sandbox
from tests.lib.widgets import definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OrderingSite]:
    """A site on the sandbox, where time passes quickly."""
    for place, name in ((queue, "_NAP_S"), (watches, "POLL_S"), (watches, "AFTER_ERROR_S")):
        monkeypatch.setattr(place, name, 0.05)
    clock = QuickClock()
    yield from _site(OrderingSite(open_sandbox(clock), clock, "prod", tmp_path))


def _site(made: OrderingSite) -> Iterator[OrderingSite]:
    """A site with the menus of a database, of a web application, and of a shop that is made of both."""
    with made.open():
        made.offer("Database", {"values.yaml": {"replicas": 1}, "templates/run.yaml": WORKLOAD})
        made.offer("WebApp", {"values.yaml": {"replicas": 1}, "templates/run.yaml": WORKLOAD})
        made.offer("Shop", shop_files(made.group), components=COMPONENTS, derive=DERIVE)
        yield made
    for name in ("databases", "webapps", "shops"):
        for group, kind in (("bundler.dev", "Menu"), ("apiextensions.k8s.io", "CustomResourceDefinition")):
            made.cluster.delete(ObjectRef(group, kind, "", f"{name}.{made.group}"))


COMPONENTS = [{"name": "db", "bundle": "./db"}, {"name": "web", "bundle": "./web", "needs": ["db"]}]
DERIVE = {"web.replicas": "(values.qps / 500) | ceil"}


def shop_files(group: str) -> dict[str, object]:
    return {
        "values.yaml": {"qps": 500},
        "db/bundle.yaml": bundle_yaml("db"),
        "db/templates/order.yaml": ordering("Database", group, "{replicas: 1}"),
        "web/bundle.yaml": bundle_yaml("web"),
        "web/values.yaml": {"replicas": 1},
        "web/templates/order.yaml": ordering("WebApp", group, "{replicas: {{ values.replicas }}}"),
    }


def bundle_yaml(name: str) -> dict[str, object]:
    return {"apiVersion": "bundler.dev/v1", "kind": "Bundle", "metadata": {"name": name, "version": "1.0.0"}}


@pytest.mark.slow
def test_a_shop_is_made_of_orders_is_ready_when_they_are_and_goes_with_all_of_them(site: OrderingSite) -> None:
    def is_ready() -> bool:
        return site.condition("Shop", "shop")[0] == "True"

    site.order("Shop", "shop", qps=1000)
    site.wait(is_ready, "the shop is ready")
    assert site.condition("Database", "shop-database")[0] == site.condition("WebApp", "shop-webapp")[0] == "True"
    assert site.find("WebApp", "shop-webapp")["spec"] == {"replicas": 2}
    site.order("Shop", "shop", qps=2000)
    site.wait(is_ready, "the larger shop is ready")
    assert site.find("WebApp", "shop-webapp")["spec"] == {"replicas": 4}
    site.cluster.fail("Deployment", "shop-webapp-run", "CrashLoopBackOff", "prod")  # type: ignore[attr-defined]
    site.wait(lambda: site.condition("Shop", "shop")[0] == "False", "what is broken in an order is said of the shop")
    assert "WebApp/shop-webapp" in site.condition("Shop", "shop")[1]
    assert site.condition("Database", "shop-database")[0] == "True"
    site.cluster.heal("Deployment", "shop-webapp-run", "prod")  # type: ignore[attr-defined]
    site.wait(is_ready, "the shop is ready again")
    site.cluster.delete(site.key("Shop", "shop"))
    site.wait(lambda: not site.find("Shop", "shop"), "the shop is gone")
    assert site.names("Release", "bundler.dev") == site.names("Deployment", "apps") == set()
    over = [one["release"] for one in site.said() if one.get("change") == "uninstall"]
    assert over == ["shop-webapp", "shop-database", "shop"]


@pytest.fixture
def kept(failing_sandbox: World, tmp_path: Path) -> Kept:
    """A controller that keeps Releases, on the sandbox."""
    made = kept_at(failing_sandbox.cluster, failing_sandbox.operator.clock, "prod", tmp_path)
    made.cluster.apply(Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}))
    made.put("ServiceAccount", "cook")
    return made


def publish(kept: Kept, bundle: str, inner: str, **spec: object) -> None:
    """Put a bundle into a Secret that renders a Release."""
    body = {
        "apiVersion": "bundler.dev/v1",
        "kind": "Release",
        "metadata": {"name": inner},
        "spec": {"bundle": {"source": f"secret://{bundle}"}, **spec},
    }
    kept.publish(make_bundle(kept.scratch / inner[-1], {"templates/order.yaml": body}, name=bundle), bundle)


def test_a_bundle_that_orders_itself_is_refused_at_the_first_order_that_comes_of_it(kept: Kept) -> None:
    publish(kept, "one", "{{ release.name }}-x")
    kept.order(serviceAccountName="cook", timeout="20s")
    kept.look()
    inner = kept.settle("shop-x")
    said = inner["conditions"]["Stalled"]
    assert said["reason"] == "OrderInvalid"
    assert (
        "an order above it is of the same bundle, so that there would be no end: Release/shop → Release/shop-x"
        in (said["message"])
    )
    assert "Release/shop-x" in kept.settle()["conditions"]["Ready"]["message"]
    assert "shop-x-x" not in kept.names("Release", "bundler.dev")


def test_a_bundle_that_renders_the_order_of_its_own_release_is_refused(kept: Kept) -> None:
    publish(kept, "one", "{{ release.name }}")
    kept.order(serviceAccountName="cook")
    assert "Release/shop" in kept.settle()["conditions"]["Stalled"]["message"]
    assert kept.session.orders(release="shop")


def test_a_deletion_that_would_lose_data_waits_for_an_approval_of_its_own(kept: Kept) -> None:
    define(kept)
    kept.publish(make_bundle(kept.scratch, {"templates/widget.yaml": WIDGET}), "one")
    key = kept.order(serviceAccountName="cook", timeout="20s")
    kept.settle()
    kept.cluster.delete(key)
    status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "AwaitingApproval"
    assert status["plan"]["why"] == [
        "data or an address may be lost with these, and cannot be recovered:",
        "delete Widget/shop",
    ]
    body = kept.cluster.get(key)
    kept.cluster.replace(Payload.of(with_note(body, "bundler.dev/approve", status["plan"]["digest"])))  # type: ignore[arg-type]
    kept.settle()
    assert kept.cluster.get(key) is None
    assert kept.names("Widget", "widgets.example") == set()


WIDGET = {"apiVersion": "widgets.example/v1", "kind": "Widget", "metadata": {"name": "{{ release.name }}"}, "spec": {}}


def define(kept: Kept) -> None:
    """Define a kind that Kubernetes does not know."""
    body = read_document(definition("widgets.example")).value
    kept.cluster.apply(Payload.of(body, manager="kubectl"))  # type: ignore[arg-type]
    while kept.cluster.resource_type("widgets.example", "Widget") is None:
        kept.clock.sleep(0.2)
        kept.cluster.forget_discovery()
