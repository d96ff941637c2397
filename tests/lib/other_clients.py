"""What skopeo and helm do with a quirky registry: push twice, pull back the same bytes. Each where it is installed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.lib.images import make_image, write_layout
from tests.lib.quirky_registry import PASSWORD, USER, QuirkyRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.quirks import Quirks

TIMEOUT_S = 60


def version_of(program: str) -> str:
    """Return the version of skopeo or helm that is installed; empty where there is none."""
    path = shutil.which(program)
    if path is None:
        return ""
    asked = ["version", "--template", "{{.Version}}"] if program == "helm" else ["--version"]
    said = subprocess.run([path, *asked], capture_output=True, text=True, check=True).stdout.split()
    return next((word.removeprefix("v") for word in said if word.lstrip("v")[:1].isdigit()), "")


def skopeo_passes(quirks: Quirks, folder: Path) -> bool:
    """Return whether skopeo brings an image of two platforms to such a registry and back."""
    image = make_image("table", layer_bytes=(40_000, 3000))
    layout = write_layout(image, folder / "layout", tag="1.0")
    with QuirkyRegistry(quirks) as registry:
        auth = ["--authfile", str(_auth_file(registry, folder))]
        place = f"docker://{registry.host}/shop/web:1.0"
        push = ["skopeo", "copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false", *auth]
        pull = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", *auth, place, f"dir:{folder / 'out'}"]
        done = all(_runs([*push, f"oci:{layout}:1.0", place], folder) for _ in range(2)) and _runs(pull, folder)
    return done and (folder / "out" / "manifest.json").read_bytes() == image.top.content


def helm_passes(quirks: Quirks, folder: Path) -> bool:
    """Return whether helm brings a chart to such a registry and back."""
    chart = folder / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (chart / "templates" / "config.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
    packed = folder / "web-1.0.0.tgz"
    if not _runs(["helm", "package", str(chart), "-d", str(folder)], folder):
        return False
    with QuirkyRegistry(quirks) as registry:
        flags = ["--plain-http", "--registry-config", str(_auth_file(registry, folder))]
        push = ["helm", "push", str(packed), f"oci://{registry.host}/charts", *flags]
        pull = ["helm", "pull", f"oci://{registry.host}/charts/web", "--version", "1.0.0", *flags]
        out = folder / "out"
        out.mkdir()
        done = all(_runs(push, folder) for _ in range(2)) and _runs([*pull, "-d", str(out)], folder)
    return done and (out / "web-1.0.0.tgz").read_bytes() == packed.read_bytes()


def _auth_file(registry: QuirkyRegistry, folder: Path) -> Path:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {registry.host: {"auth": login}}}))
    return path


def _runs(command: list[str], folder: Path) -> bool:
    env = {**os.environ, "HOME": str(folder)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env=env)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
