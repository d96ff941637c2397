"""docs/controller.md as it is, from an empty cluster to the end of the controller, on the real API."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests.lib.controller_site import undefine
from tests.lib.netns import ROOT
from tests.lib.processes import kill_all, spawn
from tests.lib.raw_api import ApiError
from tests.lib.registry import Options, RealRegistry
from tests.lib.walkthrough import read_commands, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.walkthrough import Command

pytestmark = [pytest.mark.slow, pytest.mark.registry]
MANUAL = ROOT / "docs" / "controller.md"
REGISTRY = "registry.site:5000"
MADE = ("/api/v1/namespaces/prod", "/api/v1/namespaces/bundler-system")
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/bundler-admin"


class Reader:
    """Someone who types what the manual says; a process stands for each pod of the controller."""

    def __init__(self, plane: ControlPlane, registry: RealRegistry, folder: Path) -> None:
        self._registry, self._folder = registry, folder
        programs = {"bundler": "bundler", "kubectl": "tests.lib.kubectl"}
        (folder / "bin").mkdir()
        for name, module in programs.items():
            path = folder / "bin" / name
            path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m {module} "$@"\n')
            path.chmod(0o755)
        self.env = {
            "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(plane.kubeconfig("admin")),
            "SSL_CERT_FILE": str(registry.ca),
            "COLUMNS": "120",
        }

    def run(self, command: Command) -> str:
        """Type a command; return what is wrong with what came of it."""
        text = command.text.replace(REGISTRY, self._registry.host)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", text],
            cwd=self._folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode == command.exit_code and not command.differs(done.stdout):
            return ""
        says = "\n".join(command.says)
        return f"line {command.line}: $ {text}\n{done.stdout}(exit {done.returncode})\n--- the text says\n{says}"


@pytest.fixture
def reader(control_plane: ControlPlane, registry_tools: None, tmp_path: Path) -> Iterator[Reader]:
    undefine(control_plane)
    with ExitStack() as stack:
        registry = stack.enter_context(RealRegistry(tmp_path / "registry", Options(has_tls=True)))
        reader = Reader(control_plane, registry, tmp_path)
        write_files(MANUAL, tmp_path)
        shop = tmp_path / "shop.yaml"
        shop.write_text(shop.read_text().replace(REGISTRY, registry.host))
        program = [sys.executable, "-m", "bundler"]
        argv = [
            sys.executable,
            "-m",
            "tests.lib.controller_pods",
            str(control_plane.folder),
            "bundler-system",
            str(tmp_path),
        ]
        running = spawn([*argv, *program], tmp_path / "pods.log", cwd=ROOT, env={**os.environ, **reader.env})
        stack.callback(kill_all, [running])
        yield reader
    undefine(control_plane)
    for path in (*MADE, BINDING):
        with suppress(ApiError):
            control_plane.api("DELETE", path)


def test_the_manual_does_what_it_says_from_an_empty_cluster_on(reader: Reader, tmp_path: Path) -> None:
    for command in read_commands(MANUAL):
        wrong = reader.run(command)
        log = tmp_path / "controller.log"
        assert not wrong, f"{wrong}\n--- the controller\n{log.read_text()[-6000:] if log.exists() else ''}"
