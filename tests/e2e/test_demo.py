"""`make demo`: what README promises of it, to its end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
DEMO = Path(__file__).parents[2] / "docs" / "demo.sh"


def test_the_demo_comes_to_its_end_with_a_deleted_deployment_put_back(tmp_path: Path) -> None:
    program = tmp_path / "bundler"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bundler "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "BUNDLER": str(program), "TMPDIR": str(tmp_path)}
    done = subprocess.run(["sh", DEMO], env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    deleting, rest = done.stdout.split("$ bundler sandbox delete Deployment/shop-web")
    assert "shop-web" in rest.split("$ grep shop-web controller.log")[1]
    assert len(re.findall(r"\$ bundler ", deleting)) >= len(re.findall(r"^run ", DEMO.read_text(), re.MULTILINE)) - 3
    assert [path.name for path in tmp_path.iterdir()] == ["bundler"]
