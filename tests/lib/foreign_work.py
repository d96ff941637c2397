"""What a child process may be made to do by what it reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def join(pieces: Iterator[bytes]) -> bytes:
    return b"".join(pieces)


def first(pieces: Iterator[bytes]) -> bytes:
    return next(pieces)[:3]


def loop_in_c(pieces: Iterator[bytes]) -> bytes:
    list(pieces)
    re.fullmatch(r"(a*)*b", "a" * 60)
    return b""


def ignore(pieces: Iterator[bytes]) -> bytes:
    next(pieces)
    re.fullmatch(r"(a*)*b", "a" * 60)
    return b""


def grow(pieces: Iterator[bytes]) -> bytes:
    return bytes(1 << 34)


def fail(pieces: Iterator[bytes]) -> bytes:
    raise LookupError("nothing\nof that kind")


def answer_much(pieces: Iterator[bytes]) -> bytes:
    return bytes(3_000_000)


def end_with_x(pieces: Iterator[bytes]) -> bytes:
    """Return the pieces, and never come to an end where they are an x."""
    found = b"".join(pieces)
    return loop_in_c(pieces) if found == b"x" else found
