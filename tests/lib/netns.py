"""Network namespaces for the offline walk-through: a place that has the hub, a site that has no one, and a tripwire.

The site's only way out is a cable whose other end is listened to: every name that is looked up and every connection
that is tried there leaves a line. Needs root and iproute2.

    python -m tests.lib.netns listen INTERFACE     write a line for every packet that comes in (run by `Site`)
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.lib.processes import kill_all, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
HOW_TO_GET = "needs root, iproute2 and a kernel that grants network namespaces (`ip netns add x && ip netns del x`)"
SITE_ADDRESS, GATEWAY, NAME_SERVER = "198.51.100.2", "198.51.100.1", "198.51.100.53"
"""Of a network that is set aside for documents (RFC 5737)."""
ETH_P_ALL, ETH_P_IP, ETH_P_ARP = 0x0003, 0x0800, 0x0806
PACKET_OUTGOING = 4
READY = "listening"
FILES = Path("/etc/netns")
"""What lies over /etc in a namespace."""
OURS = re.compile(r"bundler-?(?P<pid>[0-9]+)(-[a-z-]+|[sw])")
"""Names say whose they are: a run that is killed cleans nothing up."""
START_S = 60.0


def are_granted() -> bool:
    """Return whether namespaces can be made here: by making one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        sweep()
        with Namespace("try"):
            return True
    except NamespaceError:
        return False


class NamespaceError(Exception):
    """The kernel, or `ip`, refuses."""


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NamespaceError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def sweep() -> list[str]:
    """Remove namespaces of runs that were killed; return their names. Programs in them ended with their run."""
    there = {line.split()[0] for line in _ip("netns", "list").splitlines() if line.strip()}
    files = {path.name for path in FILES.iterdir()} if FILES.is_dir() else set()
    dead = left_behind(there | files, is_alive=_is_alive)
    for name in dead:
        Namespace.remove(name)
    cables = {line.split()[1].partition("@")[0].rstrip(":") for line in _ip("-oneline", "link").splitlines()}
    for cable in left_behind(cables, is_alive=_is_alive):
        with contextlib.suppress(NamespaceError):
            _ip("link", "delete", cable)
    return dead


