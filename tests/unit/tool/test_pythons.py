"""The tests on every supported Python: which are found, and what the run ends with."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest

from tool import pythons
from tool.build import PYTHONS

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def fake_python(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


def test_the_newest_release_of_pyenv_is_taken_when_the_one_on_the_path_does_not_start(tmp_path: Path) -> None:
    fake_python(tmp_path / "shims" / "python3.99", "exit 127")
    for release in ("3.99.9", "3.99.10"):
        fake_python(tmp_path / ".pyenv" / "versions" / release / "bin" / "python3.99", "echo 3.99")
    found = pythons.find("3.99", {"PATH": str(tmp_path / "shims"), "HOME": str(tmp_path)})
    assert found == tmp_path / ".pyenv" / "versions" / "3.99.10" / "bin" / "python3.99"


def test_an_interpreter_of_another_version_is_not_taken(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin" / "python3.99", "echo 3.11")
    assert pythons.find("3.99", {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}) is None


def test_the_python_that_runs_this_is_found(tmp_path: Path) -> None:
    (tmp_path / f"python{HERE}").symlink_to(os.path.realpath(sys.executable))
    assert pythons.find(HERE, {"PATH": str(tmp_path), "HOME": str(tmp_path)}) == tmp_path / f"python{HERE}"


def test_a_version_that_is_not_installed_is_named_as_missing(tmp_path: Path) -> None:
    outcome = pythons.run("3.99", [], {"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert outcome.line() == "3.99  missing"


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["passed", "missing"], 0),
        (["passed", "passed"], 0),
        (["passed", "failed"], 1),
        (["missing", "missing"], 1),
        ([], 1),
    ],
)
def test_one_failure_fails_and_so_does_a_run_that_tested_nothing(states: list[str], code: int) -> None:
    assert pythons.exit_code([pythons.Outcome("3.99", state) for state in states]) == code


def test_the_package_says_that_it_supports_the_pythons_that_are_tested() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    said = [one.rpartition(" :: ")[2] for one in project["classifiers"] if ":: Python :: 3." in one]
    assert tuple(said) == PYTHONS
    assert project["requires-python"] == f">={PYTHONS[0]}"
