"""Kinds that bundles are ordered as: served from a menu in a registry, on the sandbox and on the real API."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler import ListQuery, Payload
from bundler.actions.acquire.push import push
from bundler.archive.writer import pack_files
from bundler.controller.accounts import Accounts
from bundler.controller.definitions import definition
from bundler.controller.menus.keeping import MenuKeeping
from bundler.controller.menus.serve import SOON_S, Serving
from bundler.controller.orders import Orders, ReleaseOrders
from bundler.errors.cluster import UnknownKindError
from bundler.library.network import NetworkRules
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.oci import OciAddress
from bundler.model.refs import ObjectRef
from bundler.syntax.reader import read_document
from tests.lib.bundles import load_from, make_bundle
from tests.lib.editing import edit_until_accepted
from tests.lib.keeping import instruments, kept_at
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.sessions import session_on
from tests.unit.oci.support import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-config"}
data: {text: {{ values.text | quote }}, size: {{ (values.qps // 100) | string | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ release.name }}-token"}
stringData: {token: {{ values.token | quote }}}
"""


def schema(most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "qps": {"type": "integer", "minimum": 1, "maximum": most},
            "text": {"type": "string"},
            "token": {"type": "string", "writeOnly": True},
        },
        "additionalProperties": False,
    }


class Site:
    """A registry with a bundle, a controller that serves menus and keeps releases, and one namespace."""

    def __init__(self, kept: Kept, registry: QuirkyRegistry, folder: Path) -> None:
        self.kept, self.registry, self.folder = kept, registry, folder
        self.client = client(registry.host, is_writing=True)
        self.group = f"{kept.namespace}.example"
        """Of its own: a definition that is being deleted is in the way of one of the same name."""
        self.source = f"oci://{registry.host}/bundles/shop"
        rules = NetworkRules(insecure_http=frozenset({registry.host}))
        kept.session = session_on(kept.cluster, kept.clock, kept.namespace, rules=rules)
        kept.open_as = lambda _: kept.session
        kept.restart()
        kept.cluster.apply(Payload.of(read_document(definition("menu")).value, manager="kubectl"))  # type: ignore[arg-type]
        self.begin()

    def begin(self) -> None:
        """Begin as a new process would."""
        kept = self.kept
        serving = Serving(
            own=kept.session,
            accounts=Accounts(kept.open_as),
            orders=Orders(kept.cluster, kept.clock, ReleaseOrders([kept.namespace])),
            clock=kept.clock,
        )
        self.menus = MenuKeeping(serving, instruments(kept.clock, io.StringIO()), namespaces=(kept.namespace,))

    def _patiently(self, call: Callable[[], object]) -> None:
        """Repeat a call until its kind is served, and nothing is on its way: an API server takes a moment."""
        for _ in range(100):
            try:
                if call():
                    return
            except UnknownKindError:
                self.kept.cluster.forget_discovery()
                self.kept.cluster.resource_types()  # the embedded cluster moves when it is asked
            self.kept.clock.sleep(0.2)
        raise AssertionError("it does not settle")

    def publish(self, version: str, *, most: int = 2000, qps: int = 200) -> str:
        """Push a version of the bundle; return its digest."""
        files = {
            "values.yaml": {"qps": qps, "text": "hello", "token": ""},
            "values.schema.json": json.dumps(schema(most)),
            "templates/config.yaml": CONFIG,
        }
        menu = {"group": self.group, "kind": "Shop", "plural": "shops"}
        bundle = load_from(make_bundle(self.folder / version, files, name="shop", version=version, menu=menu))
        push(self.client, bundle, pack_files(bundle.files.values(), top="shop"), OciAddress.parse(self.source))
        return bundle.digest

    def offer(self, version: str, digest: str, *, served: str = "v1", **more: Any) -> dict[str, Any]:
        """Write the menu, and let it be looked at; return its status."""
        spec = {
            "bundle": {"source": self.source, "version": version, "digest": digest},
            "version": served,
            "serviceAccountName": "shop",
            **more,
        }
        body = {
            "apiVersion": "bundler.dev/v1",
            "kind": "Menu",
            "metadata": {"name": f"shops.{self.group}"},
            "spec": spec,
        }
        self._patiently(lambda: self.kept.cluster.apply(Payload.of(body, manager="kubectl"), is_forced=True))
        key = ObjectRef("bundler.dev", "Menu", "", f"shops.{self.group}")
        self._patiently(lambda: (self.menus.look(key) or 0.0) >= SOON_S)
        return self.kept.cluster.get(key)["status"]  # type: ignore[index, return-value]

    @property
    def key(self) -> ObjectRef:
        return ObjectRef(self.group, "Shop", self.kept.namespace, "shop")

    def order(self, **spec: Any) -> dict[str, Any]:
        """Order by the menu's kind, and let everything settle; return what the order says."""
        meta = {"name": "shop", "namespace": self.kept.namespace}
        body = {"apiVersion": f"{self.group}/v1", "kind": "Shop", "metadata": meta, "spec": spec}
        self._patiently(lambda: self.kept.cluster.apply(Payload.of(body, manager="kubectl"), is_forced=True))
        return self.settle()

    def settle(self) -> dict[str, Any]:
        self.menus.look(self.key)
        self.kept.settle()
        self.kept.clock.sleep(1.1)
        self.menus.look(self.key)
        return (self.kept.cluster.get(self.key) or {}).get("status", {})  # type: ignore[return-value]

    @property
    def config(self) -> dict[str, str]:
        return self.kept.cluster.get(ObjectRef("", "ConfigMap", self.kept.namespace, "shop-config"))["data"]  # type: ignore[index, return-value]


