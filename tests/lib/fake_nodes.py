"""Two fake nodes for the test control plane, in a process of their own: heartbeats, pods, their logs, and volumes.

`python -m tests.lib.fake_nodes SERVER CA_FILE TOKEN KUBELET_PORT CERTIFICATE KEY`. `pod_states` says which image does what.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.lib import fake_volumes
from tests.lib.fake_kubelet import serve_logs
from tests.lib.following import follow_objects
from tests.lib.pod_states import Step, has_ended, images_of, step_of
from tests.lib.raw_api import APPLY_PATCH, EXPECTED, STRATEGIC_MERGE_PATCH, ApiError, RawApi
from tests.lib.work_queue import WorkQueue

NODES = ("node-1", "node-2")
HEARTBEAT_S = 10
WRITERS = 6

Body = Mapping[str, Any]


@dataclass(slots=True)
class Pod:
    """A pod that is bound to one of our nodes."""

    body: Body
    images: tuple[str, ...]
    address: str
    start_time: str
    step: int = 0
    is_leaving: bool = False
    conditions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Status and last transition time by type of condition."""


class FakeNodes:
    """Plays kubelet, container runtime and volume provisioner."""

    def __init__(self, api: RawApi, kubelet_port: int) -> None:
        self._api, self._kubelet_port = api, kubelet_port
        self._work = WorkQueue(WRITERS)
        self._pods: dict[str, Pod] = {}
        self._uids: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count(1)

    def run(self) -> None:
        """Register the nodes and serve until the process ends."""
        for name in NODES:
            register_node(self._api, name, self._kubelet_port)
        print("nodes are registered", flush=True)
        follow = [
            ("/api/v1/pods?fieldSelector=spec.nodeName!=", self._on_pod),
            *fake_volumes.provisioner(self._api, self._work),
        ]
        for path, handle in follow:
            threading.Thread(target=follow_objects, args=(self._api, path, handle), daemon=True).start()
        while True:
            time.sleep(HEARTBEAT_S)
            for name in NODES:
                self._work.add(name, partial(beat, self._api, name))

    def find_pod(self, namespace: str, name: str) -> Body | None:
        """Return the last seen body of a pod."""
        pod = self._pods.get(self._uids.get((namespace, name), ""))
        return pod.body if pod else None

    def _on_pod(self, event: str, body: Body) -> None:
        meta = body["metadata"]
        uid = meta["uid"]
        if event == "DELETED":
            self._pods.pop(uid, None)
            if self._uids.get((meta["namespace"], meta["name"])) == uid:
                del self._uids[meta["namespace"], meta["name"]]
            return
        pod = self._pods.get(uid)
        is_new = pod is None
        if pod is None:
            pod = self._pods[uid] = self._new_pod(body)
            self._uids[meta["namespace"], meta["name"]] = uid
        pod.body = body
        if "deletionTimestamp" in meta:
            if not pod.is_leaving:
                pod.is_leaving = True
                self._work.add(uid, lambda: self._remove(uid))
        elif (is_new or pod.images != images_of(body)) and not has_ended(body):
            pod.images, pod.step = images_of(body), 0
            self._work.add(uid, lambda: self._report(uid))

    def _new_pod(self, body: Body) -> Pod:
        number = next(self._numbers)
        address = f"10.244.{number // 250 % 250}.{number % 250 + 1}"
        return Pod(body=body, images=images_of(body), address=address, start_time=now())

    def _report(self, uid: str) -> None:
        """Write the status of a pod's present step, and plan its next one."""
        pod = self._pods.get(uid)
        if pod is None or pod.is_leaving:
            return
        made = step_of(pod.body, pod.step, now())
        try:
            self._write_status(uid, pod, made)
        except ApiError as error:
            if error.status not in EXPECTED:
                raise
            return
        for reason, message in made.events:
            path = f"/api/v1/namespaces/{pod.body['metadata']['namespace']}/events"
            self._send_expecting("POST", path, event_body(pod.body, reason, message))
        if made.next_s is not None:
            self._work.add_later(made.next_s, uid, lambda: self._advance(uid, pod.images))

    def _advance(self, uid: str, images: tuple[str, ...]) -> None:
        pod = self._pods.get(uid)
        if pod is not None and pod.images == images:
            pod.step += 1
            # Work of its own: tried again after a broken connection, it must not take another step.
            self._work.add(uid, lambda: self._report(uid))

    def _write_status(self, uid: str, pod: Pod, made: Step) -> None:
        meta = pod.body["metadata"]
        status = {
            **made.status,
            "conditions": [stamped(condition, pod.conditions) for condition in made.status["conditions"]],
            "startTime": pod.start_time,
            "hostIP": "127.0.0.1",
            "hostIPs": [{"ip": "127.0.0.1"}],
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        # The uid makes the server refuse a status that is meant for an older pod of the same name.
        self._api.send("PATCH", path, {"metadata": {"uid": uid}, "status": status}, content_type=STRATEGIC_MERGE_PATCH)

    def _remove(self, uid: str) -> None:
        pod = self._pods.get(uid)
        if pod is None:
            return
        meta = pod.body["metadata"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        self._send_expecting("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", options)

    def _send_expecting(self, method: str, path: str, body: object) -> None:
        try:
            self._api.send(method, path, body)
        except ApiError as error:
            if error.status not in EXPECTED:
                raise


def register_node(api: RawApi, name: str, kubelet_port: int) -> None:
    """Make a node that is healthy and very large."""
    try:
        api.send("POST", "/api/v1/nodes", node_body(name))
    except ApiError as error:
        if error.status != 409:
            raise
    beat(api, name)
    status = {"status": node_status(name, kubelet_port)}
    api.send("PATCH", f"/api/v1/nodes/{name}/status", status, content_type=STRATEGIC_MERGE_PATCH)


def beat(api: RawApi, name: str) -> None:
    """Say that a node is alive."""
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now(micro=True)},
    }
    path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}?fieldManager=kubelet&force=true"
    api.send("PATCH", path, lease, content_type=APPLY_PATCH)


