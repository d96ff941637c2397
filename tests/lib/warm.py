"""Run bundler in real processes that need not start an interpreter each: a small server imports it once and forks.

    with warm_start() as warm:
        run = warm.start(["install", "shop"], env={...}, output=path)
        os.kill(run.pid, SIGKILL)
        assert run.wait() == -SIGKILL

One run at a time per server. The server has one thread only, so that forking is safe; it keeps nothing of its runs, and
serves one test after the other.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "bundler.cli.main",
    "bundler.cli.commands.install",
    "bundler.cli.commands.upgrade",
    "bundler.cli.commands.rollback",
    "bundler.cli.commands.uninstall",
    "bundler.actions.release.install",
    "bundler.actions.release.rollback",
    "bundler.actions.release.uninstall",
    "bundler.cluster.client",
    "bundler.cluster.kubeconfig",
    "bundler.sandbox.client",
    "bundler.storage.lock",
    "bundler.storage.secrets",
    "bundler.loader.load",
    "bundler.fields.kinds",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One process of bundler; both its streams go to one file."""

    pid: int
    output: Path
    server: subprocess.Popen[str]
    under_way: set[int] = field(default_factory=set)
    """Process ids of the server's runs that no one has waited for."""

    def wait(self) -> int:
        """Return the exit code, negative for a signal, as subprocess has it."""
        assert self.server.stdout is not None
        code = int(self.server.stdout.readline())
        self.under_way.discard(self.pid)
        return code

    @property
    def text(self) -> str:
        """What it printed so far."""
        return self.output.read_text("utf-8", "replace")


class WarmStart:
    """A server that forks."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.lib.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.under_way: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def start(self, argv: Sequence[str], *, env: Mapping[str, str], output: Path) -> Run:
        """Begin a run of `bundler ARGV` with nothing but ``env`` in its environment."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {"argv": list(argv), "env": dict(env), "output": str(output)}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        pid = self._server.stdout.readline()
        assert pid, "the warm start has died; what it said stands on stderr"
        self.under_way.add(int(pid))
        return Run(int(pid), output, self._server, self.under_way)


_IDLE: list[WarmStart] = []
_MOST_IDLE = 3


@contextlib.contextmanager
def warm_start() -> Iterator[WarmStart]:
    """Lend a server that is idle, or a new one."""
    warm = _IDLE.pop() if _IDLE else WarmStart()
    try:
        yield warm
    finally:
        if warm.under_way or len(_IDLE) >= _MOST_IDLE:
            warm.__exit__()
        else:
            _IDLE.append(warm)


@atexit.register
def _end_all() -> None:
    while _IDLE:
        _IDLE.pop().__exit__()


def serve() -> None:
    """Fork for each line of stdin; say the process id first and the exit code at its end."""
    for name in IMPORTED:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        os.write(1, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict[str, object]) -> None:
    from bundler.cli.main import run

    code = 70
    try:
        output = os.open(str(request["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload]
        code = run(request["argv"])  # type: ignore[arg-type]
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
