"""The images that this kubelet can run: what their documentation promises, and the programs here that keep it."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lib.controlplane import find_binaries

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPTS = Path(__file__).parent / "entrypoints"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEEDED = (
    "nginx",
    "redis-server",
    "redis-sentinel",
    "redis-cli",
    "etcdctl",
    "iptables-restore",
    "setpriv",
    "ip",
    "curl",
    "sshd",
    "ssh",
)
HOW_TO_GET = "run `make setup-servers` as root on Debian (nginx, PostgreSQL, Redis, sshd and their tools)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The public contract of one image."""

    name: str
    """Of its user, which exists in its /etc/passwd."""
    uid: int
    gid: int
    account: int = 0
    """The id of the user `name` where the image starts as root and gives itself up."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = "/"
    ports: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    folders: tuple[str, ...] = ()
    """Folders that belong to its user."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> file in `entrypoints`, executable where it ends in .sh."""
    links: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Path] = field(default_factory=dict)
    """Path in the image -> a program of this machine that is hidden otherwise."""

    @property
    def owner(self) -> tuple[int, int]:
        """User and group that its folders belong to."""
        return (self.uid or self.account, self.gid or self.account)


def postgres_programs() -> Path | None:
    """Return where Debian keeps the programs of its newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def missing_programs() -> list[str]:
    """Return what `make setup-servers` has to install."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return missing + ([] if postgres_programs() else ["postgres"])


def table() -> dict[str, Image]:
    """Return every image by its repository."""
    nginx, shell = _nginx(), _shell()
    etcd = _etcd()
    return {
        # https://hub.docker.com/_/postgres
        "docker.io/library/postgres": _postgres(),
        # https://hub.docker.com/_/redis
        "docker.io/library/redis": _redis(),
        # https://hub.docker.com/r/nginxinc/nginx-unprivileged
        "docker.io/nginxinc/nginx-unprivileged": nginx,
        # https://hub.docker.com/r/redis/redisinsight, https://redis.io/docs/latest/operate/redisinsight/configuration/
        "docker.io/redis/redisinsight": _redisinsight(),
        # https://hub.docker.com/_/haproxy
        "docker.io/library/haproxy": _haproxy(),
        # https://etcd.io/docs/latest/op-guide/container/
        "quay.io/coreos/etcd": etcd,
        "gcr.io/etcd-development/etcd": etcd,
        "registry.k8s.io/etcd": etcd,
        # https://hub.docker.com/_/busybox, https://hub.docker.com/_/debian, https://hub.docker.com/_/python
        "docker.io/library/busybox": shell,
        "docker.io/library/debian": shell,
        # What a site would make of it: Debian with openssh-server.
        "registry.example/debian-ssh": shell,
        "docker.io/library/python": shell,
    }


def repository_of(reference: str) -> str:
    """Return an image reference without tag and digest, with its registry."""
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    last = last.partition(":")[0]
    parts = [*head.split("/"), last] if head else [last]
    if len(parts) == 1:
        parts = ["library", *parts]
    if "." not in parts[0] and ":" not in parts[0] and parts[0] != "localhost":
        parts = ["docker.io", *parts]
    return "/".join(parts)


def _postgres() -> Image:
    programs = postgres_programs() or Path("/nonexistent")
    return Image(
        name="postgres",
        uid=0,
        gid=0,
        account=999,
        entrypoint=("docker-entrypoint.sh",),
        command=("postgres",),
        env={"PATH": f"{PATH}:{programs}", "PGDATA": "/var/lib/postgresql/data", "LANG": "C.UTF-8"},
        ports=(5432,),
        stop_signal=signal.SIGINT,
        folders=("/var/lib/postgresql/data", "/var/run/postgresql", "/docker-entrypoint-initdb.d"),
        files={"/usr/local/bin/docker-entrypoint.sh": "postgres.sh"},
    )


def _redis() -> Image:
    return Image(
        name="redis",
        uid=0,
        gid=0,
        account=999,
        entrypoint=("docker-entrypoint.sh",),
        command=("redis-server",),
        env={"PATH": PATH},
        working_dir="/data",
        ports=(6379,),
        folders=("/data",),
        files={"/usr/local/bin/docker-entrypoint.sh": "redis.sh"},
    )


def _redisinsight() -> Image:
    """No Debian package has it: a small server keeps the part of its contract that a bundle rests on."""
    return Image(
        name="node",
        uid=1000,
        gid=1000,
        entrypoint=("/usr/src/app/docker-entry.sh",),
        env={"PATH": PATH, "RI_APP_PORT": "5540", "RI_APP_HOST": "0.0.0.0"},
        working_dir="/usr/src/app",
        ports=(5540,),
        folders=("/data",),
        files={"/usr/src/app/docker-entry.sh": "redisinsight.sh", "/usr/src/app/server.py": "redisinsight.py"},
    )


def _nginx() -> Image:
    return Image(
        name="nginx",
        uid=101,
        gid=101,
        entrypoint=("/docker-entrypoint.sh",),
        command=("nginx", "-g", "daemon off;"),
        env={"PATH": PATH},
        ports=(8080,),
        stop_signal=signal.SIGQUIT,
        folders=("/var/log/nginx", "/var/cache/nginx", "/var/lib/nginx", "/docker-entrypoint.d", "/etc/nginx/conf.d"),
        files={
            "/docker-entrypoint.sh": "nginx.sh",
            "/etc/nginx/nginx.conf": "nginx.conf",
            "/etc/nginx/conf.d/default.conf": "nginx-default.conf",
            "/etc/nginx/mime.types": "/etc/nginx/mime.types",
            "/usr/share/nginx/html/index.html": "nginx-index.html",
        },
        links={"/var/log/nginx/access.log": "/dev/stdout", "/var/log/nginx/error.log": "/dev/stderr"},
    )


def _haproxy() -> Image:
    return Image(
        name="haproxy",
        uid=99,
        gid=99,
        command=("haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),
        env={"PATH": PATH},
        working_dir="/var/lib/haproxy",
        stop_signal=signal.SIGUSR1,
        folders=("/var/lib/haproxy", "/usr/local/etc/haproxy"),
    )


def _etcd() -> Image:
    argv = tuple((find_binaries() or {}).get("etcd", ("/nonexistent",)))
    # The control plane's programs are one file, which takes the name of the program as its first argument.
    return Image(
        name="etcd",
        uid=0,
        gid=0,
        command=("/usr/local/bin/etcd",),
        env={"PATH": PATH},
        ports=(2379, 2380),
        folders=("/var/etcd", "/var/lib/etcd"),
        files={"/usr/local/bin/etcd": "etcd.sh"},
        programs={"/usr/local/lib/etcd": Path(argv[0])},
    )


def _shell() -> Image:
    return Image(name="nobody", uid=0, gid=0, command=("sh",), env={"PATH": PATH})