def stamped(condition: Mapping[str, Any], seen: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Add the time since when the condition has its status."""
    status, since = seen.get(condition["type"], ("", ""))
    if status != condition["status"]:
        since = now()
        seen[condition["type"]] = (condition["status"], since)
    return {**condition, "lastTransitionTime": since}


def now(*, micro: bool = False) -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def node_body(name: str) -> dict[str, Any]:
    """Return a node as its kubelet registers it."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def node_status(name: str, kubelet_port: int) -> dict[str, Any]:
    """Return the status of a healthy and very large node."""
    room = {"cpu": "512", "memory": "4096Gi", "pods": "20000", "ephemeral-storage": "4096Gi"}
    unknown = dict.fromkeys(("machineID", "systemUUID", "bootID"), name)
    healthy = [
        {"type": "Ready", "status": "True", "reason": "KubeletReady"},
        *(
            {"type": kind, "status": "False", "reason": "Fake"}
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ),
    ]
    times = {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
    return {
        "capacity": room,
        "allocatable": room,
        "conditions": [{**condition, **times} for condition in healthy],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
        "nodeInfo": {
            **unknown,
            "architecture": "amd64",
            "operatingSystem": "linux",
            "osImage": "fake",
            "kernelVersion": "6.1.0",
            "containerRuntimeVersion": "fake://1.0.0",
            "kubeletVersion": "v1.36.2",
            "kubeProxyVersion": "",
        },
    }


def event_body(pod: Body, reason: str, message: str) -> dict[str, Any]:
    """Return a warning about a pod as a kubelet posts it."""
    meta = pod["metadata"]
    involved = {"apiVersion": "v1", "kind": "Pod", **{key: meta[key] for key in ("name", "namespace", "uid")}}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
        "involvedObject": involved,
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")},
    }


def main(argv: list[str]) -> None:
    """Run the nodes."""
    server, ca_file, token, kubelet_port, certificate, key = argv
    nodes = FakeNodes(RawApi(server, Path(ca_file), token), int(kubelet_port))
    logs = serve_logs(int(kubelet_port), Path(certificate), Path(key), nodes.find_pod)
    threading.Thread(target=logs.serve_forever, daemon=True).start()
    nodes.run()


if __name__ == "__main__":
    main(sys.argv[1:])