@pytest.fixture
def site(failing_sandbox: World, tmp_path: Path) -> Iterator[Site]:
    """A site on the sandbox."""
    yield from _site(failing_sandbox, tmp_path)


@pytest.fixture
def anywhere(failing_world: World, tmp_path: Path) -> Iterator[Site]:
    """The same on the sandbox, and on the real API."""
    yield from _site(failing_world, tmp_path)


def _site(world: World, scratch: Path) -> Iterator[Site]:
    kept = kept_at(world.cluster, world.operator.clock, world.operator.namespace, scratch)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kept.namespace}}
    kept.cluster.apply(Payload.of(body, manager="kubectl"))
    kept.put("ServiceAccount", "shop")
    with QuirkyRegistry() as registry:
        made = Site(kept, registry, scratch)
        yield made
        kept.session.close()
    for group, kind in (("bundler.dev", "Menu"), ("apiextensions.k8s.io", "CustomResourceDefinition")):
        kept.cluster.delete(ObjectRef(group, kind, "", f"shops.{made.group}"))


def ready(status: dict[str, Any]) -> tuple[str, str]:
    found = {one["type"]: one for one in status["conditions"]}
    stalled = found.get("Stalled", {}).get("reason", "")
    return found["Ready"]["status"], stalled


def test_a_kind_is_ordered_by_one_number(anywhere: Site) -> None:
    told = anywhere.offer("1.0.0", anywhere.publish("1.0.0"))
    assert (told["kind"], ready(told)) == ("Shop", ("True", ""))
    status = anywhere.order(qps=1000)
    assert (ready(status), status["revision"], status["observedGeneration"]) == (("True", ""), 1, 1)
    assert anywhere.config == {"text": "hello", "size": "10"}
    assert anywhere.order(qps=1500)["revision"] == 2
    assert anywhere.config["size"] == "15"


