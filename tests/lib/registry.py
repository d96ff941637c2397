"""Real registries on loopback: Debian's `docker-registry`, plain or with TLS and a login; and `skopeo` beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tests.lib.certs import Authority
from tests.lib.processes import accepts_connections, free_ports, kill_all, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOW_TO_GET = "install docker-registry, skopeo and htpasswd: sh tests/tools/install_registry_tools.sh (Debian, as root)"
USER, PASSWORD = "ada", "correct-horse-7"
START_S = 60.0


def has_tools() -> bool:
    """Return whether the programs are there."""
    return all(shutil.which(name) for name in ("docker-registry", "skopeo", "htpasswd"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a registry asks of its clients."""

    has_tls: bool = False
    has_login: bool = False


class RealRegistry:
    """One running registry."""

    def __init__(self, folder: Path, options: Options = Options(), *, authority: Authority | None = None) -> None:
        """Write its configuration below ``folder``; `with` starts and ends it."""
        self.folder, self.options = folder, options
        self.port = free_ports(1)[0]
        self.host = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority or (Authority(folder / "pki") if options.has_tls else None)
        self.log = folder / "registry.log"
        self.data = folder / "data"

    @property
    def ca(self) -> Path:
        assert self.authority is not None
        return self.authority.certificate

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it listens."""
        config = self.folder / "config.json"
        config.write_text(json.dumps(self._config()))
        self._process = spawn(["docker-registry", "serve", str(config)], self.log, cwd=self.folder)
        end = time.monotonic() + START_S
        while not accepts_connections(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"docker-registry does not start: {self.log.read_text()[-800:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it; what it stores stays."""
        kill_all([self._process])

    def auth_file(self, path: Path) -> Path:
        """Write an auth file as podman and docker share it."""
        import base64

        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        path.write_text(json.dumps({"auths": {self.host: {"auth": login}}}))
        path.chmod(0o600)
        return path

    def skopeo(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run skopeo and return what it prints."""
        done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def skopeo_flags(self, side: str) -> list[str]:
        """Return the flags of ``skopeo copy`` for ``src`` or ``dest``."""
        flags = [f"--{side}-tls-verify=false"]
        return [*flags, f"--{side}-creds={USER}:{PASSWORD}"] if self.options.has_login else flags

    def _config(self) -> dict[str, object]:
        http: dict[str, object] = {"addr": self.host, "secret": "only-for-tests"}
        if self.options.has_tls:
            assert self.authority is not None
            pair = self.authority.issue("registry", server=True)
            http["tls"] = {"certificate": str(pair.certificate), "key": str(pair.key)}
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(self.data)}, "delete": {"enabled": True}},
            "http": http,
        }
        if self.options.has_login:
            file = self.folder / "htpasswd"
            made = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], capture_output=True, text=True, check=True)
            file.write_text(made.stdout)
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(file)}}
        return config
