"""The program that judges objects by rules: asked on stdin, answers on stdout. Layer: confinement."""

from __future__ import annotations

import os
import pickle
import signal
from typing import NoReturn

from bundler.confinement.limits import MAX_MEMORY_BYTES, limit_memory
from bundler.confinement.rules import LENGTH, write_message
from bundler.health.author import author_health


def serve(max_rule_s: float) -> NoReturn:
    """Answer until no one asks any more; a rule that takes too long ends the program.

    Args:
        max_rule_s: the most that one answer may take.
    """
    import bundler.expressions.expression  # noqa: F401, PLC0415 - loaded before memory is limited and time is counted

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks decides when to stop
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    limit_memory()
    while message := _read():
        signal.setitimer(signal.ITIMER_REAL, max_rule_s)
        rule, body = pickle.loads(message)  # noqa: S301 - written by the process that started this one
        try:
            answer: object = author_health(rule, body)
        except MemoryError:
            answer = f"it takes more than {MAX_MEMORY_BYTES >> 20} MiB of memory"
        signal.setitimer(signal.ITIMER_REAL, 0)
        write_message(1, pickle.dumps(answer))
    os._exit(0)


def _read() -> bytes:
    head = _exactly(LENGTH.size)
    return _exactly(LENGTH.unpack(head)[0]) if head else b""


def _exactly(size: int) -> bytes:
    pieces: list[bytes] = []
    while size:
        piece = os.read(0, size)
        if not piece:
            return b""
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