def test_what_is_secret_comes_from_a_secret_that_the_order_names(site: Site) -> None:
    site.offer("1.0.0", site.publish("1.0.0"))
    site.kept.put("Secret", "mine", stringData={"token": "a-long-secret-token"})
    status = site.order(qps=100, tokenFrom={"name": "mine", "key": "token"})
    assert ready(status) == ("True", "")
    release = site.kept.cluster.get(ObjectRef("bundler.dev", "Release", site.kept.namespace, "shop"))
    assert "a-long-secret-token" not in str(release)
    made = site.kept.cluster.get(ObjectRef("", "Secret", site.kept.namespace, "shop-token"))
    assert made["data"]["token"] == "YS1sb25nLXNlY3JldC10b2tlbg=="  # type: ignore[index]


def test_a_schema_that_live_orders_do_not_fit_is_not_served(site: Site) -> None:
    site.offer("1.0.0", site.publish("1.0.0"))
    site.order(qps=1500)
    digest = site.publish("2.0.0", most=1000)
    told = site.offer("2.0.0", digest)
    assert ready(told) == ("False", "ValuesInvalid")
    assert told["invalid"] == [
        f"{site.kept.namespace}/shop: /qps: 1500 is more than the maximum of 1000  (the values given)"
    ]
    assert told["bundle"]["version"] == "1.0.0"
    assert site.order(qps=1600)["revision"] == 2
    site.begin()
    site.offer("2.0.0", digest)
    assert site.order(qps=1700)["revision"] == 3


def test_orders_stay_on_the_bundle_that_they_run_until_it_is_approved(site: Site) -> None:
    site.offer("1.0.0", site.publish("1.0.0"))
    site.order(qps=100)
    digest = site.publish("1.1.0", qps=300)
    site.offer("1.1.0", digest)
    assert site.settle()["bundle"]["version"] == "1.0.0"
    notes = {"bundler.dev/approve": digest}
    edit_until_accepted(
        site.kept.cluster,
        site.key,
        lambda body: {**body, "metadata": {**body["metadata"], "annotations": notes}},
        manager=FIELD_MANAGER,
    )
    assert site.settle()["bundle"]["version"] == "1.1.0"


def test_a_menu_of_another_version_or_name_than_its_bundle_says_is_refused(site: Site) -> None:
    told = site.offer("1.0.0", site.publish("1.0.0"), served="v2")
    assert ready(told) == ("False", "Contested")
    assert told["conditions"][0]["message"] == f"the bundle is ordered as shops.{site.group} in version v1"


def test_a_quiet_order_writes_nothing_and_a_changed_release_is_put_right(site: Site) -> None:
    site.offer("1.0.0", site.publish("1.0.0"))
    site.order(qps=100)
    key = ObjectRef("bundler.dev", "Release", site.kept.namespace, "shop")
    before = site.kept.cluster.get(key), site.kept.cluster.get(site.key)
    site.settle()
    assert (site.kept.cluster.get(key), site.kept.cluster.get(site.key)) == before
    edit_until_accepted(site.kept.cluster, key, lambda body: {**body, "spec": {**body["spec"], "values": {"qps": 7}}})
    site.settle()
    assert site.kept.cluster.get(key)["spec"]["values"] == {"qps": 100}  # type: ignore[index]


def test_a_deleted_order_takes_its_release_with_it(anywhere: Site) -> None:
    anywhere.offer("1.0.0", anywhere.publish("1.0.0"))
    anywhere.order(qps=100)
    anywhere.kept.cluster.delete(anywhere.key)
    for _ in range(3):
        anywhere.settle()
    assert anywhere.kept.cluster.get(anywhere.key) is None
    query = ListQuery(
        group="", kind="ConfigMap", namespace=anywhere.kept.namespace, label_selector="bundler.dev/release-uid"
    )
    assert not anywhere.kept.cluster.list(query).items


def test_a_release_that_someone_else_ordered_is_left_to_them(site: Site) -> None:
    site.offer("1.0.0", site.publish("1.0.0"))
    site.kept.order(bundle={"source": site.source, "version": "1.0.0"}, values={"qps": 50})
    site.kept.settle()
    status = site.order(qps=100)
    assert ready(status) == ("False", "Contested")
    assert site.config["size"] == "0"
