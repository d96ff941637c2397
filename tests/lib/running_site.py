"""A namespace whose pods are real processes, for the tests of bundles that run.

`python -m tests.lib.running_site` says why they cannot run here, and succeeds where they can.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.lib.controlplane import ROOT, ControlPlane
from tests.lib.kubelet import images
from tests.lib.raw_api import MERGE_PATCH, ApiError, RawApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.lib.controlplane import Argv

NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
REAPING = ("sh", "-c", '"$@" & wait $!', "sh")
"""What is left of a command that took too long in a container is a child of the first process, which takes note of its
end: a container ends only when no one of it is left."""
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
PATIENCE_S = 120.0
CONNECTED_S = 20.0
"""Until the rules of a Service follow what is ready."""
REFUSED = ("Connection refused", "Couldn't connect to server")


def reason_against() -> str:
    """Return why no pods of real processes can run here; empty where they can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs Linux and root"
    if missing := images.missing_programs():
        return f"no {', '.join(missing)}: {images.HOW_TO_GET}"
    tried = (
        "mount -t tmpfs x /mnt && mkdir /mnt/u /mnt/w /mnt/r && "
        "mount -t overlay x -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r && iptables -t nat -L"
    )
    done = subprocess.run([*NAMESPACES, "--net", "sh", "-c", tried], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"the kernel refuses namespaces, layers or iptables: {done.stderr.strip()}"


def start_plane(folder: Path, binaries: Mapping[str, Argv]) -> ControlPlane:
    """Start a control plane with the kubelet of real processes as its nodes."""
    # Namespaces of its own: whatever ends the first process takes every container, mount and network with it.
    nodes = [*NAMESPACES, *REAPING, sys.executable, "-m", "tests.lib.kubelet", str(folder / "kubelet")]
    # Fifteen seconds otherwise, which a test of an autoscaler waits.
    controllers = [*binaries["kube-controller-manager"], "--horizontal-pod-autoscaler-sync-period=2s"]
    return ControlPlane.start(folder, {**binaries, "kube-controller-manager": controllers}, nodes)


@dataclass
class RunningSite:
    """One namespace: installs bundles with the program itself, and asks what runs in it."""

    plane: ControlPlane
    folder: Path
    namespace: str = field(default_factory=lambda: f"run-{uuid.uuid4().hex[:8]}")

    @cached_property
    def _kubelet(self) -> RawApi:
        """The kubelet's own endpoint: the API server leads no one to an address of this machine."""
        node = self.plane.api("GET", "/api/v1/nodes")["items"][0]
        port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        return RawApi(f"https://127.0.0.1:{port}", self.plane.ca_file, self.plane.token, timeout_s=310)

    def create(self) -> None:
        """Make the namespace."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": RESTRICTED}}
        self.plane.api("POST", "/api/v1/namespaces", body)

    def admit_every_pod(self) -> None:
        """Let the namespace enforce no level of Pod Security any more."""
        body = {"metadata": {"labels": dict.fromkeys(RESTRICTED)}}
        self.plane.api("PATCH", f"/api/v1/namespaces/{self.namespace}", body, content_type=MERGE_PATCH)

    def delete(self) -> None:
        """Ask for the end of the namespace."""
        self._kubelet.close()
        self.plane.api("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def bundler(self, *argv: str | Path) -> str:
        """Run one command line in the namespace, which has to go well, and return stdout."""
        done = self._run(argv)
        assert done.returncode == 0, f"{' '.join(map(str, argv))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def bundler_failing(self, *argv: str | Path) -> str:
        """Run one command line that has to fail, and return both its streams."""
        done = self._run(argv)
        assert done.returncode in {1, 4}, f"{' '.join(map(str, argv))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _run(self, argv: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        env = {"KUBECONFIG": str(self.plane.kubeconfig("admin")), "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        words = [sys.executable, "-m", "bundler", *map(str, argv), "-n", self.namespace]
        return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)

    def get(self, path: str) -> Any:
        """GET below the namespace; `path` is like `apps/v1/deployments/web`, or `v1/pods`."""
        return self.plane.api("GET", self._path(path))

    def items(self, path: str, **labels: str) -> list[dict[str, Any]]:
        """List below the namespace, by labels whose names have no slash or by `app.kubernetes.io/` ones."""
        chosen = ",".join(f"app.kubernetes.io/{name}={text}" for name, text in labels.items())
        query = f"?{urlencode({'labelSelector': chosen})}" if chosen else ""
        return list(self.get(path + query)["items"])

    def create_object(self, path: str, body: Mapping[str, Any]) -> None:
        """POST below the namespace."""
        self.plane.api("POST", self._path(path), body)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Merge into an object below the namespace."""
        self.plane.api("PATCH", self._path(path), body, content_type=MERGE_PATCH)

    def remove(self, path: str, *, at_once: bool = False) -> None:
        """DELETE below the namespace; `at_once` gives a pod no time to end."""
        self.plane.api("DELETE", self._path(path), {"gracePeriodSeconds": 0} if at_once else None)

    @contextlib.contextmanager
    def without_free_nodes(self) -> Iterator[None]:
        """Let no pod be scheduled for a while."""
        self._cordon(is_cordoned=True)
        try:
            yield
        finally:
            self._cordon(is_cordoned=False)

    def _cordon(self, *, is_cordoned: bool) -> None:
        for node in self.plane.api("GET", "/api/v1/nodes")["items"]:
            path = f"/api/v1/nodes/{node['metadata']['name']}"
            self.plane.api("PATCH", path, {"spec": {"unschedulable": is_cordoned}}, content_type=MERGE_PATCH)

    def run_in(self, pod: str, container: str, *argv: str) -> str:
        """Run a command in a container and return what it printed; again where it is refused a connection.

        A Service leads to a pod a moment after the pod is ready.

        Raises:
            ApiError: where it fails; its output is in the text.
        """
        end = time.monotonic() + CONNECTED_S
        while True:
            try:
                return self.run_once(pod, container, *argv)
            except ApiError as error:
                if time.monotonic() > end or not is_refused(error):
                    raise
            time.sleep(0.2)

    def run_once(self, pod: str, container: str, *argv: str) -> str:
        """Run a command in a container and return what it printed, whatever comes of it.

        Raises:
            ApiError: where it fails; its output is in the text.
        """
        query = urlencode([("cmd", word) for word in argv])
        answer = self._kubelet.send("POST", f"/run/{self.namespace}/{pod}/{container}?{query}")
        return answer.decode(errors="replace")

    def run_cron_job(self, name: str) -> str:
        """Run a CronJob's Job once, and return what it printed."""
        template = self.get(f"batch/v1/cronjobs/{name}")["spec"]["jobTemplate"]
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "now"}, "spec": template["spec"]}
        self.create_object("batch/v1/jobs", body)
        self.until(f"{name} to be done", lambda: self.get("batch/v1/jobs/now")["status"].get("succeeded"))
        chosen = "v1/pods?labelSelector=batch.kubernetes.io/job-name%3Dnow"
        text = "".join(self.logs(pod["metadata"]["name"]) for pod in self.items(chosen))
        self.plane.api("DELETE", self._path("batch/v1/jobs/now"), {"propagationPolicy": "Background"})
        self.until("its end", lambda: not self.items(chosen))
        return text

    def logs(self, pod: str, container: str = "", *, previous: bool = False) -> str:
        """Return what a container has printed."""
        query = urlencode({"container": container, "previous": str(previous).lower()})
        return self.plane.api_text(self._path(f"v1/pods/{pod}/log?{query}"))

    def until(self, what: str, is_so: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait until something is so, and return it; a request that fails is asked again."""
        end = time.monotonic() + patience_s
        last: object = None
        while time.monotonic() < end:
            try:
                if last := is_so():
                    return last
            except ApiError as error:
                last = error
            time.sleep(0.1)
        raise AssertionError(f"waited {patience_s:g} s for {what}; the last answer: {last}\n{self._state()}")

    def ready_pods(self, **labels: str) -> list[str]:
        """Return the names of pods that are ready and stay."""
        return sorted(pod["metadata"]["name"] for pod in self.items("v1/pods", **labels) if is_ready(pod))

    def beside(self, ending: str) -> RunningSite:
        """Return the namespace that a component has beside this one, which has to be made."""
        return RunningSite(self.plane, self.folder, f"{self.namespace}-{ending}")

    def _path(self, path: str) -> str:
        version, _, rest = path.partition("/")
        if version == "v1":
            return f"/api/v1/namespaces/{self.namespace}/{rest}"
        group_version, _, kind = rest.partition("/")
        return f"/apis/{version}/{group_version}/namespaces/{self.namespace}/{kind}"

    def _state(self) -> str:
        lines = []
        for pod in self.items("v1/pods"):
            lines.append(f"{pod['metadata']['name']}: {pod['status'].get('phase')}")
            for one in pod["status"].get("containerStatuses", ()):
                lines.append(f"  {one['name']}: ready={one['ready']} {one['state']}")
                try:
                    lines += [
                        f"    {line}" for line in self.logs(pod["metadata"]["name"], one["name"]).splitlines()[-8:]
                    ]
                except ApiError as error:
                    lines.append(f"    {error}")
        events = [f"{one.get('reason')}: {one.get('message')}" for one in self.items("v1/events")]
        return "\n".join([*lines, *events[-15:]])


def is_refused(error: ApiError) -> bool:
    """Return whether a command in a container was refused a connection."""
    return any(words in error.body for words in REFUSED)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod is ready and not on its way out."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


if __name__ == "__main__":
    reason = reason_against()
    print(reason)
    sys.exit(bool(reason))
