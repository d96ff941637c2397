"""Fixture `cli`: run command lines in this process, against an embedded cluster of their own."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.clocks import FakeClock
from tests.lib.golden import check_golden
from tests.lib.output_schemas import check_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.sandbox.client import SandboxClient

_SCRUBS = (
    (r"(?m)^still waiting for [^\n]*\n", ""),  # depends on how long the machine takes
    (r"sha256:[0-9a-f]{64}", "[DIGEST]"),
    (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UID]"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "[MOMENT]"),
    (r"\b\d+(\.\d)? s\b", "[TIME]"),
    (r"https://127\.0\.0\.1:\d+", "[SERVER]"),
    (r"pid \d+", "pid [PID]"),
    (r"-[a-z0-9]{8,10}-[a-z0-9]{5}\b", "-[POD]"),
    (r"\b\d+[hms]?(\d+s)? ago", "[TIME] ago"),
)


_WRITTEN = re.compile(r"(created|updated|recreated|deleted) [A-Z]\w+/")
_WAITED = re.compile(r"[A-Z]\w+/\S+ (\d+/\d+ ready|InProgress|NotFound|Terminating)")


def in_one_order(text: str) -> str:
    """Sort what is written side by side, and leave out how far waiting came: that depends on who was quicker."""
    lines: list[str] = []
    written: list[str] = []
    for line in text.splitlines(keepends=True):
        if _WRITTEN.match(line):
            written.append(line)
            continue
        if not _WAITED.match(line):
            lines += [*sorted(written), line]
            written = []
    return "".join([*lines, *sorted(written)])


def scrub(text: str, *folders: Path) -> str:
    """Replace what differs between runs, so that goldens compare meaning."""
    text = in_one_order(text)
    for folder in folders:
        text = text.replace(str(folder), "[TMP]")
    for pattern, word in _SCRUBS:
        text = re.sub(pattern, word, text)
    return text


@dataclass
class Outcome:
    """What became of one command line."""

    code: int
    out: str
    err: str
    folders: tuple[Path, ...]

    @property
    def text(self) -> str:
        """Both streams and the exit code, scrubbed."""
        parts = [self.out, self.err and f"--- stderr\n{self.err}", f"--- exit {self.code}\n"]
        return scrub("".join(parts), *self.folders)

    @property
    def document(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)

    def ok(self) -> Outcome:
        """Insist that it went well."""
        assert self.code == 0, self.out + self.err
        return self


@dataclass
class Cli:
    """Runs command lines; time passes only when bundler sleeps."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    clock: FakeClock = field(default_factory=FakeClock)

    def __call__(self, *argv: str | Path, stdin: str = "", **variables: str) -> Outcome:
        """Run one command line; ``variables`` are set in its environment. JSON is checked against its schema."""
        from bundler.cli.main import run

        out, err = io.StringIO(), io.StringIO()
        with self.monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            for name, text in variables.items():
                patch.setenv(name, text)
            words = [str(word) for word in argv]
            code = run(words)
        if ("-o", "json") in pairwise(words) and out.getvalue():
            check_output(words, json.loads(out.getvalue()), may_be_error=code != 0)
        return Outcome(code, out.getvalue(), err.getvalue(), (self.home,))

    def golden(self, name: str, *argv: str | Path, **variables: str) -> Outcome:
        """Run one command line and compare everything it said with ``tests/golden/cli/NAME.txt``."""
        outcome = self(*argv, **variables)
        words = scrub(" ".join(map(str, argv)), self.home)
        check_golden(f"cli/{name}.txt", f"$ bundler {words}\n{outcome.text}")
        return outcome

    @contextlib.contextmanager
    def sandbox(self) -> Iterator[SandboxClient]:
        """Open the embedded cluster from behind."""
        from bundler.sandbox.client import SandboxClient

        client = SandboxClient.open(self.home / "state" / "sandbox.db", self.clock)
        yield client
        client.close()


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A command line with a home of its own and nothing else in its environment."""
    for name in ("KUBECONFIG", "SOURCE_DATE_EPOCH", "XDG_STATE_HOME", "XDG_CACHE_HOME", "BUNDLER_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "HOME": str(tmp_path),
        "USER": "ada",
        "COLUMNS": "100",
        "BUNDLER_STATE_DIR": str(tmp_path / "state"),
        "BUNDLER_CACHE_DIR": str(tmp_path / "cache"),
        "BUNDLER_CONTEXT": "sandbox",
    }
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    made = Cli(tmp_path, monkeypatch)
    monkeypatch.setattr("bundler.cli.session.invocation.SystemClock", lambda: made.clock)
    return made
