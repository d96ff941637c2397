"""What the kill sweeps share: a workplace of one proxy and one warm start, and what must hold after each death."""

from __future__ import annotations

import base64
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from tests.lib.killing_proxy import Blow, KillingProxy
from tests.lib.raw_api import ApiError
from tests.lib.warm import warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.warm import Run

DEPLOYED, SUPERSEDED, INTERRUPTED = "deployed", "superseded", "interrupted"
WORKPLACES = 2
"""More do not help two cores where another worker runs tests besides, and make the fake nodes late."""


@dataclass
class Workplace:
    """Where one run at a time is started, watched, and killed."""

    plane: ControlPlane
    folder: Path
    user: str = "admin"
    token: str = ""
    """Of a ServiceAccount, in place of the user."""
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        token = self.token or f"token-of-{self.user}"
        self.proxy = self._open.enter_context(KillingProxy(self.plane.server, self.plane.ca_file, token))
        self.warm = self._open.enter_context(warm_start())
        config = self.proxy.kubeconfig(self.folder / "kubeconfig")
        self.env = {"KUBECONFIG": str(config), "HOME": str(self.folder), "PATH": "/usr/bin", "USER": "ada"}
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def start(self, argv: Sequence[str], blow: Blow | None = None) -> Run:
        """Begin a run."""
        self.proxy.begin(blow)
        run = self.warm.start(argv, env=self.env, output=self.folder / f"{uuid.uuid4().hex[:8]}.txt")
        self.proxy.aim(run.pid)
        return run

    def run(self, argv: Sequence[str], blow: Blow | None = None) -> tuple[int, str]:
        """Run to the end, whichever; return the exit code and all that was printed."""
        run = self.start(argv, blow)
        return run.wait(), run.text


def on_workplaces(
    work: Callable[[Workplace, Any], None], points: Iterable[Any], plane: ControlPlane, folder: Path
) -> list[str]:
    """Do ``work`` for each point, a few at a time; return what went wrong, of all of them."""
    free: SimpleQueue[Workplace] = SimpleQueue()

    def one(point: Any) -> str:
        place = free.get()
        try:
            work(place, point)
        except (AssertionError, ApiError) as error:
            return f"--- {point}\n{error}"
        finally:
            free.put(place)
        return ""

    with ExitStack() as stack:
        for number in range(WORKPLACES):
            free.put(stack.enter_context(Workplace(plane, folder / f"place-{number}")))
        with ThreadPoolExecutor(WORKPLACES) as pool:
            return [text for text in pool.map(one, points) if text]


def writes_of(place: Workplace, argv: list[str]) -> list[tuple[str, str]]:
    """Run undisturbed; return method and the kind written, of each mutating request."""
    code, text = place.run(argv)
    assert code == 0, text
    return [(one.method, one.path) for one in place.proxy.writes()]


