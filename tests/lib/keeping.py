"""A controller in the process of a test: its reconciles are asked for one by one, its changes end at once."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Self

from bundler import ListQuery, Payload
from bundler.actions.acquire.trust import signature_path
from bundler.actions.delivery.sign import sign_archive
from bundler.archive.writer import write_archive
from bundler.controller.accounts import Account, Accounts
from bundler.controller.carry_out import Place, carry_out, fetch_timeout_s
from bundler.controller.changes import Work
from bundler.controller.definitions import definition
from bundler.controller.family import Families
from bundler.controller.log import Log, LogSettings, LogStream
from bundler.controller.loop import Loop, LoopSettings
from bundler.controller.metrics import Metrics
from bundler.controller.order import parse_order
from bundler.controller.orders import Orders, ReleaseOrders
from bundler.controller.process import Instruments
from bundler.controller.pulse import Pulse
from bundler.controller.reconcile import Keeping, Reconciler
from bundler.controller.status import Keeper
from bundler.controller.versions import Versions
from bundler.model.refs import ObjectRef
from bundler.syntax.reader import read_document
from bundler.syntax.writer import dump_yaml
from tests.lib.bundles import load_from
from tests.lib.inline_changes import InlineChanges
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler import ClusterClient, Session
    from bundler.controller.changes import Changes, Outcome, WantedChange
    from bundler.controller.news import News
    from bundler.ports import Clock
    from bundler.signing.sign import KeySigner

DEFINITION = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "releases.bundler.dev")


class Kept:
    """A namespace whose orders are kept."""

    def __init__(self, cluster: ClusterClient, clock: Clock, namespace: str, scratch: Path) -> None:
        self.cluster, self.clock, self.namespace, self.scratch = cluster, clock, namespace, scratch
        self.open_as: Callable[[Account], Session] = lambda account: session_on(
            cluster, clock, namespace, timeout_s=account.timeout_s
        )
        self.world: Any = None
        """The cluster's other users."""
        self.rung: set[ObjectRef] = set()
        self.outcomes: list[Outcome] = []
        self.news: list[News] = []
        """What no status says any more."""
        self.session: Session = session_on(cluster, clock, namespace)
        self.restart()

    def restart(self, changes: Changes | None = None) -> None:
        """Begin as a new process would: what was remembered is gone."""
        orders = Orders(self.cluster, self.clock, ReleaseOrders([self.namespace]))
        changes = changes or InlineChanges(self._carry_out, self.rung.add)
        self.reconciler = Reconciler(
            Keeping(
                own=self.session,
                accounts=Accounts(self._open),
                orders=orders,
                families=Families(self.cluster, ReleaseOrders([self.namespace]).queries, self.clock),
                versions=Versions(self.clock, self.rung.add, begin=lambda work: work()),
                changes=changes,
                clock=self.clock,
                keeper=Keeper(host="here", version="1"),
                namespace=self.namespace,
                on_news=lambda _, news: self.news.append(news),
            )
        )

    def define(self) -> None:
        """Apply the definition of Release, and wait until it is served."""
        body = read_document(definition("release")).value
        self.cluster.apply(Payload.of(body, manager="kubectl"))  # type: ignore[arg-type]
        while self.cluster.resource_type("bundler.dev", "Release") is None:
            self.clock.sleep(0.2)
            self.cluster.forget_discovery()

    def publish(self, folder: Path, name: str, *signers: KeySigner) -> None:
        """Put a bundle into a Secret, with its signatures beside it."""
        archive = self.scratch / f"{name}.tgz"
        archive.unlink(missing_ok=True)
        write_archive(load_from(folder), archive, mtime=0)
        signature_path(archive).unlink(missing_ok=True)
        for signer in signers:
            sign_archive(archive, signer)
        self.put("Secret", name, data={"bundle.tgz": _encoded(archive), **self._signatures(archive)})

    def say_site(self, **spec: Any) -> None:
        """Write the site file of all orders, beside the controller."""
        body = {"apiVersion": "bundler.dev/v1", "kind": "Site", "metadata": {"name": "default"}, "spec": spec}
        self.put("ConfigMap", "bundler-site-default", data={"site.yaml": dump_yaml(body)})

    def put(self, kind: str, name: str, **content: Any) -> None:
        """Apply an object of the core group, as kubectl does."""
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": self.namespace}, **content}
        self.cluster.apply(Payload.of(body, manager="kubectl"), is_forced=True)

    def order(self, name: str = "shop", *, annotations: Any = (), **spec: Any) -> ObjectRef:
        """Apply a Release; fields of its spec by their names."""
        body = {
            "apiVersion": "bundler.dev/v1",
            "kind": "Release",
            "metadata": {"name": name, "namespace": self.namespace, "annotations": dict(annotations)},
            "spec": {"bundle": {"source": "secret://one"}, **spec},
        }
        self.cluster.apply(Payload.of(body, manager="kubectl"), is_forced=True)
        return ObjectRef("bundler.dev", "Release", self.namespace, name)

    @property
    def order_ref(self) -> ObjectRef:
        """The order of the release shop."""
        return ObjectRef("bundler.dev", "Release", self.namespace, "shop")

    def look(self, name: str = "shop", **how: Any) -> float | None:
        """Take one look at an order."""
        return self.reconciler.reconcile(ObjectRef("bundler.dev", "Release", self.namespace, name), **how)

    def settle(self, name: str = "shop") -> dict[str, Any]:
        """Look at an order until nothing rings any more; return its status."""
        key = ObjectRef("bundler.dev", "Release", self.namespace, name)
        for _ in range(20):
            self.clock.sleep(1.0)
            self.rung.discard(key)
            self.look(name)
            if key not in self.rung:
                break
        else:
            msg = "it rings and rings"
            raise AssertionError(msg)
        return self.status(name)

    def status(self, name: str = "shop") -> dict[str, Any]:
        """Return the status of an order, its conditions by their types; empty where the order is gone."""
        found = self.cluster.get(ObjectRef("bundler.dev", "Release", self.namespace, name)) or {}
        status: Any = dict(found.get("status", {}))  # type: ignore[call-overload]
        conditions = {one["type"]: one for one in status.get("conditions", ())}
        return {**status, "conditions": conditions}

    def names(self, kind: str, group: str = "") -> set[str]:
        found = self.cluster.list(ListQuery(group=group, kind=kind, namespace=self.namespace)).items
        return {one["metadata"]["name"] for one in found}  # type: ignore[index, call-overload, misc]

    def _signatures(self, archive: Path) -> dict[str, str]:
        path = signature_path(archive)
        return {"bundle.tgz.sig": _encoded(path)} if path.exists() else {}

    def _open(self, account: Account) -> Session:
        return self.open_as(account)

    def _carry_out(self, wanted: WantedChange) -> Outcome:
        timeout_s = 60.0 if wanted.work is Work.UNINSTALL else parse_order(wanted.body).timeout_s
        tenant = self._open(Account(namespace=self.namespace, name=wanted.service_account, timeout_s=timeout_s))
        fetching = Account(namespace=self.namespace, name=wanted.service_account, timeout_s=fetch_timeout_s(timeout_s))
        place = Place(tenant=tenant, own=self.session, namespace=self.namespace, source=self._open(fetching))
        outcome = carry_out(wanted, place)
        self.outcomes.append(outcome)
        return outcome


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


