"""What containers print: kept per run with the time of each line, and read back as the API asks for it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLLOW_S = 0.1
NOT_THEIRS = b"unshare: sigprocmask"
"""Said by the outer process when the container is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What a reader of a log wants."""

    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    since_s: int | None = None


def keep(stream: IO[bytes], path: Path) -> threading.Thread:
    """Write each line of a stream to a file behind the time it came at, until the stream ends."""

    def pump() -> None:
        with stream, path.open("ab", buffering=0) as log:
            for line in stream:
                if line.startswith(NOT_THEIRS):
                    continue
                stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ")
                log.write(stamp.encode() + line.rstrip(b"\n") + b"\n")

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    return thread


def read(path: Path, query: LogQuery, *, is_open: threading.Event | None = None) -> Iterator[bytes]:
    """Yield lines; one that follows waits for more for as long as the container runs (`is_open` is not set)."""
    with path.open("rb") as log:
        lines = _since(log.read().splitlines(keepends=True), query.since_s)
        if query.tail is not None:
            lines = lines[max(0, len(lines) - query.tail) :]
        yield from (_shown(line, query) for line in lines)
        while query.follow and is_open is not None:
            has_ended = is_open.is_set()
            more = log.readline()
            if more:
                yield _shown(more, query)
            elif has_ended:
                return
            else:
                time.sleep(FOLLOW_S)


def _since(lines: list[bytes], since_s: int | None) -> list[bytes]:
    if since_s is None:
        return lines
    begin = (datetime.now(UTC) - timedelta(seconds=since_s)).strftime("%Y-%m-%dT%H:%M:%S").encode()
    return [line for line in lines if line[: len(begin)] >= begin]


def _shown(line: bytes, query: LogQuery) -> bytes:
    return line if query.timestamps else line.partition(b" ")[2]
