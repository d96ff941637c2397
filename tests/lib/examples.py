"""Examples in a manual: files and command lines in fenced blocks, run from top to bottom in one folder.

A block ```` ```yaml NAME ```` is a file. In a ```` ```console ```` block a line that starts with ``$ bundler`` is run; below it
stands what it prints: stdout and of stderr the errors, with ``2>&1`` all of stderr first. Times, digests and the like may
differ. A line ``[…]`` stands for any lines.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from tests.lib.fixtures_cli import scrub

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli, Outcome

_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ bundler (?P<words>.*)\n(?P<printed>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_ANY_LINES = "[…]\n"


def play(manual: str, folder: Path, cli: Cli) -> str:
    """Write the files of ``manual`` into ``folder``, run its command lines there, and return it as it should be."""

    def replayed(block: re.Match[str]) -> str:
        if block["kind"] == "console":
            text = _COMMAND.sub(lambda command: _run(command, cli, folder), block["text"])
            return block[0].replace(block["text"], text)
        if block["name"]:
            path = folder / block["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], "utf-8")
        return block[0]

    return _BLOCK.sub(replayed, manual)


def _run(command: re.Match[str], cli: Cli, folder: Path) -> str:
    words, merge, _ = command["words"].partition(" 2>&1")
    outcome = cli(*shlex.split(words))
    printed = outcome.err + outcome.out if merge else _shown(outcome)
    if _fits(scrub(command["printed"], folder), scrub(printed, folder)):
        return command[0]
    return f"$ bundler {command['words']}\n{printed}"


def _shown(outcome: Outcome) -> str:
    _, sign, error = outcome.err.partition("error[")
    text = outcome.out + (f"{sign}{error}" if outcome.code else "")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _fits(written: str, printed: str) -> bool:
    """Return whether ``printed`` is what was written, with any lines where that is left open."""
    parts = [re.escape(part) for part in written.split(_ANY_LINES)]
    return re.fullmatch("(?:.*\n)*?".join(parts), printed) is not None
