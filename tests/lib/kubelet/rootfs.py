"""A container's root file system: the machine's programs, everything else hidden, the image's own files on top."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import TYPE_CHECKING

from tests.lib.kubelet.images import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lib.kubelet.environment import User
    from tests.lib.kubelet.images import Image

SHOWN = frozenset({"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc"})
"""What of the machine's root a container sees; links among them keep their way."""
OPAQUE = (
    *("tmp", "run", "var", "usr/local", "usr/share/nginx"),
    *("etc/nginx", "etc/redis", "etc/postgresql", "etc/postgresql-common", "etc/default", "etc/ssh"),
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder that a container sees at a path of its own."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything that is needed to start a container."""

    folder: Path
    """Where its layer and its root lie; empty at the start."""
    skeleton: Path
    mounts: Sequence[Mount]
    user: User
    argv: Sequence[str]
    env: dict[str, str]
    working_dir: str
    host_name: str
    stop_signal: int


def build_skeleton(folder: Path, image: Image) -> Path:
    """Make the layer that turns the machine's root into the image's, and return it."""
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    hidden = [one.name for one in Path("/").iterdir() if one.name not in SHOWN and one.is_dir()]
    for name in (*hidden, *OPAQUE):
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)
        os.setxattr(path, "trusted.overlay.opaque", b"y")
    for name in ("tmp", "var/tmp"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o1777)
    (folder / "var/run").symlink_to("../run")
    for name in ("usr/local/bin", "var/lib", "var/log", "var/cache", "root", "usr/share/nginx/html"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_accounts(folder / "etc", image)
    _write_image(folder, image)
    return folder


def _write_accounts(etc: Path, image: Image) -> None:
    uid, gid = image.owner
    own_user = f"{image.name}:x:{uid}:{gid}::/:/bin/sh\n" if uid else ""
    own_group = f"{image.name}:x:{gid}:\n" if gid else ""
    (etc / "passwd").write_text(f"root:x:0:0:root:/root:/bin/sh\nno one:x:65534:65534::/:/bin/sh\n{own_user}")
    (etc / "group").write_text(f"root:x:0:\nnogroup:x:65534:\n{own_group}")
    for name in ("hosts", "resolv.conf", "hostname"):
        (etc / name).touch()


def _write_image(folder: Path, image: Image) -> None:
    for name in (*image.folders, image.working_dir):
        path = _below(folder, name)
        path.mkdir(parents=True, exist_ok=True)
        if name != "/":
            os.chown(path, *image.owner)
    for name, source in image.files.items():
        path = _below(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SCRIPTS / source, path)
        path.chmod(0o755 if source.endswith(".sh") else 0o644)
    for name, target in image.links.items():
        _below(folder, name).symlink_to(target)
    for name, program in image.programs.items():
        path = _below(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(program, path)
        path.chmod(0o755)


def _below(root: Path, path: str) -> Path:
    return root / path.removeprefix("/").replace("var/run/", "run/")


def launch_script(launch: Launch) -> str:
    """Return the script that builds the root, moves into it and becomes the container's process.

    It runs in fresh mount, PID, UTS and IPC namespaces. It says "up" on its standard input, which is a pipe, when all that
    is left is to start the program.
    """
    layer, work, root = (launch.folder / name for name in ("layer", "work", "root"))
    merged = f"lowerdir={launch.skeleton}:/,upperdir={layer},workdir={work}"
    lines = [
        "set -e",
        join(["mkdir", "-p", str(layer), str(work), str(root)]),
        join(["mount", "-t", "overlay", "overlay", "-o", merged, str(root)]),
        *_device_lines(root),
        join(["mount", "-t", "proc", "proc", f"{root}/proc"]),
    ]
    # A path comes before what is below it.
    for mount in sorted(launch.mounts, key=lambda one: one.target):
        lines += _mount_lines(mount, root)
    if launch.user.read_only_root:
        lines.append(join(["mount", "-o", "remount,ro", str(root)]))
    lines += [
        join(["hostname", launch.host_name]),
        join(["cd", str(root)]),
        "pivot_root . .",
        "umount -l .",
        "cd /",
        "echo up >&0",
        "exec 0</dev/null",
        "exec " + join(as_user(launch.user, launch.env, launch.working_dir, launch.argv)),
    ]
    return "\n".join(lines) + "\n"


def as_user(user: User, env: dict[str, str], working_dir: str, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` as a user, with exactly this environment."""
    groups = ",".join(map(str, user.groups))
    words = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}"]
    words.append(f"--groups={groups}" if groups else "--clear-groups")
    if user.no_new_privileges:
        words.append("--no-new-privs")
    if user.drops_all:
        words += ["--inh-caps=-all", "--bounding-set=-all"]
    variables = [f"{name}={text}" for name, text in env.items()]
    return [*words, "--", "env", "-i", "-C", working_dir, *variables, *argv]


def _device_lines(root: Path) -> list[str]:
    dev = quote(f"{root}/dev")
    lines = [f"mount -t tmpfs -o mode=755 dev {dev}", f"mkdir {dev}/shm", f"mount -t tmpfs -o mode=1777 shm {dev}/shm"]
    for name in DEVICES:
        lines += [f"touch {dev}/{name}", f"mount --bind /dev/{name} {dev}/{name}"]
    links = {
        "fd": "/proc/self/fd",
        "stdin": "/proc/self/fd/0",
        "stdout": "/proc/self/fd/1",
        "stderr": "/proc/self/fd/2",
    }
    return lines + [f"ln -s {target} {dev}/{name}" for name, target in links.items()]


def _mount_lines(mount: Mount, root: Path) -> list[str]:
    target = quote(str(_below(root, mount.target)))
    source = quote(str(mount.source))
    if mount.source.is_dir():
        made = f"mkdir -p {target}"
    else:
        made = f"mkdir -p $(dirname {target}); [ -e {target} ] || touch {target}"
    lines = [made, f"mount --bind {source} {target}"]
    if mount.read_only:
        lines.append(f"mount -o remount,bind,ro {target}")
    return lines
