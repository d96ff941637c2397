"""A real Kubernetes control plane on loopback: etcd, API server, controllers, scheduler, and two fake nodes.

In tests use the fixtures of `fixtures_controlplane`. Outside of them:

    python -m tests.lib.controlplane up DIR      start one that stays, and write DIR/README with its kubeconfigs
    python -m tests.lib.controlplane down DIR    stop it
    python -m tests.lib.controlplane grant DIR NAMESPACE    let the user `deployer` work in an existing namespace

Images decide what pods do: broken, crash, exit1, failjob, unready, slow anywhere in the name; see `pod_states`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lib import access, fake_volumes
from tests.lib.processes import accepts_connections, free_ports, kill_all, spawn
from tests.lib.program_flags import Ports, program_flags
from tests.lib.raw_api import ApiError, RawApi

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "tests" / "controlplane" / "build.py"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
HOW_TO_GET = "run `make controlplane` (needs Go 1.26), or set KUBEBUILDER_ASSETS to a folder with " + ", ".join(
    PROGRAMS
)
READY_TIMEOUT_S = 240
FAKE_NODES = (sys.executable, "-m", "tests.lib.fake_nodes")
POLL_S = 0.05

Argv = Sequence[str]


class ControlPlaneError(Exception):
    """The control plane cannot be had, or did not start."""


def find_binaries() -> Mapping[str, Argv] | None:
    """Return how to start each program, building our binary where Go is installed; None where there is no way.

    Raises:
        ControlPlaneError: where KUBEBUILDER_ASSETS lacks a program, or the build fails.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        missing = [name for name in PROGRAMS if not (Path(assets) / name).exists()]
        if missing:
            raise ControlPlaneError(f"KUBEBUILDER_ASSETS={assets} has no {', '.join(missing)}")
        return {name: (str(Path(assets) / name),) for name in PROGRAMS}
    if shutil.which("go") is None:
        return None
    built = subprocess.run([sys.executable, str(BUILD)], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        raise ControlPlaneError("the control plane could not be built; the messages stand above")
    return {name: (built.stdout.strip(), name) for name in PROGRAMS}


class ControlPlane:
    """One control plane; its files and logs are in one folder."""

    def __init__(self, folder: Path, server: str) -> None:
        """Describe a control plane that runs, or is about to; see `start` and `attach`."""
        self.folder, self.server = folder, server
        self.ca_file = folder / "pki" / "ca.crt"
        self.token = access.TOKEN_USERS[0].token
        self._api = RawApi(server, self.ca_file, self.token)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def start(cls, folder: Path, binaries: Mapping[str, Argv], nodes: Argv = FAKE_NODES) -> ControlPlane:
        """Start everything and wait until pods can be created and run.

        Args:
            folder: for its files and logs.
            binaries: how to start each program.
            nodes: how to start what plays the nodes.

        Raises:
            ControlPlaneError: with the last lines of the log of the program that failed.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        ports = Ports(**dict(zip(Ports.__slots__, free_ports(len(Ports.__slots__)), strict=True)))
        _write_files(folder, ports)
        plane = cls(folder, f"https://127.0.0.1:{ports.api}")
        try:
            plane._start_all(binaries, ports, nodes)
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def attach(cls, folder: Path) -> ControlPlane:
        """Use a control plane that `up` started.

        Raises:
            ControlPlaneError: where none runs there.
        """
        try:
            described = json.loads((folder / "plane.json").read_text())
            plane = cls(folder.resolve(), described["server"])
            plane._api.send("GET", "/readyz")
        except (OSError, ApiError) as error:
            raise ControlPlaneError(f"no control plane runs in {folder}: {error}") from error
        return plane

    def stop(self) -> None:
        """Kill every program that this object started."""
        self._api.close()
        kill_all(list(self._processes.values()))
        self._processes.clear()

    def kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of one of `access.USERS`."""
        return self.folder / "kubeconfigs" / f"{user}.kubeconfig"

    def api(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> Any:
        """Send a request as admin and return the decoded answer.

        Raises:
            ApiError: for a status of 400 or more.
        """
        return self._api.call(method, path, body, content_type=content_type)

    def api_text(self, path: str) -> str:
        """GET something that is not JSON, such as a log, as admin."""
        return self._api.send("GET", path).decode()

    def client(self, user: str) -> RawApi:
        """Return a raw client for one of the users that have a token; the caller closes it."""
        tokens = {one.name: one.token for one in access.TOKEN_USERS}
        return RawApi(self.server, self.ca_file, tokens[user])

    def grant_namespace_deployer(self, namespace: str) -> None:
        """Let the user `deployer` work in one namespace."""
        for path, body in access.deployer_objects(namespace):
            self._create(path, body)

    def exec_plugin_calls(self) -> int:
        """Return how often the credential plugin of the user `exec` has run."""
        calls = self.folder / "kubeconfigs" / "exec-calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def dead_program(self) -> str | None:
        """Return the name of a program that has ended by itself, if any."""
        return next((name for name, process in self._processes.items() if process.poll() is not None), None)

    def _start_all(self, binaries: Mapping[str, Argv], ports: Ports, nodes: Argv) -> None:
        flags = program_flags(self.folder, ports)
        self._spawn("etcd", [*binaries["etcd"], *flags["etcd"]])
        self._wait("etcd to listen", lambda: accepts_connections(ports.etcd))
        self._spawn("kube-apiserver", [*binaries["kube-apiserver"], *flags["kube-apiserver"]])
        self._wait("kube-apiserver to be ready", self._is_serving)
        kubelet = self.folder / "pki" / "kubelet"
        access_words = [self.server, str(self.ca_file), self.token]
        self._spawn("nodes", [*nodes, *access_words, str(ports.kubelet), f"{kubelet}.crt", f"{kubelet}.key"])
        for name in ("kube-controller-manager", "kube-scheduler"):
            self._spawn(name, [*binaries[name], *flags[name]])
        self._create("/apis/storage.k8s.io/v1/storageclasses", fake_volumes.storage_class())
        for path, body in access.cluster_objects():
            self._create(path, body)
        self._wait("nodes and the default ServiceAccount", self._can_run_pods)

    def _spawn(self, name: str, argv: Argv) -> None:
        self._processes[name] = spawn(argv, self.folder / f"{name}.log", cwd=ROOT)

    def _wait(self, what: str, is_done: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_TIMEOUT_S
        while not is_done():
            dead = self.dead_program()
            if dead is not None or time.monotonic() > end:
                raise ControlPlaneError(f"waited for {what}; {self._last_words(dead or 'kube-apiserver')}")
            time.sleep(POLL_S)

    def _last_words(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        return "\n".join([f"the end of {log}:", *log.read_text(errors="replace").splitlines()[-15:]])

    def _is_serving(self) -> bool:
        try:
            return self._api.send("GET", "/readyz") == b"ok"
        except (ApiError, OSError):
            return False

    def _can_run_pods(self) -> bool:
        nodes = self.api("GET", "/api/v1/nodes")["items"]
        if len(nodes) < 2 or any(node["spec"].get("taints") for node in nodes):
            return False
        try:
            self.api("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        except ApiError:
            return False
        return True

    def _create(self, path: str, body: object) -> None:
        try:
            self.api("POST", path, body)
        except ApiError as error:
            if error.status != 409:
                raise


def _write_files(folder: Path, ports: Ports) -> None:
    # Attaching to a control plane, and asking whether there is one, need no certificates.
    from tests.lib.certs import Authority, make_signing_keys

    server = f"https://127.0.0.1:{ports.api}"
    authority = Authority(folder / "pki")
    authority.issue("apiserver", server=True)
    authority.issue("kubelet", server=True)
    authority.issue("kubelet-client", groups=(access.MASTERS,))
    make_signing_keys(folder / "pki", "serviceaccounts")
    access.write_token_file(folder / "tokens.csv")
    access.write_kubeconfigs(folder / "kubeconfigs", server, authority)
    (folder / "plane.json").write_text(json.dumps({"server": server, "ca": str(authority.certificate)}))


def up(folder: Path) -> None:
    """Start a control plane that outlives this process; one that runs there already is left as it is."""
    folder = folder.resolve()
    if not _is_running(folder):
        _start_server(folder)
    print((folder / "README").read_text())


def _is_running(folder: Path) -> bool:
    try:
        ControlPlane.attach(folder).stop()
    except ControlPlaneError:
        return False
    return True


def _start_server(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("READY", "etcd"):
        _remove(folder / name)
    with (folder / "serve.log").open("wb") as log:
        argv = [sys.executable, "-m", "tests.lib.controlplane", "serve", str(folder)]
        server = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (folder / "pid").write_text(str(server.pid))
    while not (folder / "READY").exists():
        if server.poll() is not None:
            raise ControlPlaneError((folder / "serve.log").read_text())
        time.sleep(POLL_S)


def down(folder: Path) -> None:
    """Stop what `up` started, and wait until it is gone."""
    pid = int((folder / "pid").read_text())
    command = Path(f"/proc/{pid}/cmdline")
    running = command.read_bytes() if command.exists() else b""
    if running and b"tests.lib.controlplane" not in running:
        raise ControlPlaneError(f"process {pid} is another program by now; nothing was stopped")
    end = time.monotonic() + READY_TIMEOUT_S
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        # The server removes READY when everything has ended; its id may stay for as long as no one reaps it.
        while (folder / "READY").exists() and time.monotonic() < end:
            os.kill(pid, 0)
            time.sleep(POLL_S)
    _remove(folder / "READY")


def grant(folder: Path, namespace: str) -> None:
    """Let `deployer` work in a namespace of a control plane that `up` started."""
    plane = ControlPlane.attach(folder)
    plane.grant_namespace_deployer(namespace)
    plane.stop()


def serve(folder: Path) -> None:
    """Run a control plane in the foreground until a signal or the death of one of its programs."""
    binaries = find_binaries()
    if binaries is None:
        raise ControlPlaneError(HOW_TO_GET)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    began = time.monotonic()
    plane = ControlPlane.start(folder, binaries)
    try:
        configs = [f"{user}: {plane.kubeconfig(user)}" for user in access.USERS]
        help_text = (__doc__ or "").replace("DIR", str(folder))
        lines = [
            f"server {plane.server}, ready in {time.monotonic() - began:.1f} s",
            "kubeconfigs:",
            *configs,
            "",
            help_text,
        ]
        (folder / "README").write_text("\n".join(lines) + "\n")
        (folder / "READY").write_text(f"{plane.server}\n")
        while (dead := plane.dead_program()) is None:
            time.sleep(1)
        raise ControlPlaneError(f"{dead} has ended; see {folder / dead}.log")
    finally:
        plane.stop()
        _remove(folder / "READY")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main(argv: Sequence[str]) -> int:
    """Carry out one of the verbs of the module's text, or `serve DIR`, which `up` uses."""
    try:
        match argv:
            case ["up", folder]:
                up(Path(folder))
            case ["down", folder]:
                down(Path(folder))
            case ["serve", folder]:
                serve(Path(folder))
            case ["grant", folder, namespace]:
                grant(Path(folder), namespace)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (ControlPlaneError, ApiError) as error:
        print(f"controlplane: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
