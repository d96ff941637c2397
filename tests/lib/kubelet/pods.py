"""One pod from its arrival to its end, in a thread of its own."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lib.fake_nodes import event_body, now, stamped
from tests.lib.kubelet.containers import Container, PodPlace
from tests.lib.kubelet.environment import ConfigError, data_of
from tests.lib.kubelet.names import hosts_file, resolv_conf
from tests.lib.kubelet.network import NODE, Network
from tests.lib.kubelet.rootfs import Mount
from tests.lib.kubelet.statuses import is_sidecar, pod_status
from tests.lib.kubelet.volumes import VolumeMaker
from tests.lib.raw_api import EXPECTED, STRATEGIC_MERGE_PATCH, ApiError, RawApi

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.kubelet.images import Image
    from tests.lib.work_queue import WorkQueue

Body = Mapping[str, Any]

RETRY_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all pods share."""

    api: RawApi
    work: WorkQueue
    network: Network
    folder: Path
    logs: Path
    skeleton_of: Callable[[str], tuple[Image, Path] | None]


class Pod:
    """Runs one pod; `first` and `main` are its containers."""

    def __init__(self, body: Body, node: Node) -> None:
        self.body, self._node = body, node
        self.uid = str(body["metadata"]["uid"])
        self.first: list[Container] = []
        self.main: list[Container] = []
        self._network = NODE if body["spec"].get("hostNetwork") else f"pod-{self.uid[:13]}"
        self._address = ""
        self._is_initialized = False
        self._leaving = threading.Event()
        self._changed = threading.Event()
        self._start_time, self._conditions = now(), dict[str, tuple[str, str]]()
        self._written: object = None

    def start(self) -> None:
        """Let it run."""
        threading.Thread(target=self._live, daemon=True, name=self.uid).start()

    def update(self, body: Body) -> None:
        """Take in a newer body; one that is being deleted makes the pod end."""
        self.body = body
        if "deletionTimestamp" in body["metadata"]:
            self._leaving.set()
            self._changed.set()

    def container(self, name: str) -> Container | None:
        """Return a container by its name."""
        return next((one for one in (*self.first, *self.main) if one.name == name), None)

    def _live(self) -> None:
        try:
            place = self._prepare()
            if place is not None and self._initialize(place):
                self._run_to_the_end()
        except Exception:
            traceback.print_exc()
        self._leaving.wait()
        self._remove()

    def _prepare(self) -> PodPlace | None:
        """Give it a network, an address and its volumes; None where it has to leave before."""
        meta, node = self.body["metadata"], self._node
        self._address = "10.244.0.1" if self._network == NODE else node.network.connect(self._network)
        folder = node.folder / "pods" / self.uid
        maker = VolumeMaker(
            api=node.api, folder=folder / "volumes", claims=node.folder / "claims", read=self._read_data
        )
        while not self._leaving.is_set():
            try:
                volumes = maker.make(self.body)
                break
            except (ConfigError, ApiError) as error:
                self._warn("FailedMount", str(error))
                self._leaving.wait(RETRY_S)
        else:
            return None
        return PodPlace(
            pod=self.body,
            folder=folder,
            logs=node.logs / f"{meta['namespace']}_{meta['name']}_{self.uid}",
            network=self._network,
            address=self._address,
            volumes=volumes,
            shared=self._write_shared(folder),
            read=self._read_data,
            skeleton_of=node.skeleton_of,
            warn=self._warn,
        )

    def _write_shared(self, folder: Path) -> tuple[Mount, ...]:
        meta, spec = self.body["metadata"], self.body["spec"]
        host = spec.get("hostname") or meta["name"]
        subdomain = spec.get("subdomain")
        domain = f"{host}.{subdomain}.{meta['namespace']}.svc.cluster.local" if subdomain else ""
        files = {
            "hosts": hosts_file(host, self._address, domain),
            "resolv.conf": resolv_conf(meta["namespace"]),
            "hostname": f"{host}\n",
        }
        shared = folder / "shared"
        shared.mkdir(parents=True)
        for name, text in files.items():
            (shared / name).write_text(text)
        return tuple(Mount(source=shared / name, target=f"/etc/{name}") for name in files)

    def _initialize(self, place: PodPlace) -> bool:
        """Run the init containers one after the other; False where the pod ends before its containers start."""
        spec = self.body["spec"]
        policy = spec.get("restartPolicy", "Always")
        for_first = "Never" if policy == "Never" else "OnFailure"

        def make(one: Body, restarts: str) -> Container:
            return Container(one, place, restarts=restarts, changed=self._on_change)

        self.main = [make(one, policy) for one in spec["containers"]]
        self.first = [make(one, "Always" if is_sidecar(one) else for_first) for one in spec.get("initContainers", ())]
        self._on_change()
        for container in self.first:
            container.start()
            if not self._wait_for(container):
                return False
        self._is_initialized = True
        return True

    def _wait_for(self, container: Container) -> bool:
        done = container.is_up if is_sidecar(container.spec) else container.is_over
        self._until(done.is_set)
        if self._leaving.is_set():
            return False
        return is_sidecar(container.spec) or container.exit_code == 0

    def _run_to_the_end(self) -> None:
        for container in self.main:
            container.start()
        self._until(lambda: all(one.is_over.is_set() for one in self.main))
        if not self._leaving.is_set():
            self._stop_sidecars(self._grace_s())
            self._on_change()

    def _until(self, is_done: Callable[[], bool]) -> None:
        """Wait until something is so, or the pod has to leave."""
        while not (is_done() or self._leaving.is_set()):
            self._changed.wait()
            self._changed.clear()

    def _remove(self) -> None:
        """Stop everything, say how it ended, and let the API forget the pod."""
        grace_s = self._grace_s()
        deadline = time.monotonic() + grace_s
        _all_at_once([lambda one=one: one.stop(grace_s) for one in self.main])
        self._stop_sidecars(max(0.0, deadline - time.monotonic()))
        if self.main:
            self._write_status()
        if self._network != NODE:
            self._node.network.disconnect(self._network)
        shutil.rmtree(self._node.folder / "pods" / self.uid, ignore_errors=True)
        meta = self.body["metadata"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        self._send("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", options)

    def _stop_sidecars(self, grace_s: float) -> None:
        for container in reversed(self.first):
            container.stop(grace_s)

    def _grace_s(self) -> float:
        asked = self.body["metadata"].get("deletionGracePeriodSeconds")
        return float(self.body["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)

    def _on_change(self) -> None:
        self._changed.set()
        self._node.work.add(self.uid, self._write_status)

    def _write_status(self) -> None:
        meta = self.body["metadata"]
        status = pod_status(self.first, self.main, is_initialized=self._is_initialized)
        body = {
            **status,
            "conditions": [stamped(condition, self._conditions) for condition in status["conditions"]],
            "startTime": self._start_time,
            "hostIP": "127.0.0.1",
            "hostIPs": [{"ip": "127.0.0.1"}],
            "podIP": self._address,
            "podIPs": [{"ip": self._address}],
        }
        if body == self._written:
            return
        self._written = body
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        # The uid makes the server refuse a status that is meant for an older pod of the same name.
        self._send("PATCH", path, {"metadata": {"uid": self.uid}, "status": body}, STRATEGIC_MERGE_PATCH)

    def _warn(self, reason: str, message: str) -> None:
        path = f"/api/v1/namespaces/{self.body['metadata']['namespace']}/events"
        event = event_body(self.body, reason, message)
        self._node.work.add(f"{self.uid}/events", lambda: self._send("POST", path, event))

    def _read_data(self, kind: str, name: str) -> Mapping[str, bytes] | None:
        path = f"/api/v1/namespaces/{self.body['metadata']['namespace']}/{kind}/{name}"
        try:
            return data_of(kind, self._node.api.call("GET", path))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _send(self, method: str, path: str, body: object, content_type: str = "application/json") -> None:
        try:
            self._node.api.send(method, path, body, content_type=content_type)
        except ApiError as error:
            # Another pod may have the name by now, which a status of ours would not fit.
            if error.status not in EXPECTED and not (error.status == 422 and self._leaving.is_set()):
                raise


def _all_at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
