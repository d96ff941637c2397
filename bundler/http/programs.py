"""Programs that give credentials: found where they may be, ended when they should. Layer: adapter foundation.

Source: pkg.go.dev/os/exec, "Executables in the current directory", for what counts as found.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess  # noqa: TID251 - credential plugins and helpers are programs
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_OUTPUT_BYTES = 1024 * 1024
_READ_BYTES = 65_536
_LOOK_S = 0.05
"""How often a program is checked that ended, or closed its output, and left the other open."""


class ProgramError(Exception):
    """A program that could not be run to its end; the text says why."""


class Finished(NamedTuple):
    """A program that ended."""

    status: int
    stdout: bytes
    stderr: bytes


def find_program(name: str, env: Mapping[str, str]) -> str | None:
    """Return the path of a program that PATH leads to; None where it does not.

    Only absolute folders count: an empty or relative one would run a program of whatever folder we happen to be in.

    Args:
        name: with a slash, an absolute path that is not looked up.
        env: holds PATH.
    """
    if "/" in name:
        return shutil.which(name) if Path(name).is_absolute() else None
    folders = [folder for folder in env.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(folders)) if folders and name else None


def run_program(
    argv: Sequence[str], *, env: Mapping[str, str], timeout_s: float, given: bytes | None = b""
) -> Finished:
    """Run a program to its end; one that continues too long, or prints too much, is killed.

    Args:
        argv: the program's path and its arguments.
        env: its whole environment.
        timeout_s: how long it may take.
        given: its standard input; None lets it ask on our terminal, and complain there.

    Raises:
        ProgramError: when it cannot be started, does not end in time or prints too much.
    """
    is_interactive = given is None
    try:
        program = subprocess.Popen(  # noqa: S603 - the user's own configuration names the program
            list(argv),
            env=dict(env),
            stdin=None if is_interactive else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if is_interactive else subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        raise ProgramError((error.strerror if isinstance(error, OSError) else "") or str(error)) from error
    end_s = time.monotonic() + timeout_s
    with program:
        try:
            output = _exchanged(program, given or b"", end_s)
            status = program.wait(timeout=max(0.0, end_s - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise ProgramError("it did not end in time") from error
        finally:
            program.kill()
    return Finished(status, bytes(output["stdout"]), bytes(output["stderr"]))


def _exchanged(program: subprocess.Popen[bytes], given: bytes, end_s: float) -> dict[str, bytearray]:
    """Feed a program and read what it prints, until it closes its output or has ended."""
    output = {"stdout": bytearray(), "stderr": bytearray()}
    rest = memoryview(given)
    with selectors.DefaultSelector() as selector:
        for name, stream in (("stdout", program.stdout), ("stderr", program.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, name)
        if program.stdin is not None:
            selector.register(program.stdin, selectors.EVENT_WRITE, "stdin")
        while any(key.data != "stdin" for key in selector.get_map().values()):
            if time.monotonic() > end_s:
                raise subprocess.TimeoutExpired(program.args, 0)
            ready = selector.select(_LOOK_S)
            for key, _ in ready:
                if key.data == "stdin":
                    rest = _fed(selector, program, rest)
                elif not _taken(key.fd, output[key.data]):
                    selector.unregister(key.fileobj)
            if not ready and program.poll() is not None:
                break  # what it started and left behind holds its output open
    return output


def _fed(selector: selectors.BaseSelector, program: subprocess.Popen[bytes], rest: memoryview) -> memoryview:
    if program.stdin is None:
        return rest
    try:
        rest = rest[os.write(program.stdin.fileno(), rest[:512]) :]
    except BrokenPipeError:
        rest = rest[len(rest) :]
    if not rest:
        selector.unregister(program.stdin)
        program.stdin.close()
    return rest


def _taken(fd: int, output: bytearray) -> bool:
    piece = os.read(fd, _READ_BYTES)
    output += piece
    if len(output) > MAX_OUTPUT_BYTES:
        raise ProgramError(f"it printed more than {MAX_OUTPUT_BYTES} bytes")
    return bool(piece)
