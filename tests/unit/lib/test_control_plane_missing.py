"""Where there is no control plane: what a stranger sees."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.lib.controlplane import BUILD, PROGRAMS, ROOT, ControlPlaneError, find_binaries

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

ONE_TEST = "tests/e2e/test_control_plane.py::test_two_nodes_are_ready_and_free_of_taints"


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run our Python where no other program can be found."""
    return subprocess.run(
        [sys.executable, *argv],
        cwd=ROOT,
        env={"PATH": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_go_the_tests_are_skipped_with_their_number_and_a_way_out() -> None:
    answer = run("-m", "pytest", "-q", ONE_TEST)
    assert answer.returncode == 0, answer.stdout
    assert "control plane tests: 0 run, 1 skipped: run `make controlplane`" in answer.stdout


def test_a_required_control_plane_that_is_missing_is_an_error() -> None:
    answer = run("-m", "pytest", "-q", "--require-controlplane", ONE_TEST)
    assert answer.returncode == 1
    assert "--require-controlplane is given" in answer.stdout


def test_the_build_says_in_one_line_that_go_is_missing(tmp_path: Path) -> None:
    answer = run(str(BUILD), XDG_CACHE_HOME=str(tmp_path))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "'go'" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_programs_in_kubebuilder_assets_are_used_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROGRAMS:
        (tmp_path / name).touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert find_binaries() == {name: (str(tmp_path / name),) for name in PROGRAMS}


def test_a_program_missing_from_kubebuilder_assets_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(ControlPlaneError, match="has no kube-apiserver, kube-controller-manager, kube-scheduler"):
        find_binaries()
