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


@pytest.mark.parametrize("argv", ["--version", "--help", "install --help", "completion bash", "values shop"])
def test_output_that_cannot_be_written_is_explained(cli, argv):
    done = run(f"{BUNDLER} {argv} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-3:-1] == ["error[output]: writing to stdout", "  No space left on device"]


def test_the_version_is_asked_for_without_stdout(cli):
    done = run(f"{BUNDLER} --version >&-")
    assert (done.returncode, done.stderr) == (0, "")


# A file of no bytes is all that this shell lets its programs write, as on a disk that is full.
NO_ROOM = "ulimit -f 0; exec"


def test_what_could_not_be_written_is_not_in_the_way_of_the_next_run(cli):
    pair = f"{BUNDLER} keygen acme --out {cli.home / 'new.key'}"
    menu = f"{BUNDLER} create {cli.home / 'app'}"
    for command in (pair, menu):
        assert run(f"{NO_ROOM} {command}").returncode == 1
        done = run(command)
        assert done.returncode == 0, done.stderr


def test_a_site_file_that_cannot_be_written_is_no_mistake_of_usage(cli):
    (cli.home / "taken").write_text("")
    done = cli("site", "init", "acme", "--out", cli.home / "taken" / "acme.yaml", "-o", "json")
    assert (done.code, json.loads(done.out)["code"]) == (1, "output")


def test_a_file_that_cannot_be_written_is_an_error_in_json_too(cli):
    done = cli("template", small_bundle(cli.home), "--split", "/dev/null/x", "-o", "json")
    assert (done.code, json.loads(done.out)["code"]) == (1, "output")


@pytest.mark.parametrize("argv", ["values ../shop", "package ../shop", "lint ../shop", "create app --with redis"])
def test_a_folder_that_is_gone_is_no_bug(cli, argv):
    lost = cli.home / "lost"
    lost.mkdir()
    small_bundle(cli.home)
    done = run(f"cd {lost} && rmdir ../lost && {BUNDLER} {argv}")
    assert done.returncode in {1, 2}
    assert "bug" not in done.stderr


def test_a_password_that_is_not_utf8_is_a_mistake_and_not_shown(cli):
    done = run(f"printf 's3cr3t\\377\\n' | {BUNDLER} login registry.example -u ada --password-stdin")
    assert done.returncode == 2
    assert "the password is not text in UTF-8" in done.stderr
    assert "s3cr3t" not in done.stderr
