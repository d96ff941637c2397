"""The hooks before a commit: they start, and they stop what CI would stop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / ".pre-commit-config.yaml"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load(CONFIG.read_text("utf-8"))["repos"][0]["hooks"]}
GIT = {"GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "a@example.org"}
GIT |= {"GIT_COMMITTER_NAME": "ada", "GIT_COMMITTER_EMAIL": "a@example.org"}


def test_every_hook_starts_something_that_is_there() -> None:
    programs = {hook["entry"].split()[0] for hook in HOOKS.values()}
    needed = {f".venv/bin/{name}" for name in ("ruff", "mypy", "lint-imports")} | {"make"}
    assert programs == needed
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"))
    assert HOOKS["in-sync"]["entry"].split()[1] in targets


def test_the_hooks_check_what_make_check_does() -> None:
    (recipe,) = re.findall(r"(?m)^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"))
    made = {line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()}
    hooked = {hook["entry"].removesuffix(" --force-exclude") for hook in HOOKS.values()} - {"make in-sync"}
    assert hooked == made


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_commit_that_ruff_would_refuse_is_not_made(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **GIT, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "SKIP": "mypy,layers,in-sync"}
        return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)

    project = tmp_path / "project"
    project.mkdir()
    for path in (CONFIG, ROOT / "pyproject.toml"):
        shutil.copy(path, project)
    (project / ".venv").symlink_to(sys.prefix)
    (project / "wrong.py").write_text('"""Wrong."""\n\nimport os\n')
    assert run("git", "init", "--quiet").returncode == 0
    assert run(sys.executable, "-m", "pre_commit", "install").returncode == 0
    assert run("git", "add", "wrong.py", ".pre-commit-config.yaml", "pyproject.toml").returncode == 0
    refused = run("git", "commit", "--message", "wrong")
    assert refused.returncode == 1
    assert "F401" in refused.stdout + refused.stderr
    (project / "wrong.py").write_text('"""Right."""\n')
    assert run("git", "add", "wrong.py").returncode == 0
    made = run("git", "commit", "--message", "right")
    assert made.returncode == 0, made.stdout + made.stderr
