"""What a node does for the pods of the controller, where no image can be run: its program, as its pods say it is run.

    python -m tests.lib.controller_pods PLANE NAMESPACE FOLDER PROGRAM…

Each pod of the controller becomes a process: PROGRAM (`bundler`) with the entry point of the image, the pod's own
arguments and environment, files of its ConfigMaps and Secrets, and a token of its ServiceAccount, which is all that it
has. A pod that is deleted is asked to end, as by a kubelet; its ports are other ones, because pods share this machine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lib.controlplane import ControlPlane
from tests.lib.processes import free_ports, spawn
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

ENTRY = ("controller", "run")
"""The image's entry point; `tool/controller_image.py` writes it."""
CHOSEN = "labelSelector=app.kubernetes.io%2Fname%3Dcontroller"
LOG = "controller.log"


class Pods:
    """The controllers of a namespace, as its pods want them."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path, program: Sequence[str]) -> None:
        self._plane, self._namespace, self._folder, self._program = plane, namespace, folder, program
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def look(self) -> None:
        """Start what is to run and does not, and end what is not to run any more."""
        found = self._plane.api("GET", f"/api/v1/namespaces/{self._namespace}/pods?{CHOSEN}")["items"]
        wanted = {one["metadata"]["uid"]: one for one in found if "deletionTimestamp" not in one["metadata"]}
        for uid in wanted.keys() - self._running.keys():
            self._running[uid] = self._start(wanted[uid])
        for uid in self._running.keys() - wanted.keys():
            self._running.pop(uid).send_signal(signal.SIGTERM)

    def _start(self, pod: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        spec, place = pod["spec"], self._folder / pod["metadata"]["name"]
        (container,) = spec["containers"]
        mounted = {one["mountPath"]: self._volume(place, one["name"], spec) for one in container["volumeMounts"]}
        args = [re.sub(r"=:\d+$", f"=127.0.0.1:{free_ports(1)[0]}", _moved(one, mounted)) for one in container["args"]]
        env = {one["name"]: _moved(one["value"], mounted) for one in container.get("env", ())}
        env |= {"HOME": str(place), "KUBECONFIG": str(self._kubeconfig(place, spec["serviceAccountName"]))}
        # Authorities that the image would know.
        env |= {name: text for name, text in os.environ.items() if name == "SSL_CERT_FILE"}
        env |= {"BUNDLER_CACHE_DIR": str(place / "cache"), "PATH": os.environ["PATH"]}
        return spawn([*self._program, *ENTRY, *args], self._folder / LOG, cwd=place, env=env)

    def _volume(self, place: Path, name: str, spec: Mapping[str, Any]) -> Path:
        """Write the files of a volume."""
        folder = place / name
        folder.mkdir(parents=True)
        volume = next(one for one in spec["volumes"] if one["name"] == name)
        if "configMap" in volume:
            for key, text in self._read("configmaps", volume["configMap"]["name"])["data"].items():
                (folder / key).write_text(text)
        if "secret" in volume:
            data = self._read("secrets", volume["secret"]["secretName"])["data"]
            for one in volume["secret"]["items"]:
                (folder / one["path"]).write_bytes(b64decode(data[one["key"]]))
        return folder

    def _kubeconfig(self, place: Path, account: str) -> Path:
        plane, path = self._plane, place / "kubeconfig"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        at = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        token = plane.api("POST", at, asked)["status"]["token"]
        cluster = {"server": plane.server, "certificate-authority": str(plane.ca_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "in-cluster",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [
                {"name": "in-cluster", "context": {"cluster": "c", "user": "u", "namespace": self._namespace}}
            ],
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def _read(self, plural: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._plane.api("GET", f"/api/v1/namespaces/{self._namespace}/{plural}/{name}")
        return found


def _moved(text: str, mounted: Mapping[str, Path]) -> str:
    """Return a word of a pod with the paths of this machine in it."""
    for path, folder in mounted.items():
        text = text.replace(path, str(folder))
    return text


def main(plane: str, namespace: str, folder: str, *program: str) -> None:
    """Look for pods until someone ends this; what runs ends with it."""
    pods = Pods(ControlPlane.attach(Path(plane)), namespace, Path(folder), program)
    while True:
        try:
            pods.look()
        except (ApiError, OSError) as error:
            print(error, file=sys.stderr, flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