def left_behind(names: Iterable[str], *, is_alive: Callable[[int], bool]) -> list[str]:
    """Return the names that a run gave whose process is gone."""
    found = ((name, OURS.fullmatch(name)) for name in names)
    return sorted(name for name, match in found if match and not is_alive(int(match["pid"])))


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class Namespace:
    """One network namespace with a loopback device, its own names and its own name server."""

    def __init__(self, label: str, *, names: Mapping[str, str] | None = None, pid: int | None = None) -> None:
        """Describe it; `with` makes and removes it.

        Args:
            label: what it is in this run; `name` is its name for `ip netns`.
            names: host name -> address, as /etc/hosts has them.
            pid: of the run it belongs to; ours.
        """
        self.name = f"bundler-{pid or os.getpid()}-{label}"
        self._files = FILES / self.name
        hosts = {"localhost": "127.0.0.1", **(names or {})}
        self._hosts = "".join(f"{address} {host}\n" for host, address in hosts.items())

    def __enter__(self) -> Self:
        # Files below /etc/netns/NAME lie over those of /etc for whatever `ip netns exec` starts.
        self._files.mkdir(parents=True)
        (self._files / "hosts").write_text(self._hosts)
        (self._files / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
        try:
            _ip("netns", "add", self.name)
            _ip("-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove(self.name)

    @staticmethod
    def remove(name: str) -> None:
        """Remove a namespace and its files, as far as they are there."""
        with contextlib.suppress(NamespaceError):
            _ip("netns", "delete", name)
        shutil.rmtree(FILES / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            FILES.rmdir()

    def argv(self, argv: Sequence[str | Path]) -> list[str]:
        """Return the command line that runs `argv` in here."""
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def spawn(self, argv: Sequence[str | Path], log: Path, *, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start a program in here that ends with us."""
        return spawn(self.argv(argv), log, cwd=cwd)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 240,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in here to its end; both its streams come as one."""
        return subprocess.run(
            self.argv(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )


class Site:
    """A namespace whose one cable leads to a listener that answers no one."""

    def __init__(self, label: str, folder: Path, *, names: Mapping[str, str]) -> None:
        """Describe it; `with` makes it. Logs go to `folder`."""
        self.inside = Namespace(f"{label}-site", names=names)
        self._outside = Namespace(f"{label}-world")
        # Names of interfaces have at most 15 characters, and both ends begin outside of any namespace of ours.
        self._cable = (f"bundler{os.getpid()}s", f"bundler{os.getpid()}w")
        self._log = folder / "tripwire.log"
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.inside)
            stack.enter_context(self._outside)
            self._lay_cable()
            argv = [sys.executable, "-m", "tests.lib.netns", "listen", self._cable[1]]
            listener = self._outside.spawn(argv, self._log)
            stack.callback(kill_all, [listener])
            self._wait_for(READY)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def escaped(self) -> list[str]:
        """Return what left the site, or tried to, since it is there."""
        return self._log.read_text().splitlines()[1:]

    def wait_for_escape(self, word: str) -> str:
        """Return the first line of the tripwire that holds a word; wait until there is one."""
        return self._wait_for(word)

    def _lay_cable(self) -> None:
        ends = zip(self._cable, (self.inside, self._outside), strict=True)
        _ip("link", "add", self._cable[0], "type", "veth", "peer", "name", self._cable[1])
        for end, namespace in ends:
            _ip("link", "set", end, "netns", namespace.name)
            # Without version 6 the line is dead quiet: no neighbour discovery, no router solicitation.
            switch = f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6"
            namespace.run(["sh", "-c", f"[ ! -e {switch} ] || echo 1 > {switch}"])
        for address, end, namespace in (
            (SITE_ADDRESS, self._cable[0], self.inside),
            (GATEWAY, self._cable[1], self._outside),
            (NAME_SERVER, self._cable[1], self._outside),
        ):
            _ip("-n", namespace.name, "address", "add", f"{address}/24", "dev", end)
        for end, namespace in ((self._cable[0], self.inside), (self._cable[1], self._outside)):
            _ip("-n", namespace.name, "link", "set", end, "up")
        _ip("-n", self.inside.name, "route", "add", "default", "via", GATEWAY)

    def _wait_for(self, word: str) -> str:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            for line in self._log.read_text().splitlines() if self._log.exists() else []:
                if word in line:
                    return line
            time.sleep(0.02)
        raise NamespaceError(f"the tripwire does not say {word!r}: {self._log.read_text()[-800:]}")


def told(frame: bytes) -> str:
    """Say in one line what an Ethernet frame wants."""
    (kind,) = struct.unpack("!H", frame[12:14])
    body = frame[14:]
    if kind == ETH_P_ARP:
        return f"who has {socket.inet_ntoa(body[24:28])}"
    if kind != ETH_P_IP:
        return f"frame of type {kind:#06x}"
    data = body[(body[0] & 15) * 4 :]
    target = socket.inet_ntoa(body[16:20])
    if body[9] not in {socket.IPPROTO_TCP, socket.IPPROTO_UDP}:
        return f"protocol {body[9]} to {target}"
    (port,) = struct.unpack("!H", data[2:4])
    if body[9] == socket.IPPROTO_UDP and port == 53:
        return f"looks up {_name_asked_for(data[8 + 12 :])}"
    return f"{'tcp' if body[9] == socket.IPPROTO_TCP else 'udp'} to {target}:{port}"


def _name_asked_for(question: bytes) -> str:
    labels, at = [], 0
    while at < len(question) and (size := question[at]):
        labels.append(question[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    return ".".join(labels)


def listen(interface: str) -> None:
    """Print a line for every packet that comes in, for ever."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as sock:
        sock.bind((interface, 0))
        print(READY, flush=True)
        while True:
            frame, address = sock.recvfrom(65_536)
            if address[2] != PACKET_OUTGOING:
                print(told(frame), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["listen", interface]:
            listen(interface)
        case _:
            sys.exit(__doc__)
