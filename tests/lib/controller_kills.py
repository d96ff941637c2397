"""Deaths of a controller, and of the changes that it starts, at chosen writes of a release's whole life.

    with StrikingProxy(plane) as proxy:
        life = Life(site, proxy)
        life.live(Stroke(victim=Victim.CHILD, phase="upgrade", kind="PUT secrets", is_after=True))

A controller and its child share the way to the API. What acts as a ServiceAccount is written by the child, if there is
one: the controller puts back few objects itself.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.lib.controller_runs import OrderSite, RunningController
from tests.lib.killing_proxy import KillingProxy, PassingHandler, is_mutating
from tests.lib.raw_api import ApiError
from tests.lib.sweep import DEPLOYED, INTERRUPTED, SUPERSEDED, Site, plural

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Sequence

    from tests.lib.controlplane import ControlPlane

WITHIN_S = 400.0
LATE_S = 60.0
"""Events and the like are written after the order is met; only a write that never comes takes so long."""
NEVER = "1h"
"""An interval that explains nothing: what happens was rung for."""
WEB = "apis/apps/v1/.../deployments/shop-web"
LOCK = "apis/coordination.k8s.io/v1/.../leases/bundler.shop"
ORDER = "apis/bundler.dev/v1/.../releases/shop"
KINDS = (
    "api/v1/.../configmaps",
    "api/v1/.../secrets",
    "api/v1/.../services",
    "apis/apps/v1/.../deployments",
    "apis/batch/v1/.../jobs",
    "apis/autoscaling/v2/.../horizontalpodautoscalers",
)
UID = "bundler.dev/release-uid"


class Victim(StrEnum):
    """Who is killed."""

    PARENT = "parent"
    CHILD = "child"
    """What acts as the ServiceAccount: a process of its own, or the controller itself where it puts little back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One death."""

    phase: str
    victim: Victim
    number: int = 1
    """Which write of the victim in this phase, from 1; of those of a kind, where one is given."""
    kind: str = ""
    """METHOD and plural, ``PUT secrets``; of a subresource ``PUT releases/status``."""
    is_after: bool = True
    """The server has answered, and the victim never hears of it. Otherwise the server never sees the request."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write that reached the server."""

    writer: Victim
    kind: str
    path: str


