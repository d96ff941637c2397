"""The image of the controller: what is in it runs as its user, and a delivery of the bundle carries it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bundler import __version__
from tests.e2e.test_export import bundler

TOOL = Path(__file__).parents[2] / "tool" / "controller_image.py"
USER = 65532


@dataclass
class BuiltImage:
    """An image in a layout, unpacked."""

    layout: Path
    name: str
    manifest: dict[str, Any]
    root: Path

    def json(self, digest: str) -> Any:
        return json.loads(blob(self.layout, digest).read_bytes())

    @property
    def config(self) -> dict[str, Any]:
        return self.json(self.manifest["config"]["digest"])["config"]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the image's program in its root file system, as its user, with its environment and nothing else."""
        command = [shutil.which("chroot") or "", f"--userspec={USER}:{USER}", str(self.root), *words]
        environment = dict(one.split("=", 1) for one in self.config["Env"])
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    if os.geteuid() or not shutil.which("chroot") or not shutil.which("apt-get"):
        pytest.skip("building and running the image of the controller takes apt-get, chroot and root")
    folder = tmp_path_factory.mktemp("controller")
    layout, name = folder / "layout", f"registry.example/bundler/controller:{__version__}"
    words = [sys.executable, str(TOOL), "--to", f"oci:{layout}:{name}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Debian or the package index cannot be reached: {done.stderr[-300:]}")
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    (digest,) = [
        one["digest"] for one in entries if one.get("annotations", {}).get("org.opencontainers.image.ref.name")
    ]
    manifest = json.loads(blob(layout, digest).read_bytes())
    root = folder / "root"
    for layer in manifest["layers"]:
        with tarfile.open(blob(layout, layer["digest"])) as tar:
            tar.extractall(root, filter="fully_trusted")
    for place in ("tmp", "var/cache/bundler"):
        (root / place).chmod(0o777)  # the volumes of the pod
    return BuiltImage(layout, name, manifest, root)


@pytest.mark.slow
def test_the_controller_runs_in_its_image_as_its_user_and_travels_with_its_bundle(
    image: BuiltImage, tmp_path: Path
) -> None:
    assert image.config["User"] == f"{USER}:{USER}"
    program = image.config["Entrypoint"][:3]
    done = image.run(*program, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"bundler {__version__}\n", "", 0)
    done = image.run(*image.config["Entrypoint"], "--help")
    assert "bundler controller" in done.stdout, done.stderr
    needs = (
        "import ssl, yaml, cryptography.hazmat.primitives.asymmetric.ed25519 as _; from zoneinfo import ZoneInfo as Z;"
    )
    shown = "print(yaml.__with_libyaml__, len(ssl.create_default_context().get_ca_certs()) > 100, Z('Europe/Vienna'))"
    done = image.run(program[0], "-c", needs + shown)
    assert (done.stdout, done.stderr) == ("True True Europe/Vienna\n", "")

    out = tmp_path / "controller.bundle"
    exported = bundler(tmp_path, "export", "controller", "--layout", image.layout, "--out", out)
    assert exported.code == 0, exported.err
    assert bundler(tmp_path, "verify", out).code == 0
    assert bundler(tmp_path, "images", out, "-o", "plain").out == f"{image.name}\n"


@pytest.mark.slow
def test_the_sbom_of_the_image_names_every_package_of_the_lock(image: BuiltImage) -> None:
    lines = TOOL.with_suffix(".lock").read_text().splitlines()[1:]
    entries = json.loads((image.layout / "index.json").read_text())["manifests"]
    attached = [image.json(one["digest"]) for one in entries if not one.get("annotations")]
    (sbom,) = [image.json(one["layers"][0]["digest"]) for one in attached if "subject" in one]
    named = {(one["name"], one["version"]) for one in sbom["components"] if one["type"] == "library"}
    assert {tuple(line.split()[:2]) for line in lines} <= named
