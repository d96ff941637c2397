"""Every kind of fault meets every class of call of every change, on the real API.

One release goes through its whole life for each kind of fault: install, an upgrade by a saved plan, an upgrade that fails
and goes back by itself, rollback, uninstall. Within each of them the first call of each class (discovery, list, get,
watch, create, apply, delete, Lease, record, dry run, logs, events) meets the fault once, so that the product of faults,
classes and changes is complete with one sequence of runs for each pair of fault and change. The sandbox has every
single call instead of the first of its class.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bundler import ReleaseRequest, Values
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError, RolledBackError
from bundler.health.pods import FailFast
from tests.lib.bundles import make_bundle
from tests.lib.fault_proxy import Fault, FaultProxy
from tests.lib.operator import Operator
from tests.lib.real import open_client
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.slow

PATIENCE_S = 0.4
"""Of the client with a server that says no more."""
IMAGE, BROKEN = "docker.io/library/web:1", "docker.io/library/crash:1"
MOST_RUNS = 14
"""A change meets at most so many classes of calls, and each may end one run."""
GONE_PID = 4_194_305
"""One more than any process id can be: a run that failed has ended, and holds nothing."""
VALUES = "text: one\nextra: keep\nimage: docker.io/library/web:1\n"
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-config"}
data: {text: "{{ values.text }}", password: "{{ generated['password'].secret }}"}
{% if values.extra == "keep" %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-extra"}
{% else %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-instead"}
{% endif %}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-web"}
spec:
  selector: {matchLabels: {app: "{{ release.name }}-web"}}
  template:
    metadata: {labels: {app: "{{ release.name }}-web"}}
    spec: {containers: [{name: web, image: "{{ values.image }}"}]}
"""
GENERATE = [{"name": "password", "secret": "{{ release.name }}-password", "key": "password", "kind": "password"}]


CHANGED = {"list", "get", "dry run", "apply", "POST Secret, of the record too", "PUT record"}
LOCKED = {"POST Lease", "PUT Lease", "DELETE Lease"}
WANTED = {
    "install": CHANGED | LOCKED | {"discovery", "review", "create"},
    "apply": CHANGED | LOCKED | {"discovery", "review", "delete"},
    "a failing upgrade": CHANGED | LOCKED | {"discovery", "log", "events", "watch"},
    "rollback": CHANGED | LOCKED | {"discovery", "delete"},
    "uninstall": LOCKED | {"discovery", "list", "get", "delete", "PUT record", "DELETE record"},
}
"""Classes of calls that each change makes whatever the time it takes."""


@dataclass
class Life:
    """One release through one proxy."""

    proxy: FaultProxy
    kubeconfig: Path
    fault: Fault
    menu: Path
    namespace: str = field(default_factory=lambda: f"faults-{uuid.uuid4().hex[:8]}")
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def operator(self) -> Iterator[Operator]:
        """Lend an operator who has asked nothing yet."""
        with closing(open_client(self.kubeconfig)) as client:
            yield Operator(client, self.namespace, pid=GONE_PID, fail_fast=FailFast(min_failures=1, min_s=0.2))

    def live_through(self, change: str, run: Callable[[Operator], object], **wanted: object) -> None:
        """Run a change until it has got there, however often it must be repeated; then look."""
        self.proxy.curse(self.fault)
        ends: list[str] = []
        for _ in range(MOST_RUNS):
            try:
                with self.operator() as one:
                    run(one)
            except BundlerError as error:
                ends.append(f"{type(error).__name__}: {error}: {' | '.join(error.context)} (hint: {error.hint})")
                if not (error.context and error.hint):
                    self.wrong.append(f"{change}: does not say what was found, or what to do: {ends[-1]}")
            else:
                break
        met = frozenset(self.proxy.struck)
        self.proxy.curse()
        missed = WANTED[change] - met if self.fault is not Fault.GONE else set()
        found = self.state()
        if found != wanted or missed or len(ends) == MOST_RUNS:
            self.wrong.append(f"{change}: {found}, not {wanted}; not met: {missed}; runs ended with {ends}")

    def state(self) -> dict[str, object]:
        """Return what can be seen of the release from outside."""
        with self.operator() as one:
            config, extra = (one.live("ConfigMap", f"shop-{name}") for name in ("config", "extra"))
            web: Any = one.live("Deployment", "shop-web", "apps")
            return {
                "text": config and config["data"]["text"],  # type: ignore[index, call-overload]
                "has_extra": extra is not None,
                "image": web and web["spec"]["template"]["spec"]["containers"][0]["image"],
                "status": one.statuses()[-1:],
                "is_locked": one.live("Lease", "bundler.shop", "coordination.k8s.io") is not None,
            }


def whole_life(life: Life) -> None:
    menu = life.menu

    def apply_plan(one: Operator) -> None:
        session = session_on(one.cluster, one.clock, one.namespace)
        values = Values(data={"text": "two", "extra": "drop"})
        plan = session.save_plan(ReleaseRequest(bundle=str(menu), release="shop", values=values))
        session.apply_plan(plan)

    def fail(one: Operator) -> None:
        with pytest.raises(RolledBackError) as back:
            one.upgrade(menu, image=BROKEN, request={"rollback_s": 60.0})
        assert any(line.startswith("  pod ") for line in back.value.context), back.value.context

    def uninstall(one: Operator) -> None:
        with suppress(ReleaseNotFoundError):
            one.uninstall()

    is_deployed = {"image": IMAGE, "status": ["deployed"], "is_locked": False}
    one, two = {"text": "one", "has_extra": True}, {"text": "two", "has_extra": False}
    life.live_through("install", lambda it: it.install(menu), **one, **is_deployed)
    life.live_through("apply", apply_plan, **two, **is_deployed)
    life.live_through("a failing upgrade", fail, **two, **is_deployed)
    life.live_through("rollback", lambda it: it.rollback(revision=1), **one, **is_deployed)
    life.live_through("uninstall", uninstall, text=None, has_extra=False, image=None, status=[], is_locked=False)


def test_every_fault_at_every_class_of_call_of_every_change(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundler.cluster.transport.READ_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr("bundler.cluster.transport.WRITE_TIMEOUT_S", PATIENCE_S)
    # With so little patience a busy machine looks like a server that is not there.
    monkeypatch.setattr("bundler.http.exchange.FIRST_CONTACT_TRIES", 50)
    files = {"values.yaml": VALUES, "templates/all.yaml": TEMPLATE}
    menu = make_bundle(tmp_path, files, name="tiny", generate=GENERATE)

    def one(fault: Fault) -> list[str]:
        with FaultProxy(control_plane.server, control_plane.ca_file, control_plane.token) as proxy:
            life = Life(proxy, proxy.kubeconfig(tmp_path / f"{fault.name}.json"), fault, menu)
            whole_life(life)
        control_plane.api("DELETE", f"/api/v1/namespaces/{life.namespace}")
        return [f"{fault}: {text}" for text in life.wrong]

    with ThreadPoolExecutor(len(Fault)) as pool:
        wrong = [text for texts in pool.map(one, Fault) for text in texts]
    assert not wrong, "\n".join(wrong)
