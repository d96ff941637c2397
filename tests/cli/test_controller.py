"""`bundler controller`: what is typed wrong is answered before anything is done."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml


def test_the_definitions_are_printed_for_kubectl(cli):
    outcome = cli("controller", "definitions")
    assert outcome.code == 0
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(outcome.out)]
    assert names == ["releases.bundler.dev", "menus.bundler.dev"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shard", "5/4"], "--shard"),
        (["--namespaces", "a,b", "--all-namespaces"], "exclude each other"),
        (["--namespaces", "A_B"], "A_B"),
        (["--metrics", "8080"], "--metrics"),
        (["--health", ":http"], "--health"),
        (["--changes", "0"], "--changes"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(cli, words, said):
    outcome = cli("controller", "run", "--context", "sandbox", *words)
    assert outcome.code == 2
    assert said in outcome.err


def test_a_change_is_for_the_controller_and_says_so(tmp_path):
    env = {**os.environ, "BUNDLER_STATE_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "bundler", "controller", "change", "--context", "sandbox"]
    outcome = subprocess.run(argv, env=env, input="", capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "bundler controller run" in outcome.stderr
