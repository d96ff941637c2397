"""One run of a container: its processes, from the start to the exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lib.kubelet import logs
from tests.lib.kubelet.network import in_network
from tests.lib.kubelet.rootfs import as_user, launch_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lib.kubelet.rootfs import Launch

ISOLATED = ("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork")
POLL_S = 0.01


class LaunchError(Exception):
    """The container could not be started; what it printed says why."""


class Process:
    """A running container. Its first process has number 1 in a PID namespace, and ends everything else with it."""

    def __init__(self, launch: Launch, network: str, log: Path) -> None:
        """Start it.

        Raises:
            LaunchError: where its root cannot be built.
        """
        self._launch, self.log = launch, log
        self.ended = threading.Event()
        self.stop_signal = launch.stop_signal
        self._is_killed = False
        shutil.rmtree(launch.folder, ignore_errors=True)
        launch.folder.mkdir(parents=True)
        reading, writing = os.pipe()
        output, printed = os.pipe()
        # The program opens /dev/stdout by its name.
        os.fchown(printed, launch.user.uid, launch.user.gid)
        try:
            self._process = subprocess.Popen(
                [*in_network(network), *ISOLATED, "sh", "-c", launch_script(launch)],
                stdin=writing,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        finally:
            os.close(writing)
            os.close(printed)
        self._pump = logs.keep(os.fdopen(output, "rb"), log)
        with os.fdopen(reading, "rb") as ready:
            # The outer process keeps its end open, so there is no end of file to wait for.
            is_up = ready.readline() == b"up\n"
        if not is_up:
            self.wait()
            raise LaunchError(log.read_text(errors="replace")[-500:])
        self.first = self._find_first()

    def wait(self) -> int:
        """Wait for the end and return the exit code, 128 and the signal's number after a signal."""
        code = self._process.wait()
        self._pump.join(timeout=2)
        self.ended.set()
        if self._is_killed:
            # `unshare` fails to pass this one signal on.
            return 128 + signal.SIGKILL
        return 128 - code if code < 0 else code

    def signal(self, number: int) -> None:
        """Send a signal to the first process; one that it does not handle is lost, as it is to every process 1."""
        if not self.ended.is_set() and self.first:
            try:
                os.kill(self.first, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """End everything in the container at once."""
        self._is_killed = not self.ended.is_set()
        self.signal(signal.SIGKILL)

    def run(self, argv: Sequence[str], *, timeout_s: float) -> tuple[int, bytes]:
        """Run a command in the container, as its user; returns exit code and output.

        Raises:
            subprocess.TimeoutExpired: where it takes longer.
        """
        launch = self._launch
        words = as_user(launch.user, launch.env, launch.working_dir, argv)
        namespaces = ["nsenter", f"--target={self.first}", "--mount", "--uts", "--ipc", "--net", "--pid"]
        done = subprocess.run(
            [*namespaces, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
        return done.returncode, done.stdout

    def _find_first(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        while self._process.poll() is None:
            try:
                found = children.read_text().split()
            except OSError:
                break
            if found:
                return int(found[0])
            time.sleep(POLL_S)
        return 0
