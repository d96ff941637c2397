"""`python -m tests.lib.kubelet FOLDER SERVER CA_FILE TOKEN KUBELET_PORT CERTIFICATE KEY`: run the nodes until killed."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lib import fake_volumes
from tests.lib.fake_nodes import HEARTBEAT_S, NODES, beat, register_node
from tests.lib.following import follow_objects
from tests.lib.kubelet.api_access import relay
from tests.lib.kubelet.images import Image, repository_of, table
from tests.lib.kubelet.names import serve_names
from tests.lib.kubelet.network import Network
from tests.lib.kubelet.pods import Node, Pod
from tests.lib.kubelet.programs import run
from tests.lib.kubelet.rootfs import build_skeleton
from tests.lib.kubelet.services import Directory, keep_rules
from tests.lib.kubelet.serving import serve
from tests.lib.raw_api import RawApi
from tests.lib.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITERS = 6


class Kubelet:
    """Plays both nodes of the control plane."""

    def __init__(self, server: str, api: RawApi, kubelet_port: int, folder: Path) -> None:
        self._server, self._api, self._port = server, api, kubelet_port
        self._images, self._lock = table(), threading.Lock()
        self._directory = Directory()
        self._pods: dict[str, Pod] = {}
        self._node = Node(
            api=api,
            work=WorkQueue(WRITERS),
            network=Network(),
            folder=folder / "run",
            logs=folder / "logs",
            skeleton_of=self._skeleton_of,
        )

    def run(self) -> None:
        """Serve until the process ends."""
        node = self._node
        node.folder.mkdir(parents=True)
        node.logs.mkdir(parents=True)
        # Layers cannot are in the file system they are laid over; and databases of tests need no disk.
        run("mount", "-t", "tmpfs", "-o", "mode=755", "kubelet", str(node.folder))
        node.network.build()
        for name in NODES:
            register_node(self._api, name, self._port)
        follow = [
            ("/api/v1/services", self._directory.on_service),
            ("/apis/discovery.k8s.io/v1/endpointslices", self._directory.on_slice),
            ("/api/v1/pods?fieldSelector=spec.nodeName!=", self._on_pod),
            *fake_volumes.provisioner(self._api, node.work, discard=self._discard_volume),
        ]
        _begin(partial(serve_names, self._directory))
        _begin(partial(keep_rules, self._directory))
        _begin(partial(relay, self._api, self._server))
        for path, handle in follow:
            _begin(partial(follow_objects, self._api, path, handle))
        print("the kubelet runs", flush=True)
        while True:
            time.sleep(HEARTBEAT_S)
            for name in NODES:
                node.work.add(name, partial(beat, self._api, name))

    def find_pod(self, namespace: str, name: str) -> Pod | None:
        """Return a pod by its name."""
        with self._lock:
            found = [one for one in self._pods.values() if _is_named(one.body, namespace, name)]
        return found[-1] if found else None

    def _on_pod(self, event: str, body: Mapping[str, Any]) -> None:
        uid = body["metadata"]["uid"]
        with self._lock:
            pod = self._pods.get(uid)
            if event == "DELETED":
                self._pods.pop(uid, None)
            elif pod is None:
                self._pods[uid] = Pod(body, self._node)
        if event == "DELETED":
            # Also one that was deleted without waiting for its node.
            if pod is not None:
                pod.update(
                    {
                        **body,
                        "metadata": {**body["metadata"], "deletionTimestamp": "gone", "deletionGracePeriodSeconds": 0},
                    }
                )
        elif pod is None:
            self._pods[uid].start()
        if event != "DELETED":
            self._pods[uid].update(body)

    def _skeleton_of(self, reference: str) -> tuple[Image, Path] | None:
        repository = repository_of(reference)
        image = self._images.get(repository)
        if image is None:
            return None
        with self._lock:
            return image, build_skeleton(self._node.folder / "images" / repository.replace("/", "_"), image)

    def _discard_volume(self, name: str) -> None:
        shutil.rmtree(self._node.folder / "claims" / name, ignore_errors=True)


def _begin(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _is_named(body: Mapping[str, Any], namespace: str, name: str) -> bool:
    return (body["metadata"]["namespace"], body["metadata"]["name"]) == (namespace, name)


def main(argv: list[str]) -> None:
    """Run the kubelet."""
    folder, server, ca_file, token, port, certificate, key = argv
    kubelet = Kubelet(server, RawApi(server, Path(ca_file), token), int(port), Path(folder))
    endpoint = serve(int(port), Path(certificate), Path(key), kubelet.find_pod)
    _begin(endpoint.serve_forever)
    kubelet.run()


if __name__ == "__main__":
    main(sys.argv[1:])
