"""A release is refused with its reasons, or built twice with the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tool import release

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")

CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-11-29\n\n- Something new.\n"
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "bundler"
dynamic = ["version"]
requires-python = ">=3.11"
[tool.hatch.version]
path = "bundler/_version.py"
"""
CHANCE = '[tool.hatch.build.hooks.custom]\npath = "chance.py"\n'
CHANCE_HOOK = """
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class Chance(BuildHookInterface):
    def initialize(self, version, build_data):
        with open(os.path.join(self.root, "bundler", "chance.txt"), "w") as file:
            file.write(os.urandom(8).hex())
"""


def commit(root: Path) -> None:
    run = ["git", "-C", str(root), "-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*run, "add", "--all"], check=True)
    subprocess.run([*run, "commit", "--quiet", "--message", "a change"], check=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "bundler").mkdir(parents=True)
    (root / "bundler" / "__init__.py").write_text("")
    (root / "bundler" / "_version.py").write_text('__version__ = "1.2.3"\n')
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    (root / ".gitignore").write_text("dist/\n")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    commit(root)
    return root


def test_a_clean_dated_tree_of_one_version_may_be_released(project: Path) -> None:
    assert release.problems(project) == []


def test_every_reason_is_named_at_once(project: Path) -> None:
    (project / "bundler" / "_version.py").write_text('__version__ = "1.3.0"\n')
    (project / "new.txt").write_text("")
    assert release.problems(project) == [
        "commit or remove what is changed: bundler/_version.py, new.txt",
        "CHANGELOG.md: the newest section is 1.2.3, _version.py says 1.3.0",
    ]


def test_a_version_that_has_a_tag_is_refused(project: Path) -> None:
    subprocess.run(["git", "-C", str(project), "tag", "v1.2.3"], check=True)
    (problem,) = release.problems(project)
    assert problem == "the tag v1.2.3 exists already: raise __version__ in bundler/_version.py"


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        (CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- More.\n"), "move what is under Unreleased"),
        (CHANGELOG.replace(" - 2026-11-29", ""), "date the section"),
        (CHANGELOG.replace("2026-11-29", "2026-13-01"), "date the section"),
        (CHANGELOG.replace("- Something new.", ""), "the section of 1.2.3 is empty"),
        ("# Changelog\n", "the newest section is none"),
    ],
)
def test_the_changelog_has_one_dated_section_of_the_version(changelog: str, problem: str) -> None:
    (found,) = release.changelog_problems(changelog, "1.2.3")
    assert problem in found


@pytest.mark.parametrize("heading", ["## 1.2.3 - 2026-11-29", "## [1.2.3] - 2026-11-29"])
def test_the_version_may_be_a_link(heading: str) -> None:
    assert release.changelog_problems(f"# Changelog\n\n{heading}\n\n- New.\n", "1.2.3") == []


@pytest.mark.slow
def test_the_files_are_built_with_their_sums_and_the_commands_that_publish_them(project: Path) -> None:
    words = [sys.executable, release.__file__, "--root", str(project), "--without-tool"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "git push origin v1.2.3" in done.stdout
    names = {path.name for path in (project / "dist").iterdir()}
    assert names == {"SHA256SUMS", "bundler-1.2.3-py3-none-any.whl", "bundler-1.2.3.tar.gz"}
    assert len(re.findall(r"(?m)^[0-9a-f]{64}  bundler-", (project / "dist" / "SHA256SUMS").read_text())) == 2


@pytest.mark.slow
def test_builds_that_differ_are_no_release(project: Path) -> None:
    (project / "pyproject.toml").write_text(PROJECT + CHANCE)
    (project / "chance.py").write_text(CHANCE_HOOK)
    commit(project)
    words = [sys.executable, release.__file__, "--root", str(project), "--without-tool"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "two builds of the same commit differ: bundler-1.2.3-py3-none-any.whl, bundler-1.2.3.tar.gz" in done.stderr
    assert not (project / "dist").exists()
