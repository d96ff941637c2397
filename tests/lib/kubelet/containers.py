"""One container of a pod over its runs: started, probed, restarted, stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.lib.fake_nodes import now
from tests.lib.kubelet import probes
from tests.lib.kubelet.api_access import VARIABLES
from tests.lib.kubelet.environment import ConfigError, command_line, resolve_environment, user_of
from tests.lib.kubelet.images import Image, repository_of
from tests.lib.kubelet.process import LaunchError, Process
from tests.lib.kubelet.rootfs import Launch, Mount
from tests.lib.kubelet.volumes import mounts_of
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from pathlib import Path

Body = Mapping[str, Any]

BACK_OFF_S, MOST_BACK_OFF_S = 0.5, 30.0
"""A kubelet begins with ten seconds; no one waits for that here."""
CONFIG_RETRY_S = 0.5
WELL_FOR_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlace:
    """What the containers of one pod share."""

    pod: Body
    folder: Path
    logs: Path
    network: str
    address: str
    volumes: Mapping[str, Path]
    shared: tuple[Mount, ...]
    """Files that every container has: hosts, resolv.conf, hostname."""
    read: Callable[[str, str], Mapping[str, bytes] | None]
    skeleton_of: Callable[[str], tuple[Image, Path] | None]
    warn: Callable[[str, str], None]
    """Posts an event with a reason and a message."""


@dataclass(slots=True)
class Seen:
    """What is known about a container; written by its own thread and its probes."""

    state: dict[str, Any] = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last_state: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    is_started: bool = False
    is_ready: bool = False


class Container:
    """Keeps one container as its restart policy says, in a thread of its own."""

    def __init__(self, spec: Body, place: PodPlace, *, restarts: str, changed: Callable[[], None]) -> None:
        """Describe it.

        Args:
            spec: as the pod has it.
            place: what it shares with the other containers.
            restarts: Always, OnFailure or Never.
            changed: called after every change of `seen`.
        """
        self.spec, self._place, self._restarts, self._changed = spec, place, restarts, changed
        self.seen = Seen()
        self.process: Process | None = None
        self.log: Path | None = None
        self.previous_log: Path | None = None
        self.is_up, self.is_over = threading.Event(), threading.Event()
        """It has started, as far as its startup probe knows; it will not run again."""
        self._leaving = threading.Event()
        self._probes: list[probes.Probe] = []
        self._run_number = 0

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return str(self.spec["name"])

    @property
    def exit_code(self) -> int | None:
        """The exit code of its last run, where it has ended."""
        code = self.seen.state.get("terminated", {}).get("exitCode")
        return None if code is None else int(code)

    def start(self) -> None:
        """Let it run."""
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self, grace_s: float) -> None:
        """Run the preStop hook, ask it to end, and kill it when the time is over."""
        self._leaving.set()
        process = self.process
        if process is None or process.ended.is_set():
            return
        deadline = time.monotonic() + grace_s
        hook = self.spec.get("lifecycle", {}).get("preStop")
        if hook and grace_s > 0:
            probes.ask(hook, self._target(process), grace_s)
        process.signal(process.stop_signal)
        if not process.ended.wait(max(0.0, deadline - time.monotonic())):
            process.kill()
        self.is_over.wait(10)

    def _keep(self) -> None:
        back_off_s = BACK_OFF_S
        while not self._leaving.is_set():
            began = time.monotonic()
            code = self._run_once()
            if code is None:
                self._leaving.wait(CONFIG_RETRY_S)
                continue
            if self._leaving.is_set() or self._restarts == "Never" or (self._restarts == "OnFailure" and code == 0):
                break
            if time.monotonic() - began > WELL_FOR_S:
                back_off_s = BACK_OFF_S
            self._wait_to_restart(back_off_s)
            back_off_s = min(2 * back_off_s, MOST_BACK_OFF_S)
        self.is_over.set()
        self._changed()

    def _wait_to_restart(self, back_off_s: float) -> None:
        self.seen.last_state = self.seen.state
        message = f"back-off {back_off_s:g}s restarting failed container={self.name}"
        self.seen.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        self._changed()
        self._place.warn("BackOff", message)
        if not self._leaving.wait(back_off_s):
            self.seen.restarts += 1

    def _run_once(self) -> int | None:
        """Run it to its end and return the exit code; None where it could not be made."""
        try:
            launch = self._describe()
            self.previous_log, self.log = self.log, self._place.logs / f"{self.name}.{self._run_number}"
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._run_number += 1
            self.process = process = Process(launch, self._place.network, self.log)
        except (ConfigError, ApiError, OSError) as error:
            self._wait("CreateContainerConfigError", str(error))
            return None
        except _NoImageError as error:
            self._wait("ErrImagePull", str(error))
            return None
        except LaunchError as error:
            self._end(128, now(), "StartError", str(error))
            return 128
        started_at = now()
        self.seen.state = {"running": {"startedAt": started_at}}
        self._attend(process)
        code = process.wait()
        for probe in self._probes:
            probe.stop()
        self._end(code, started_at, "Completed" if code == 0 else "Error", "")
        return code

    def _attend(self, process: Process) -> None:
        """Run the postStart hook and begin to probe."""
        target = self._target(process)
        hook = self.spec.get("lifecycle", {}).get("postStart")
        if hook:
            is_well, why = probes.ask(hook, target, 60)
            if not is_well:
                self._place.warn("FailedPostStartHook", why)
                process.kill()
        self._probes = []
        if "startupProbe" in self.spec:
            self._probe("startupProbe", target, lambda is_well, why: self._on_startup(process, target, is_well, why))
        else:
            self._on_startup(process, target, True, "")
        self._changed()

    def _probe(self, kind: str, target: probes.Target, report: Callable[[bool, str], None]) -> None:
        probe = probes.Probe(self.spec[kind], target, report)
        self._probes.append(probe)
        probe.start()

    def _on_startup(self, process: Process, target: probes.Target, is_well: bool, why: str) -> None:
        if not is_well:
            self._kill_unwell(process, f"Startup probe failed: {why}")
            return
        if self.seen.is_started:
            return
        self.seen.is_started = True
        for probe in self._probes:
            probe.stop()
        self.is_up.set()
        if "readinessProbe" in self.spec:
            self._probe("readinessProbe", target, self._on_readiness)
        else:
            self.seen.is_ready = True
        if "livenessProbe" in self.spec:
            self._probe("livenessProbe", target, lambda ok, why: ok or self._kill_unwell(process, why))
        self._changed()

    def _on_readiness(self, is_well: bool, why: str) -> None:
        if is_well != self.seen.is_ready:
            self.seen.is_ready = is_well
            self._changed()
        if not is_well:
            self._place.warn("Unhealthy", f"Readiness probe failed: {why}")

    def _kill_unwell(self, process: Process, why: str) -> None:
        self._place.warn("Unhealthy", why)
        grace_s = self._place.pod["spec"].get("terminationGracePeriodSeconds", 30)
        process.signal(process.stop_signal)
        if not process.ended.wait(grace_s):
            process.kill()

    def _wait(self, reason: str, message: str) -> None:
        if self.seen.state.get("waiting", {}).get("message") != message:
            self.seen.state = {"waiting": {"reason": reason, "message": message}}
            self._place.warn("Failed", message)
            self._changed()

    def _end(self, code: int, started_at: str, reason: str, message: str) -> None:
        ended = {"exitCode": code, "reason": reason, "startedAt": started_at, "finishedAt": now()}
        self.seen.state = {"terminated": {**ended, **({"message": message} if message else {})}}
        self.seen.is_started = self.seen.is_ready = False
        self.is_up.clear()
        self._changed()

    def _describe(self) -> Launch:
        place, spec = self._place, self.spec
        found = place.skeleton_of(spec["image"])
        if found is None:
            raise _NoImageError(f'image "{spec["image"]}" is not in the table of this kubelet')
        image, skeleton = found
        env = {**image.env, **VARIABLES, "HOSTNAME": place.pod["metadata"]["name"]}
        own = resolve_environment(spec, _with_address(place), place.read)
        return Launch(
            stop_signal=image.stop_signal,
            folder=place.folder / "roots" / self.name,
            skeleton=skeleton,
            mounts=(*place.shared, *mounts_of(spec, place.volumes)),
            user=user_of(spec, place.pod, image),
            argv=command_line(spec, image, own),
            env={**env, **own},
            working_dir=spec.get("workingDir") or image.working_dir,
            host_name=place.pod["spec"].get("hostname") or place.pod["metadata"]["name"],
        )

    def _target(self, process: Process) -> probes.Target:
        ports = {one["name"]: one["containerPort"] for one in self.spec.get("ports", ()) if "name" in one}
        return probes.Target(process=process, address=self._place.address, ports=ports)


class _NoImageError(Exception):
    """The image is not one of ours."""


def _with_address(place: PodPlace) -> Body:
    """Return the pod as the downward API sees it: its address is known before its status is written."""
    status = {"podIP": place.address, "hostIP": "127.0.0.1", "podIPs": [{"ip": place.address}]}
    return {**place.pod, "status": {**place.pod.get("status", {}), **status}}


def image_id(reference: str) -> str:
    """Return what a status says about an image."""
    return f"{repository_of(reference)}@sha256:{'0' * 64}"
