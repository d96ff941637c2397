"""A site where orders are made of orders: three menus in a registry, and a whole controller in threads of the test."""

from __future__ import annotations

import io
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bundler import ListQuery, Payload
from bundler.actions.acquire.push import push
from bundler.archive.writer import pack_files
from bundler.controller.accounts import Accounts
from bundler.controller.carry_out import Place, carry_out
from bundler.controller.definitions import all_definitions
from bundler.controller.keeping import ReleaseKeeping, Settings
from bundler.controller.order import parse_order
from bundler.controller.process import Shard
from bundler.controller.status import Keeper
from bundler.errors import BundlerError
from bundler.library.network import NetworkRules
from bundler.model.oci import OciAddress
from bundler.model.refs import ObjectRef, ref_of
from bundler.syntax.reader import read_documents
from tests.lib.bundles import load_from, make_bundle
from tests.lib.keeping import instruments
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.sessions import session_on
from tests.unit.oci.support import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bundler import ClusterClient
    from bundler.controller.changes import Outcome, WantedChange
    from bundler.model.json import Body
    from bundler.ports import Clock

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-run"}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: "{{ release.name }}"}}
  template:
    metadata: {labels: {app: "{{ release.name }}"}}
    spec: {containers: [{name: run, image: docker.io/library/run:1}]}
"""


def ordering(kind: str, group: str, spec: str) -> str:
    """Return a template that orders an object of a menu's kind."""
    name = "{{ release.name }}-" + kind.lower()
    return f'apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: "{name}"}}\nspec: {spec}\n'


class InThread:
    """One change in a thread of the test."""

    def __init__(self, wanted: WantedChange, carry_out_it: Callable[[WantedChange], Outcome]) -> None:
        self.wanted, self.ended, self._carry_out = wanted, threading.Event(), carry_out_it

    def run(self) -> Outcome:
        return self._carry_out(self.wanted)

    def interrupt(self) -> None:
        """Let it come to its end."""


class OrderingSite:
    """Everything that orders of orders need in one namespace, and one room for changes of each depth."""

    at_once = 1

    def __init__(self, cluster: ClusterClient, clock: Clock, namespace: str, folder: Path) -> None:
        self.cluster, self.clock, self.namespace, self.folder = cluster, clock, namespace, folder
        self.group = f"{namespace}.example"
        """Of its own: a definition that is being deleted is in the way of one of the same name."""
        self.log = io.StringIO()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Run a registry and a controller."""
        for body in read_documents(all_definitions()):
            self.apply(body.value)  # type: ignore[arg-type]
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.apply(self._named("v1", "ServiceAccount", "cook"))
        with QuirkyRegistry() as registry:
            self._host = registry.host
            self.session = session_on(
                self.cluster,
                self.clock,
                self.namespace,
                rules=NetworkRules(insecure_http=frozenset({registry.host})),
            )
            keeping = self._keeping()
            keeping.start()
            try:
                yield
            finally:
                keeping.close()
                self.session.close()

    def child(self, wanted: WantedChange, _: object) -> InThread:
        """Return a change, as :class:`bundler.controller.children.Start` does."""
        return InThread(wanted, self._carry_out)

    def offer(self, kind: str, files: dict[str, Any], **more: Any) -> None:
        """Push a bundle that is ordered as a kind, and write its Menu."""
        name = kind.lower()
        menu = {"group": self.group, "kind": kind, "plural": f"{name}s"}
        schema = {"type": "object", "properties": {key: {"type": "integer"} for key in files["values.yaml"]}}
        content = {"values.schema.json": json.dumps(schema), **files}
        bundle = load_from(make_bundle(self.folder / name, content, name=name, menu=menu, **more))
        source = f"oci://{self._host}/bundles/{name}"
        push(
            client(self._host, is_writing=True),
            bundle,
            pack_files(bundle.files.values(), top=name),
            OciAddress.parse(source),
        )
        spec = {
            "bundle": {"source": source, "version": "1.0.0", "digest": bundle.digest},
            "version": "v1",
            "serviceAccountName": "cook",
            "defaults": {"timeout": "10m"},
        }
        body = {"apiVersion": "bundler.dev/v1", "kind": "Menu", "metadata": {"name": f"{name}s.{self.group}"}}
        self.apply({**body, "spec": spec})

    def order(self, kind: str, name: str, **spec: Any) -> None:
        """Apply an object of a menu's kind."""
        self.apply({**self._named(f"{self.group}/v1", kind, name), "spec": spec})

    def key(self, kind: str, name: str) -> ObjectRef:
        return ObjectRef(self.group, kind, self.namespace, name)

    def find(self, kind: str, name: str) -> Any:
        """Return an order; an empty one where there is none."""
        return self.cluster.get(self.key(kind, name)) or {}

    def condition(self, kind: str, name: str, which: str = "Ready") -> tuple[str, str]:
        """Return status and message of a condition that is about the order as it is now."""
        body = self.find(kind, name)
        status, generation = body.get("status", {}), body.get("metadata", {}).get("generation")
        found = {one["type"]: one for one in status.get("conditions", ())}.get(which, {})
        is_new = status.get("observedGeneration") == generation
        return (found.get("status", ""), found.get("message", "")) if is_new else ("", "")

    def names(self, kind: str, group: str = "", label: str = "") -> set[str]:
        query = ListQuery(group=group, kind=kind, namespace=self.namespace, label_selector=label)
        return {ref_of(one).name for one in self.cluster.list(query).items}

    def said(self) -> list[dict[str, Any]]:
        """Return the log of the controller."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def wait(self, is_so: Callable[[], object], what: str, within_s: float = 600.0) -> None:
        """Wait until something is so."""
        end_s = self.clock.monotonic() + within_s
        while not is_so():
            assert self.clock.monotonic() < end_s, f"not within {within_s:.0f} s: {what}\n{self.log.getvalue()}"
            self.clock.sleep(0.1)

    def apply(self, body: Body) -> None:
        """Apply an object as kubectl does, once its kind is served."""

        def applied() -> bool:
            try:
                self.cluster.apply(Payload.of(body, manager="kubectl"), is_forced=True)
            except BundlerError:
                self.cluster.forget_discovery()
                return False
            return True

        self.wait(applied, f"{ref_of(body).short} is applied")

    def _named(self, api_version: str, kind: str, name: str) -> dict[str, Any]:
        meta = {"name": name, "namespace": self.namespace}
        return {"apiVersion": api_version, "kind": kind, "metadata": meta}

    def _keeping(self) -> ReleaseKeeping:
        settings = Settings(
            namespaces=(self.namespace,),
            shard=Shard(),
            launch=self,
            default_account="",
            needs_account=True,
            keeper=Keeper(host="here", version="1"),
            redact=str,
        )
        observed = instruments(self.clock, self.log)
        return ReleaseKeeping(self.session, Accounts(lambda _: self.session), observed, settings)

    def _carry_out(self, wanted: WantedChange) -> Outcome:
        timeout_s = parse_order(wanted.body).timeout_s
        rules = NetworkRules(insecure_http=frozenset({self._host}))
        with session_on(self.cluster, self.clock, self.namespace, timeout_s=timeout_s, rules=rules) as session:
            return carry_out(wanted, Place(tenant=session, own=session, namespace=self.namespace))