def kept_at(cluster: ClusterClient, clock: Clock, namespace: str, scratch: Path) -> Kept:
    """Return a controller on a cluster, with the kinds that it needs."""
    kept = Kept(cluster, clock, namespace, scratch)
    kept.define()
    return kept


def instruments(clock: Clock, log: io.StringIO) -> Instruments:
    """Return what a controller is observed by: its log is a text."""
    out = LogStream(log, LogSettings(redact=str, now=clock.now))
    return Instruments(clock=clock, log=Log(out), metrics=Metrics(), pulse=Pulse(clock))


class Running:
    """A controller with its threads, on a cluster whose time passes."""

    def __init__(self, cluster: ClusterClient, clock: Clock, namespace: str) -> None:
        self.cluster = cluster
        self.session = session_on(cluster, clock, namespace)
        orders = Orders(cluster, clock, ReleaseOrders([namespace]))
        self.log = io.StringIO()
        observed = instruments(clock, self.log)
        self.loop = Loop(cluster, orders, observed, LoopSettings(namespaces=(namespace,), looks_at_once=2))
        changes = InlineChanges(self._carry_out, self.loop.queue.hurry)
        keeping = Keeping(
            own=self.session,
            accounts=Accounts(lambda _: self.session),
            orders=orders,
            families=Families(cluster, ReleaseOrders([namespace]).queries, clock),
            versions=Versions(clock, self.loop.queue.hurry),
            changes=changes,
            clock=clock,
            keeper=Keeper(host="here", version="1"),
            on_holding=self.loop.hold,
        )
        self.loop.use(Reconciler(keeping), changes)

    def __enter__(self) -> Self:
        self.loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.close()

    def _carry_out(self, wanted: WantedChange) -> Outcome:
        return carry_out(wanted, Place(tenant=self.session, own=self.session))


class HeldChanges:
    """Changes that begin, and end when a test says so."""

    def __init__(self) -> None:
        self.begun: list[WantedChange] = []
        self.interrupted = 0
        self._outcome: Outcome | None = None
        self._under_way: Work | None = None

    def begin(self, key: ObjectRef, wanted: WantedChange) -> bool:
        del key
        self.begun.append(wanted)
        self._under_way = wanted.work
        return True

    def under_way(self, key: ObjectRef) -> Work | None:
        del key
        return self._under_way

    def interrupt(self, key: ObjectRef) -> None:
        del key
        self.interrupted += 1

    def take_outcome(self, key: ObjectRef) -> Outcome | None:
        del key
        outcome, self._outcome = self._outcome, None
        return outcome

    def close(self) -> None:
        """Begin no other."""

    def end(self, outcome: Outcome) -> None:
        """Let the change that is under way end."""
        self._outcome, self._under_way = outcome, None
