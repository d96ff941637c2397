"""What no verb foresaw ends in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bundler.cli import main

INTERRUPTED = """
import sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["bundler", "list"]
from bundler.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["bundler.cli.main", "click", "bundler.cli.root", "bundler.cli.session.settings"])
def test_an_interrupt_while_the_program_loads_leaves_no_traceback(module: str) -> None:
    code = INTERRUPTED.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr


def test_what_is_to_be_removed_at_the_end_is_removed() -> None:
    code = "import atexit, sys; atexit.register(print, 'removed'); sys.argv = ['bundler', 'list', '--help']\n"
    code += "from bundler.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("removed\n")


def test_what_is_nested_too_deeply_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dive(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(main.bundler, "main", dive)
    assert main.run(["list"]) == 1
    assert "nested more deeply" in capsys.readouterr().err
