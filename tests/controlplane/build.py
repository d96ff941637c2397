"""Build the control plane of the tests once, into the user's cache, and print the path of the binary.

Standard library only, so that it runs before anything is installed. The folder in the cache is named by the sha256 of
the Go sources, the build flags and the Go version: another checkout with the same sources finds the same binary.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(__file__).resolve().parent
BINARY = "controlplane"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


class BuildError(Exception):
    """The binary could not be built; the text says why in one line."""


def main() -> int:
    """Build if need be and print the path of the binary."""
    try:
        print(build())
    except BuildError as error:
        print(f"controlplane: {error}", file=sys.stderr)
        return 1
    return 0


def build() -> Path:
    """Return the binary for these sources, building it where the cache has none.

    Raises:
        BuildError: where Go is missing or the compiler fails.
    """
    go = shutil.which("go")
    if go is None:
        raise BuildError("the program 'go' (1.26 or newer) is not on PATH; install Go, or set KUBEBUILDER_ASSETS")
    flags = ["-trimpath", "-ldflags", linker_flags(kubernetes_version())]
    folder = cache_root() / cache_key(go_version(go), flags)
    binary = folder / BINARY
    if not binary.exists():
        with exclusive(folder.with_suffix(".lock")):
            if not binary.exists():
                compile_into(folder, go, flags)
    return binary


def cache_root() -> Path:
    """Return the folder under which every built version lies."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bundler-controlplane"


def cache_key(version: str, flags: list[str]) -> str:
    """Return 32 hex digits that change whenever the binary could."""
    digest = hashlib.sha256(repr((version, flags)).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        content = (SOURCES / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:32]


def kubernetes_version() -> str:
    """Return the version that go.mod requires, e.g. v1.36.2."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise BuildError("go.mod requires no k8s.io/kubernetes")
    return found[1]


def linker_flags(version: str) -> str:
    """Return linker flags that stamp the version, without which the server says v0.0.0-master."""
    major, minor, _ = version.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamped = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamps.items())
    return f"-s -w {stamped}"


def go_version(go: str) -> str:
    """Return the compiler's version and platform, e.g. "go1.26.8 linux amd64"."""
    answer = subprocess.run(
        [go, "env", "GOVERSION", "GOOS", "GOARCH"], cwd=SOURCES, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise BuildError(f"'go env' failed: {last_line(answer.stderr)}")
    return " ".join(answer.stdout.split())


def compile_into(folder: Path, go: str, flags: list[str]) -> None:
    """Compile into a temporary folder beside the target and rename it, so that a half-built one is never found."""
    print("controlplane: building (about 4 minutes the first time) ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        argv = [go, "build", *flags, "-o", str(made / BINARY), "."]
        answer = subprocess.run(
            argv, cwd=SOURCES, env={**os.environ, "CGO_ENABLED": "0"}, stdout=sys.stderr.fileno(), check=False
        )
        if answer.returncode != 0:
            raise BuildError(f"'go build' failed with exit code {answer.returncode}; its messages stand above")
        made.rename(folder)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file: two test runs that start together build once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no message")


if __name__ == "__main__":
    sys.exit(main())
