"""The offline walk-through of `docs/offline.md`: its commands, and the two places where they are run.

A fenced block of kind `console` holds commands and what they print. A prompt says where a command runs: `connected$`,
`carry$` or `site$`; a backslash at the end continues it. `[…]` stands for anything within a line, and alone on a line for
any lines. A command that is to fail is followed by `(exit N)`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tests.lib.certs import Authority
from tests.lib.images import make_image, write_layout
from tests.lib.netns import ROOT, SITE_ADDRESS, Namespace, Site
from tests.lib.processes import kill_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CONTROLLER = "registry.example/bundler/controller:0.1.0"
HUB, SITE_REGISTRY = "registry-1.docker.io", "registry.site"
USER, PASSWORD = "ada", "correct-horse-7"
IMAGES = ("library/postgres:16.2", "library/redis:7.2", "library/python:3.13-alpine", "library/python:3.14-alpine")
START_S = 90.0
_FILE = re.compile(r"^```yaml (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"(connected|carry|site|)\$ (.*)")
_EXIT = re.compile(r"\(exit (\d+)\)")
_ANYTHING = "[…]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of the text."""

    place: str
    text: str
    says: tuple[str, ...]
    """Lines that it prints, as the text has them."""
    exit_code: int
    line: int

    def differs(self, printed: str) -> bool:
        """Return whether it printed something other than the text says; text that says nothing accepts everything."""
        return bool(self.says) and re.fullmatch(pattern_of(self.says), printed.rstrip() + "\n") is None


def pattern_of(lines: Sequence[str]) -> str:
    """Return the pattern that lines with wildcards stand for."""
    parts = []
    for line in lines:
        if line.strip() == _ANYTHING:
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append("[^\n]*".join(map(re.escape, line.split(_ANYTHING))) + "\n")
    return "".join(parts)


def read_commands(path: Path) -> list[Command]:
    """Return every command of a text, in order."""
    return list(_commands(path.read_text().splitlines()))


def write_files(path: Path, folder: Path) -> None:
    """Write the files of a text, its blocks of YAML that have a name, into a folder."""
    for found in _FILE.finditer(path.read_text()):
        (folder / found["name"]).write_text(found["text"])


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    numbered = iter(enumerate(lines, start=1))
    for _, line in numbered:
        if line != "```console":
            continue
        block: list[tuple[int, str]] = []
        for number, inner in numbered:
            if inner == "```":
                break
            block.append((number, inner))
        yield from _in_block(block)


def _in_block(block: Sequence[tuple[int, str]]) -> Iterator[Command]:
    at = 0
    while at < len(block):
        number, line = block[at]
        found = _PROMPT.fullmatch(line)
        assert found, f"line {number} does not begin with a place's prompt: {line}"
        place, text = found.groups()
        at += 1
        while text.endswith("\\"):
            text = text[:-1] + block[at][1].strip()
            at += 1
        says: list[str] = []
        exit_code = 0
        while at < len(block) and not _PROMPT.fullmatch(block[at][1]):
            if ended := _EXIT.fullmatch(block[at][1]):
                exit_code = int(ended[1])
            else:
                says.append(block[at][1])
            at += 1
        yield Command(place=place, text=text, says=tuple(says), exit_code=exit_code, line=number)


