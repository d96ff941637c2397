"""What happens on a real terminal, in processes of their own: questions, drawings, signals, pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import ClassVar

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.enough_time import with_enough_time
from tests.lib.menus import small_bundle
from tests.lib.templates import database
from tests.lib.unsteppable import bundle, web

pytestmark = pytest.mark.slow

BUNDLER = [sys.executable, "-m", "bundler"]
DEADLINE_S = 90.0


class Terminal:
    """A process whose stdin, stdout and stderr are one terminal."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, argv: list[str], **variables: str) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", **variables}
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.started.append(self.process)
        self.seen = ""

    def until(self, words: str) -> str:
        """Read until ``words`` are there."""
        end_s = time.monotonic() + DEADLINE_S
        while words not in self.seen:
            assert time.monotonic() < end_s, f"{words!r} never came:\n{self.seen}"
            if not self._read():
                break
        assert words in self.seen, self.seen
        return self.seen

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            self.seen += os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            return False
        return True

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        end_s = time.monotonic() + DEADLINE_S
        while self._read():
            assert time.monotonic() < end_s, self.seen
        code = self.process.wait(DEADLINE_S)
        os.close(self._master)
        return code

    def hang_up(self) -> int:
        """Do what closing the window does, and return the exit code: nothing can be written any more."""
        os.close(self._master)
        self.process.send_signal(signal.SIGHUP)
        return self.process.wait(DEADLINE_S)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    yield
    for process in Terminal.started:
        process.kill()
        process.wait()
    Terminal.started.clear()


@pytest.fixture
def menu(cli):
    return small_bundle(cli.home)


def install_and_fail(menu) -> None:
    """Install shop, and let its Deployment be unready from now on."""
    subprocess.run([*BUNDLER, "install", "shop", str(menu), "-q"], check=True, capture_output=True)
    subprocess.run(
        [*BUNDLER, "sandbox", "fail", "Deployment/shop-web", "--reason", "NotReady"], check=True, capture_output=True
    )


def releases(cli) -> list[str]:
    out = subprocess.run([*BUNDLER, "list", "-A", "-o", "json"], capture_output=True, text=True, check=True).stdout
    return [release["status"] for release in json.loads(out)]


def test_a_no_changes_nothing(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu)])
    question = "Install small in namespace default on cluster sandbox: 6 to create? [y/N]"
    assert "+ create" in terminal.until(question)
    terminal.type("n\n")
    assert terminal.end() == 1
    assert "install declined; nothing was changed" in terminal.seen
    assert releases(cli) == []


def test_a_yes_installs_with_a_table_that_is_gone_at_the_end(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu)])
    terminal.until("? [y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "not ready yet" in terminal.seen
    assert "revision 1 deployed" in terminal.seen
    assert terminal.seen.count("\x1b[?25l") == terminal.seen.count("\x1b[?25h") > 0
    assert releases(cli) == ["deployed"]


def test_a_namespace_that_does_not_exist_is_named_in_the_question(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu), "-n", "porduction"])
    terminal.until("Install small in namespace porduction (which does not exist and is created) on cluster sandbox: ")
    terminal.until("[y/N]")
    terminal.type("\n")
    assert terminal.end() == 1
    assert releases(cli) == []


def test_the_question_names_what_may_be_lost_and_yes_alone_does_not_accept_it(cli):
    kept = {"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
    path = make_bundle(cli.home, {**kept, "templates/db.yaml": database()})
    subprocess.run([*BUNDLER, "install", "demo", str(path), "-q"], check=True, capture_output=True)
    (path / "templates" / "db.yaml").unlink()
    terminal = Terminal([*BUNDLER, "upgrade", "demo", str(path), "--yes"])
    assert terminal.end() == 2
    assert "--accept-data-loss" in terminal.seen
    terminal = Terminal([*BUNDLER, "upgrade", "demo", str(path)])
    terminal.until("; data may be lost with StatefulSet/db? [y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0


def test_the_question_says_that_an_upgrade_is_faster_than_its_bundle_requires(cli):
    required = {"steps": {"default": ["25%", "100%"], "required": True}}
    old, new = (
        bundle(cli.home / version, (web(f"web:{version}"),), version, upgrade=required)
        for version in ("1.0.0", "1.1.0")
    )
    subprocess.run([*BUNDLER, "install", "shop", str(old), "-q"], check=True, capture_output=True)
    terminal = Terminal([*BUNDLER, "upgrade", "shop", str(new), "--all"])
    terminal.until("1 to update; faster than its bundle requires? [y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0


def test_yes_on_the_command_line_asks_nothing(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu), "--yes"])
    assert terminal.end() == 0
    assert "[y/N]" not in terminal.seen


def test_no_color_means_no_colours(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu), "--yes"], NO_COLOR="1")
    assert terminal.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.seen)


