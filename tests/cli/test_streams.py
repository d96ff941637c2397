"""Streams, arguments and variables as shells can hand them over; in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.lib.menus import small_bundle

pytestmark = pytest.mark.slow

BUNDLER = f"{sys.executable} -m bundler"


def run(line: str, **variables: str | bytes) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment, check=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_nobody_listening(cli, closed):
    done = run(f"{BUNDLER} install {small_bundle(cli.home)} {closed}")
    assert (done.returncode, done.stderr.count("error")) == (0, 0), done.stderr
    assert cli("list", "-o", "json").document[0]["status"] == "deployed"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_an_output_cannot_hold_are_escaped(cli, encoding):
    text = run(f"{BUNDLER} show shop", PYTHONIOENCODING=encoding)
    assert text.returncode == 0, text.stderr
    assert "\\u2265 1" in text.stdout
    done = run(f"{BUNDLER} show shop -o json", PYTHONIOENCODING=encoding)
    assert "≥ 1" in json.dumps(json.loads(done.stdout), ensure_ascii=False)


@pytest.mark.parametrize("argv", ["install shop -m '\udcff'", "status '\udcff'"])
def test_an_argument_that_is_not_utf8_is_a_mistake_of_usage(cli, argv):
    done = run(f"{BUNDLER} {argv}")
    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr


def test_a_variable_that_is_not_utf8_is_named(cli):
    done = run(f"{BUNDLER} values shop --set-env host=ODD", ODD=b"\xff")
    assert done.returncode == 1
    assert "the variable ODD does not hold UTF-8 text" in done.stderr
    assert run(f"{BUNDLER} install {small_bundle(cli.home)}", USER=b"\xff").returncode == 0