class World:
    """The connected place with the hub in it, and the site with its API server and its registry."""

    def __init__(self, folder: Path) -> None:
        """Describe it; `with` builds it below `folder`."""
        self.folder = folder
        self.connected, self.site_folder = folder / "connected", folder / "site"
        self._hub = Namespace("hub", names={HUB: "127.0.0.1"})
        self.site = Site("walk", folder, names={SITE_REGISTRY: SITE_ADDRESS})
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for path in (self.connected, self.site_folder, self.folder / "bin"):
                path.mkdir(parents=True)
            stack.enter_context(self._hub)
            stack.enter_context(self.site)
            plane = self.site.inside.spawn(self._plane("serve"), self.folder / "plane.log")
            stack.callback(kill_all, [plane])
            self._prepare_connected(stack)
            self._prepare_site(stack, plane)
            self._run_controllers(stack)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def run(self, command: Command) -> tuple[int, str]:
        """Run one command where it belongs; returns exit code and what it printed."""
        argv = ["bash", "-o", "pipefail", "-c", command.text]
        match command.place:
            case "connected":
                done = self._hub.run(argv, cwd=self.connected, env=self._env(self.connected))
            case "site":
                done = self.site.inside.run(argv, cwd=self.site_folder, env=self._env(self.site_folder))
            case _:
                # Whoever carries the file has no network at all.
                with Namespace("way") as way:
                    done = way.run(argv, cwd=self.folder, env=self._env(self.folder))
        return done.returncode, done.stdout

    def _env(self, home: Path) -> Mapping[str, str]:
        env = {"HOME": str(home), "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin", "USER": "ada"}
        env |= {"LANG": "C.UTF-8", "COLUMNS": "120"}
        if home == self.connected:
            # The hub of this world has a certificate of its own; where bundler stands at home it is the real one.
            env |= {"SSL_CERT_FILE": str(self.folder / "hub" / "pki" / "ca.crt")}
            env |= {"PATH": f"{self.connected / '.bin'}:{env['PATH']}"}
        if home == self.site_folder:
            env |= {"KUBECONFIG": str(home / "kubeconfig")}
        return env

    def _prepare_connected(self, stack: contextlib.ExitStack) -> None:
        for bundle in (ROOT / "bundles").iterdir():
            shutil.copytree(bundle, self.connected / bundle.name)
        # Nothing but Python: what bundler needs beside it, it brings along.
        kubectl = self.folder / "bin" / "kubectl"
        kubectl.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.lib.kubectl "$@"\n')
        kubectl.chmod(0o755)
        (self.folder / "bin" / "python3").symlink_to(os.path.realpath(sys._base_executable))
        _build_tool(self.connected / ".bin" / "bundler")
        image = make_image("controller", layer_bytes=(9_000,))
        write_layout(image, self.connected / "dist" / "controller", tag=CONTROLLER)
        authority = self._serve_registry(stack, self._hub, "hub", HUB)
        env = {**os.environ, "SSL_CERT_FILE": str(authority.certificate)}
        for image in IMAGES:
            layout = write_layout(
                make_image(image, layer_bytes=(40_000, 9_000)), self.folder / "layouts" / image.replace(":", "-")
            )
            argv = ["skopeo", "--insecure-policy", "copy", "--quiet", "--all", f"oci:{layout}", f"docker://docker.io/{image}"]  # fmt: skip
            copied = self._hub.run(argv, env=env)
            assert copied.returncode == 0, copied.stdout

    def _prepare_site(self, stack: contextlib.ExitStack, plane: subprocess.Popen[bytes]) -> None:
        """Do what whoever runs the cluster does: give out a kubeconfig, a namespace, a registry and its pull secret."""
        authority = self._serve_registry(stack, self.site.inside, "site-registry", SITE_REGISTRY, has_login=True)
        shutil.copyfile(authority.certificate, self.site_folder / "registry-ca.crt")
        (self.site_folder / "registry-password").write_text(PASSWORD)
        _wait(lambda: (self.folder / "plane" / "READY").exists(), plane, self.folder / "plane.log")
        shutil.copyfile(self.folder / "plane/kubeconfigs/admin.kubeconfig", self.site_folder / "kubeconfig")
        prepared = self.site.inside.run([sys.executable, "-c", _PULL_SECRET, self.folder / "plane", SITE_REGISTRY, USER, PASSWORD])  # fmt: skip
        assert prepared.returncode == 0, prepared.stdout

    def _run_controllers(self, stack: contextlib.ExitStack) -> None:
        """Do what a node of the site does for pods of the controller: the delivered bundler runs, as they say."""
        pods = self.folder / "pods"
        pods.mkdir()
        program = [sys.executable, "-m", "tests.lib.controller_pods", self.folder / "plane", "bundler-system", pods]
        running = self.site.inside.spawn([*program, sys.executable, self.site_folder / "bundler"], pods / "log")
        stack.callback(kill_all, [running])

    def _plane(self, verb: str) -> list[str | Path]:
        return [sys.executable, "-m", "tests.lib.controlplane", verb, self.folder / "plane"]

    def _serve_registry(
        self, stack: contextlib.ExitStack, place: Namespace, label: str, name: str, *, has_login: bool = False
    ) -> Authority:
        folder = self.folder / label
        authority = Authority(folder / "pki")
        pair = authority.issue("registry", server=True, names=(name,))
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {
                "addr": "0.0.0.0:443",
                "secret": "only-for-tests",
                "tls": {"certificate": str(pair.certificate), "key": str(pair.key)},
            },
        }
        if has_login:
            made = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], capture_output=True, check=True)
            (folder / "htpasswd").write_bytes(made.stdout)
            config["auth"] = {"htpasswd": {"realm": "site", "path": str(folder / "htpasswd")}}
        (folder / "config.json").write_text(json.dumps(config))
        log = folder / "registry.log"
        running = place.spawn(["docker-registry", "serve", folder / "config.json"], log)
        stack.callback(kill_all, [running])
        _wait(lambda: log.exists() and "listening on" in log.read_text(), running, log)
        return authority


_PULL_SECRET = """
import base64, json, sys
from pathlib import Path
from tests.lib.controlplane import ControlPlane
folder, host, user, password = sys.argv[1:]
plane = ControlPlane.attach(Path(folder))
login = base64.b64encode(f"{user}:{password}".encode()).decode()
config = base64.b64encode(json.dumps({"auths": {host: {"auth": login}}}).encode()).decode()
secret = {"metadata": {"name": "site-pull"}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": config}}
for name in ("shop", "bundler-system"):
    plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    plane.api("POST", f"/api/v1/namespaces/{name}/secrets", secret)
plane.stop()
"""


def _build_tool(path: Path) -> None:
    """Build bundler as one file, for this machine and this Python."""
    argv = [sys.executable, ROOT / "tool" / "build.py", "--out", path, "--here"]
    built = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert built.returncode == 0, built.stdout


def _wait(is_done: object, process: subprocess.Popen[bytes], log: Path) -> None:
    assert callable(is_done)
    end = time.monotonic() + START_S
    while not is_done():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.05)
