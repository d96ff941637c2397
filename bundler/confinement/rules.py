"""An author's readiness rules, judged in a process of its own. Layer: confinement.

Rules are judged over and over while others wait and watch in threads of this process, so it is not copied for them: a
small program is started once, by the first rule, and asked again and again. A rule that does not come to an end ends
the program and is not asked again; the next rule starts another.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import time
from typing import TYPE_CHECKING

from bundler.confinement.limits import MAX_MEMORY_BYTES
from bundler.confinement.memory import resident_bytes
from bundler.confinement.pipe import write_all
from bundler.health.generic import in_progress

if TYPE_CHECKING:
    from bundler.model.bundle import ReadinessRule
    from bundler.model.health import Health
    from bundler.model.json import Body

MAX_RULE_S = 4.0
LENGTH = struct.Struct(">I")
_LOOK_S = 0.25
_PROGRAM = "import sys; sys.path[:] = {path!r}; from bundler.confinement.rule_worker import serve; serve({seconds!r})"


class _EndedError(Exception):
    """The program has ended, or has to be; the text says why."""


class ConfinedRules:
    """Judges by rules in another process; see ``bundler.ports.JudgeByRule``."""

    def __init__(self, *, max_rule_s: float = MAX_RULE_S) -> None:
        self._max_rule_s = max_rule_s
        self._worker: _Worker | None = None
        self._refused: dict[tuple[str, str], str] = {}

    def __call__(self, rule: ReadinessRule, body: Body) -> Health:
        """Return how the object is; one whose rule does not come to an end is on its way for ever."""
        key = (rule.failed, rule.ready)
        if key in self._refused:
            return _not_computed(self._refused[key])
        worker = self._worker = self._worker or _Worker(self._max_rule_s)
        try:
            return worker.ask(rule, body)
        except _EndedError as error:
            self.close()
            self._refused[key] = str(error)
            return _not_computed(str(error))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the program."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _not_computed(why: str) -> Health:
    return in_progress(f"its rule cannot be computed: {why}")


class _Worker:
    """The program and the pipes to it."""

    def __init__(self, max_rule_s: float) -> None:
        self._max_rule_s = max_rule_s
        requests, self._out = os.pipe()
        self._in, answers = os.pipe()
        program = _PROGRAM.format(path=sys.path, seconds=max_rule_s)
        actions = [(os.POSIX_SPAWN_DUP2, requests, 0), (os.POSIX_SPAWN_DUP2, answers, 1)]
        try:
            self._process = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", program],
                os.environ,  # noqa: TID251 - handed on, not read
                file_actions=actions,
            )
        finally:
            os.close(requests)
            os.close(answers)

    def ask(self, rule: ReadinessRule, body: Body) -> Health:
        try:
            write_message(self._out, pickle.dumps((rule, body)))
            answer = self._answer()
        except OSError as error:
            raise _EndedError(f"its process ended ({error.strerror})") from error
        health: Health | str = pickle.loads(answer)  # noqa: S301 - written by our own program
        if isinstance(health, str):
            raise _EndedError(health)
        return health

    def _answer(self) -> bytes:
        end_s = time.monotonic() + self._max_rule_s + _LOOK_S
        read = b""
        while (left := end_s - time.monotonic()) > 0:
            if not select.select([self._in], [], [], min(left, _LOOK_S))[0]:
                if resident_bytes(self._process) > MAX_MEMORY_BYTES:
                    raise _EndedError(f"it takes more than {MAX_MEMORY_BYTES >> 20} MiB of memory")
                continue
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise _EndedError("its process ended")
            read += piece
            if len(read) >= LENGTH.size and len(read) - LENGTH.size >= LENGTH.unpack_from(read)[0]:
                return read[LENGTH.size :]
        raise _EndedError(f"it takes more than {self._max_rule_s:.0f} s")

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def write_message(descriptor: int, message: bytes) -> None:
    """Write a message whole, its length first."""
    write_all(descriptor, LENGTH.pack(len(message)) + message)