class StrikingProxy(KillingProxy):
    """Kills whoever makes a chosen write, and goes on for the others."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane.server, plane.ca_file, plane.token, StrikingHandler)
        self.made: list[Write] = []
        """Every write since the last aim."""
        self.victims: Callable[[Victim], Sequence[int]] = lambda _: ()
        """Says which processes one kills."""
        self.killed: set[int] = set()
        self._stroke: Stroke | None = None
        self._left = 0
        self._striking = threading.Lock()

    @property
    def is_aiming(self) -> bool:
        """Whether the write has not come yet."""
        return self._stroke is not None

    def prepare(self, stroke: Stroke | None) -> None:
        """Forget what was written, and strike once."""
        with self._striking:
            self.made, self._stroke, self._left = [], stroke, stroke.number if stroke else 0

    def is_struck(self, write: Write, *, is_after: bool) -> bool:
        """Count a write; kill the writer where it is time, and return whether that was so."""
        with self._striking:
            if is_after:
                self.made.append(write)
            stroke = self._stroke
            if stroke is None or stroke.is_after is not is_after or not _fits(stroke, write):
                return False
            self._left -= 1
            if self._left:
                return False
            self._stroke = None
            for pid in self.victims(stroke.victim):
                with suppress(ProcessLookupError):
                    self.killed.add(pid)
                    os.kill(pid, signal.SIGKILL)
            return True


def _fits(stroke: Stroke, write: Write) -> bool:
    return stroke.victim is write.writer and stroke.kind in {"", write.kind}


class StrikingHandler(PassingHandler):
    """One connection from a controller or from a change."""

    server: StrikingProxy

    def is_answered_here(self, body: bytes) -> bool:
        if super().is_answered_here(body):
            return True
        write = self._write()
        if write is None or not self.server.is_struck(write, is_after=False):
            return False
        self.close_connection = True
        return True

    def deliver(self, answer: http.client.HTTPResponse, content: bytes | None) -> None:
        write = self._write()
        if write is not None and self.server.is_struck(write, is_after=True):
            self.close_connection = True
        else:
            super().deliver(answer, content)

    def _write(self) -> Write | None:
        if not is_mutating(self.command, self.path):
            return None
        path = urlsplit(self.path).path
        kind = f"{self.command} {plural(path)}{'/status' if path.endswith('/status') else ''}"
        writer = Victim.CHILD if self.headers.get("Impersonate-User") else Victim.PARENT
        return Write(writer, kind, path)


class Life:
    """A release from its order to its end, kept by a controller that is started again whenever it was killed."""

    def __init__(self, site: OrderSite, proxy: StrikingProxy) -> None:
        self.site, self.proxy = site, proxy
        self.seen = Site(site.plane, site.namespace)
        self.secret = ""
        self._superseded = 0
        self._words = ("--kubeconfig", str(proxy.kubeconfig(site.scratch / "kubeconfig")), "--context", "proxied")
        self._children: set[int] = set()

    def __enter__(self) -> Self:
        self.controller = RunningController(self.site, *self._words)
        self.proxy.victims = lambda victim: (
            (victim is Victim.CHILD and self.controller.children()) or [self.controller.process.pid]
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.process.kill()
        self.controller.process.wait()

    def live(self, *strokes: Stroke) -> None:
        """Install the release, then go through the phases in which someone dies: once in each."""
        by_phase = {one.phase: one for one in strokes}
        self._pass("install", self._install, by_phase.get("install"))
        for name, phase in {"upgrade": self._upgrade, "drift": self._drift, "uninstall": self._end}.items():
            if name in by_phase:
                self._pass(name, phase, by_phase[name])
        self._until(self._leads, "a controller leads")
        assert self.controller.stop() == 0

    def _pass(self, name: str, phase: Callable[[], None], stroke: Stroke | None) -> None:
        self.proxy.prepare(stroke)
        try:
            phase()
            assert not self.proxy.is_aiming, "this was never written"
        except (AssertionError, ApiError) as error:
            log = self.controller.log_path.read_text()[-3000:]
            raise AssertionError(f"{name}, {stroke}: {error}\n{self._told()}\n{log}") from error

    def _install(self) -> None:
        self.site.order("shop", "one", interval=NEVER, values={"extra": True})
        self._until_met("the order is met")
        self.secret = self.seen.password()
        assert self.secret
        self._check_history()
        assert self.seen.config("shop-extra") is not None

    def _upgrade(self) -> None:
        self.site.order("shop", "one", interval=NEVER, values={"text": "other", "step": "again", "autoscale": True})
        self._until_met("the changed order is met")
        self._superseded = 1
        assert self.seen.config() == {"text": "other"}
        assert self.seen.config("shop-extra") is None, "what left the bundle is still there"
        self._check_history()

    def _drift(self) -> None:
        newest = len(self.seen.statuses())
        self.site.plane.api("DELETE", "/" + WEB.replace("...", f"namespaces/{self.site.namespace}"))
        self._until(lambda: self.seen.get(WEB), "the Deployment is there again")
        self._until_met("the order is met again")
        assert len(self.seen.statuses()) == newest, "a correction made a revision"
        self._check_history()

    def _end(self) -> None:
        self.site.plane.api("DELETE", "/" + ORDER.replace("...", f"namespaces/{self.site.namespace}"))
        self._until(lambda: self.seen.get(ORDER) is None, "the order is gone")
        left = [one["metadata"]["name"] for path in KINDS for one in self.seen.items(path) if _is_ours(one)]
        assert left == ["shop-password"], f"what holds data stays, and nothing else: {left}"
        assert self.seen.password() == self.secret, "another password"
        assert not self.seen.records("head"), "the record is still there"
        self._until(lambda: not self._is_locked(), "no one holds the lock")
        self._until_quiet()

    def _until_met(self, what: str) -> None:
        """Wait until the order is met, also after a death at what is written last; no orphan is at work then."""
        self._until(self._is_met, what)
        end_s = time.monotonic() + LATE_S
        while self.proxy.is_aiming and time.monotonic() < end_s:
            time.sleep(0.05)
        self._until(self._is_met, what)
        self._until_quiet()

    def _is_met(self) -> bool:
        """Whether the order is met and nothing is under way."""
        return bool(self.site.status("shop")["is_ready"]) and not self._is_changing()

    def _leads(self) -> bool:
        return self.controller.process.pid not in self.proxy.killed and self.controller.says("this copy leads")

    def _is_changing(self) -> bool:
        return bool(self.controller.children())

    def _check_history(self) -> None:
        self.seen.check_workloads()
        *before, newest = self.seen.statuses()
        assert newest == DEPLOYED, (before, newest)
        # One that died between two marks left the older as deployed, too: it reads superseded, and the next change says so.
        statuses = [SUPERSEDED if one == DEPLOYED else one for one in before]
        assert statuses.count(SUPERSEDED) == self._superseded, statuses
        assert set(statuses) <= {SUPERSEDED, INTERRUPTED}, statuses
        assert self.seen.password() == self.secret, "another password"
        self.seen.check_no_litter()
        self._until(lambda: not self._is_locked(), "no one holds the lock")

    def _is_locked(self) -> bool:
        """Whether someone holds the lock of the release; that of the dead is anyone's once it has expired."""
        found = self.seen.get(LOCK)
        if found is None:
            return False
        beat = datetime.fromisoformat(found["spec"]["renewTime"])
        return datetime.now(UTC) < beat + timedelta(seconds=found["spec"]["leaseDurationSeconds"])

    def _until_quiet(self) -> None:
        """No change of a controller that was killed lives on without it."""
        self._until(lambda: not any(map(_is_alive, self._children)), "no orphan is left")

    def _until(self, is_so: Callable[[], object], what: str) -> None:
        end_s = time.monotonic() + WITHIN_S
        while not is_so():
            assert time.monotonic() < end_s, f"not within {WITHIN_S:.0f} s: {what}"
            self._children.update(self.controller.children())
            if self.controller.process.poll() is not None:
                assert self.controller.process.returncode == -signal.SIGKILL, "the controller ended by itself"
                self.controller = RunningController(self.site, *self._words)
            time.sleep(0.1)

    def _told(self) -> str:
        with suppress(ApiError):
            status = self.site.status("shop")
            found = {
                one["type"]: (one["status"], one["reason"], one["message"]) for one in status["conditions"].values()
            }
            return f"statuses {self.seen.statuses()}, {found}, lastAttempt {status.get('lastAttempt')}"
        return "no order"


def _is_ours(body: dict[str, object]) -> bool:
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    return UID in (metadata.get("labels") or {})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