def test_colours_stand_on_a_terminal_and_nowhere_else(cli, menu):
    terminal = Terminal([*BUNDLER, "diff", "shop", str(menu)])
    assert terminal.end() == 0
    assert "\x1b[32m+ create" in terminal.seen
    piped = subprocess.run([*BUNDLER, "diff", "shop", str(menu)], capture_output=True, text=True, check=True)
    assert "\x1b" not in piped.stdout + piped.stderr


def test_control_sequences_of_others_never_reach_the_terminal(cli):
    evil = "\x1b]0;owned\x07\x1b[2J\u202eevil [bold]not markup[/bold]"
    files = {"NOTES.md": evil, "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
    terminal = Terminal([*BUNDLER, "install", str(make_bundle(cli.home, files)), "--yes"])
    assert terminal.end() == 0
    assert "evil [bold]not markup[/bold]" in terminal.seen
    assert "\x1b]0;" not in terminal.seen
    assert "\x1b[2J" not in terminal.seen
    assert "\u202e" not in terminal.seen


def test_an_interrupt_at_the_question_leaves_at_once(cli, menu):
    terminal = Terminal([*BUNDLER, "install", str(menu)])
    terminal.until("[y/N]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert releases(cli) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_waiting_is_recorded_and_the_next_run_goes_on(cli, menu, number):
    install_and_fail(menu)
    argv = [*BUNDLER, "upgrade", "shop", str(menu), "--set", "text=new", "--yes"]
    terminal = Terminal(argv)
    terminal.until("Deployment/shop-web")
    terminal.until("not ready yet")
    terminal.process.send_signal(number)
    terminal.until("stopping once")
    assert terminal.end() == 130
    assert "\x1b[?25h" in terminal.seen
    assert releases(cli) == ["interrupted"]
    subprocess.run([*BUNDLER, "sandbox", "heal", "Deployment/shop-web"], check=True, capture_output=True)
    subprocess.run([*argv, "-q"], check=True, capture_output=True)
    assert releases(cli) == ["deployed"]


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_the_run_as_a_signal_does(cli, menu):
    install_and_fail(menu)
    terminal = Terminal([*BUNDLER, "upgrade", "shop", str(menu), "--set", "text=new", "--yes"])
    terminal.until("not ready yet")
    assert terminal.hang_up() == 130
    assert releases(cli) == ["interrupted"]
    told = subprocess.run([*BUNDLER, "unlock", "shop", "--yes"], capture_output=True, text=True, check=False)
    assert "not locked" in told.stdout + told.stderr


def test_a_second_signal_gives_the_cursor_back(cli, menu):
    install_and_fail(menu)
    terminal = Terminal([*BUNDLER, "upgrade", "shop", str(menu), "--set", "text=new", "--yes"])
    terminal.until("not ready yet")
    terminal.process.send_signal(signal.SIGINT)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 130
    assert terminal.seen.count("\x1b[?25l") <= terminal.seen.count("\x1b[?25h")


def test_a_long_line_beside_the_table_is_not_broken(cli, menu):
    """A command in a hint can be copied only where it is in one line."""
    install_and_fail(menu)
    hint = "hint: Run `bundler wait shop -n default` to continue waiting, or give more time with --timeout"

    def run_out(seconds: int) -> tuple[int, str]:
        argv = ["upgrade", "shop", str(menu), "--set", "text=new", "--yes", "--timeout", f"{seconds}s"]
        terminal = Terminal([*BUNDLER, *argv])
        return terminal.end(), terminal.seen

    code, seen = with_enough_time(run_out, lambda done: hint in done[1])
    assert code == 4
    assert hint in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_at_once(number):
    program = (
        "import signal, sys, threading\n"
        "from bundler.cli.session.signals import Stop\n"
        "stop = Stop()\n"
        "stop.on_first = lambda: print('heard', flush=True)\n"
        "with stop.listening(), stop.careful():\n"
        "    print('ready', flush=True)\n"
        "    threading.Event().wait(30)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.readline() == "heard\n"
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(DEADLINE_S) == 130
    process.stdout.close()


def test_a_run_under_nohup_goes_on_when_the_terminal_is_closed():
    program = (
        "import signal, time\n"
        "from bundler.cli.session.signals import Stop\n"
        "stop = Stop()\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with stop.listening(), stop.careful():\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    print(stop.is_asked())\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "False\n"


def test_a_reader_that_goes_away_is_no_failure(cli):
    process = subprocess.Popen(
        [*BUNDLER, "template", "shop"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_the_module_runs_like_the_script(cli):
    out = subprocess.run([*BUNDLER, "--version"], capture_output=True, text=True, check=True).stdout
    assert out.startswith("bundler ")