def kinds(writes: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return (method, plural) of writes."""
    return {(method, plural(path)) for method, path in writes}


def plural(path: str) -> str:
    """Return the plural of the kind that a path of the API is about."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    return rest[0] if len(rest) < 3 else rest[2]


def blows(count: int) -> list[Blow]:
    """Return a death right before the first of so many writes, and one right after each.

    Right before a write the server has what it had right after the one before, and the dead remember nothing.
    """
    return [Blow(number=1, is_after=False), *(Blow(number=number, is_after=True) for number in range(1, count + 1))]


def blows_of_each_kind(writes: Sequence[tuple[str, str]]) -> list[Blow]:
    """Return those of `blows` that are right before the first write, right after the first of each kind, and after the last.

    For what dies at each of its writes on the sandbox: here it is seen that each kind of them is as real as there.
    """
    named = [(method, kept_as(method, path)) for method, path in writes]
    by_kind = {write: number for number, write in reversed([*enumerate(named, start=1)])}
    chosen = {*by_kind.values(), len(writes)}
    return [blow for blow in blows(len(writes)) if not blow.is_after or blow.number in chosen]


def kept_as(method: str, path: str) -> str:
    """Return what a write is to a run: of its lock, of its record, of what it waits for, or of any other object."""
    name = plural(path)
    if name == "secrets":
        return "object" if method == "PATCH" else "record"
    return {"leases": "lock", "deployments": "workload", "jobs": "workload"}.get(name, "object")


def strike(place: Workplace, argv: list[str], blow: Blow) -> None:
    """Run until it is killed, which must happen."""
    code, text = place.run(argv, blow)
    assert place.proxy.has_struck, f"the run ended first, with {code}:\n{text}"
    assert code == -signal.SIGKILL, text


@dataclass
class Site:
    """One namespace, seen with eyes of its own: no code of bundler's."""

    plane: ControlPlane
    namespace: str = field(default_factory=lambda: f"kill-{uuid.uuid4().hex[:8]}")

    def get(self, path: str) -> dict[str, Any] | None:
        """GET below the namespace of an API; ``path``: ``api/v1/.../secrets/x`` with ``...`` for the namespace."""
        try:
            return self.plane.api("GET", "/" + path.replace("...", f"namespaces/{self.namespace}"))
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def items(self, path: str) -> list[dict[str, Any]]:
        return (self.get(path) or {"items": []})["items"]

    def delete(self) -> None:
        """Ask for the end of the namespace."""
        try:
            self.plane.api("DELETE", f"/api/v1/namespaces/{self.namespace}")
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return Secrets of the record: heads by revision, packs, sensitive leaves."""
        found = self.items(f"api/v1/.../secrets?labelSelector=bundler.dev/record={kind}")
        return sorted(found, key=lambda one: int(one["metadata"]["labels"].get("bundler.dev/revision", "0")))

    def statuses(self) -> list[str]:
        """Return the status of each revision; its numbers have no gap."""
        heads = self.records("head")
        numbers = [int(head["metadata"]["labels"]["bundler.dev/revision"]) for head in heads]
        assert numbers == list(range(1, len(heads) + 1)), f"revisions {numbers}"
        return [head["metadata"]["labels"]["bundler.dev/status"] for head in heads]

    def password(self) -> str:
        """Return the generated password, empty where there is none yet."""
        found = self.get("api/v1/.../secrets/shop-password")
        return base64.b64decode(found["data"]["password"]).decode() if found else ""

    def config(self, name: str = "shop-config") -> Mapping[str, str] | None:
        found = self.get(f"api/v1/.../configmaps/{name}")
        return None if found is None else found["data"]

    def holds_lock(self) -> bool:
        return self.get("apis/coordination.k8s.io/v1/.../leases/bundler.shop") is not None

    def check_workloads(self) -> None:
        """The Deployment is ready as it is written now; there is exactly one Job, and it has succeeded."""
        web = self.get("apis/apps/v1/.../deployments/shop-web")
        assert web is not None, "no Deployment"
        assert web["status"].get("observedGeneration") == web["metadata"]["generation"], web["status"]
        assert web["status"].get("readyReplicas") == web["spec"]["replicas"], web["status"]
        jobs = self.items("apis/batch/v1/.../jobs")
        names = [
            (job["metadata"]["name"], job["status"].get("succeeded"), job["metadata"].get("deletionTimestamp"))
            for job in jobs
        ]
        assert [(succeeded, deleted) for _, succeeded, deleted in names] == [(1, None)], f"Jobs: {names}"
        assert self.get("api/v1/.../services/shop-web") is not None, "no Service"

    def check_no_litter(self) -> None:
        """Every pack is named by a head, every sensitive Secret belongs to one."""
        heads = self.records("head")
        named = {
            name for head in heads for name in head["metadata"]["annotations"].get("bundler.dev/packs", "").split(",")
        }
        packs = {one["metadata"]["name"].rpartition(".")[2] for one in self.records("pack")}
        assert packs <= named, f"packs {packs} of {named}"
        revisions = {one["metadata"]["labels"]["bundler.dev/revision"] for one in heads}
        kept = {one["metadata"]["labels"]["bundler.dev/revision"] for one in self.records("sensitive")}
        assert kept <= revisions, f"sensitive leaves of revisions {kept}, heads of {revisions}"


def check_truth(statuses: Sequence[str], *, first: str = "") -> None:
    """One deployed revision, the newest; before it what was deployed once, then only what died.

    Args:
        statuses: oldest first.
        first: status of revision 1 where it was whole once.
    """
    assert statuses, "nothing is recorded"
    assert statuses[-1] == DEPLOYED, statuses
    before = list(statuses[:-1])
    if first and before:
        assert before.pop(0) == first, statuses
    assert all(status == INTERRUPTED for status in before), statuses
