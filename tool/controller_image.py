"""Build the image of the controller without Docker: Debian's Python and bundler, in an OCI layout.

    python tool/controller_image.py [--to oci:DIR[:NAME]] [--arch amd64|arm64] [--cache DIR]
    python tool/controller_image.py --lock

Debian packages are taken from apt in the versions, and with the hashes, of controller_image.lock; apt may be that of any
Debian machine whose sources offer Debian 12, and needs no root. Packages are kept in a cache, and compared with their
hashes whenever they are used. They become the lower layer; bundler, as its one-file tool unpacks itself for this
Python, becomes the upper one. The same lock and sources give the same bytes. `--lock` writes the lock again, with the
newest versions that apt offers; look at the diff before you commit it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import build  # beside this file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tool" / "controller_image.lock"
PYTHON = "3.11"
TARGETS = {"amd64": "linux-gnu-x86_64", "arm64": "linux-gnu-aarch64"}
WANTED = (
    "base-files", "ca-certificates", "libbz2-1.0", "libc6", "libcrypt1", "libexpat1", "libffi8", "libgcc-s1", "liblzma5",
    "libpython3.11-minimal", "libpython3.11-stdlib", "libsqlite3-0", "libssl3", "libuuid1", "netbase", "python3.11-minimal",
    "tzdata", "zlib1g",
)  # fmt: skip
"""What Python needs for everything but terminals, dbm and NIS."""
LEFT_OUT = re.compile(
    r"^usr/share/(doc/(?!.*/copyright$)|man/|info/|lintian/|locale/|bug/|menu/|applications/|pixmaps/)"
    r"|^usr/lib/python3\.11/(pydoc_data|idlelib|distutils|lib2to3|ensurepip|config-3\.11-[^/]*)/"
    r"|^usr/lib/python3\.11/lib-dynload/(_curses|_curses_panel|_dbm|nis|readline)\."
    r"|^usr/share/zoneinfo/(right|posix)/|^usr/lib/[^/]+/(gconv|audit)/|^usr/(sbin|share/debconf)/|^etc/(update-motd\.d|default|kernel)/"
    r"|^(usr/lib/tmpfiles\.d|var|dev|proc|sys|run|home|root|boot|tmp|usr/games|usr/local)/"
)
MERGED = ("bin", "lib", "lib64", "sbin")
"""Folders that Debian has in /usr; packages still name some of them in their old place."""
USER = 65532
PATHS = [f"/usr/lib/bundler/{name}" for name in ("app", "pure", "compiled")]
CACHE = "/var/cache/bundler"
ACCOUNTS = {
    "etc/passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\nbundler:x:{USER}:{USER}:bundler:{CACHE}:/usr/sbin/nologin\n",
    "etc/group": f"root:x:0:\nbundler:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "PYTHONPATH": ":".join(PATHS),
    # Modules are compiled once for all processes of a pod, in the one place where it may write.
    "PYTHONPYCACHEPREFIX": f"{CACHE}/python",
    "BUNDLER_CACHE_DIR": CACHE,
}
ENTRYPOINT = [f"/usr/bin/python{PYTHON}", "-m", "bundler", "controller", "run"]


@dataclass(frozen=True, order=True)
class Package:
    """A Debian package in one version."""

    name: str
    version: str
    architecture: str  # "all" where it is the same for every one
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


def version() -> str:
    """Return the version of bundler, without importing it."""
    (found,) = re.findall(r'^__version__ = "([^"]+)"', (ROOT / "bundler" / "_version.py").read_text(), re.MULTILINE)
    return found


def image_name() -> str:
    """Return what the bundle of the controller calls its image."""
    values = (ROOT / "bundles" / "controller" / "values.yaml").read_text()
    (found,) = re.findall(r"^image: (\S+)$", values, re.MULTILINE)
    return found


def read_lock(architecture: str) -> list[Package]:
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    return sorted(package for line in lines if (package := Package(*line)).architecture in ("all", architecture))


class Apt:
    """Apt of this machine with a state of its own, so that it serves any architecture, and without root."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self._folder = folder / "apt" / architecture
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        self._options = [
            f"APT::Architecture={architecture}", f"APT::Architectures::={architecture}", f"Dir::State={self._folder}/state",
            f"Dir::State::status={self._folder}/status", f"Dir::Cache={self._folder}/cache", "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false", "APT::Sandbox::User=root",
        ]  # fmt: skip

    def run(self, program: str, *words: str, cwd: Path | None = None) -> str:
        options = [word for option in self._options for word in ("-o", option)]
        done = subprocess.run([program, *options, "-q", *words], cwd=cwd, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{program} {' '.join(words)} failed: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout

    def offered(self) -> Iterator[Package]:
        """Yield the newest version of every package that is wanted."""
        self.run("apt-get", "update")
        for text in self.run("apt-cache", "show", "--no-all-versions", *WANTED).split("\n\n"):
            said = dict(re.findall(r"^(Package|Version|Architecture|SHA256): (\S+)$", text, re.MULTILINE))
            if said:
                yield Package(said["Package"], said["Version"], said["Architecture"], said["SHA256"])

    def fetch(self, packages: Sequence[Package], to: Path) -> None:
        self.run("apt-get", "update")
        self.run("apt-get", "download", *(f"{one.name}={one.version}" for one in packages), cwd=to)


def write_lock(cache: Path) -> None:
    found = {package for architecture in TARGETS for package in Apt(cache, architecture).offered()}
    lines = ["# package version architecture sha256, written by `python tool/controller_image.py --lock`"]
    lines += [f"{one.name} {one.version} {one.architecture} {one.sha256}" for one in sorted(found)]
    LOCK.write_text("\n".join(lines) + "\n")


def fetched(packages: Sequence[Package], cache: Path, architecture: str) -> dict[Package, Path]:
    """Return the file of each package, from the cache where it has it, compared with its hash."""
    cache.mkdir(parents=True, exist_ok=True)
    missing = [one for one in packages if not (cache / one.file).exists()]
    if missing:
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            Apt(cache, architecture).fetch(missing, Path(folder))
            for one in missing:
                Path(folder, one.file).replace(cache / one.file)
    for one in packages:
        found = hashlib.sha256((cache / one.file).read_bytes()).hexdigest()
        if found != one.sha256:
            sys.exit(f"{cache / one.file}: its hash {found} is not the one in {LOCK.name}; remove it and try again")
    return {one: cache / one.file for one in packages}


def members(deb: Path) -> dict[str, bytes]:
    """Return the parts of a Debian package: an archive of ar(5) with two tar files."""
    content = deb.read_bytes()
    if content[:8] != b"!<arch>\n":
        sys.exit(f"{deb} is no Debian package")
    found, at = {}, 8
    while at + 60 <= len(content):
        name, size = content[at : at + 16].decode().strip(" /"), int(content[at + 48 : at + 58])
        found[name] = content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return found


def opened(parts: Mapping[str, bytes], name: str) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(lzma.decompress(parts[f"{name}.tar.xz"])))


def merged(path: str) -> str:
    """Return where a file of a package goes, from the root."""
    path = posixpath.normpath(path).lstrip("/")
    return f"usr/{path}" if path.split("/")[0] in MERGED else path


def kept(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the files and links of a package that belong in the image, under the names that they have there."""
    for member in tar:
        name = merged(member.name)
        if member.isdir() or LEFT_OUT.search(name):
            continue
        link = member.linkname
        if member.islnk():
            link = merged(link)
        elif member.issym() and link.startswith("/"):
            link = posixpath.relpath(merged(link), posixpath.dirname(name))
        yield member.replace(name=name, linkname=link, mode=member.mode & 0o755, deep=False)


def unpack_packages(files: Mapping[Package, Path], root: Path) -> None:
    """Write the lower layer: packages, and what their scripts would have made."""
    status = []
    for package, file in sorted(files.items()):
        parts = members(file)
        with opened(parts, "data") as tar:
            tar.extractall(root, list(kept(tar)), filter="data")
        with opened(parts, "control") as tar:
            control = tar.extractfile("./control")
            assert control is not None, package
            status.append(control.read().decode().strip().replace("\n", "\nStatus: install ok installed\n", 1))
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr" / "bin" / "python3").symlink_to(f"python{PYTHON}")
    trusted = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    texts = {
        **ACCOUNTS,
        "etc/ssl/certs/ca-certificates.crt": "".join(path.read_text().strip() + "\n" for path in trusted),
        "var/lib/dpkg/status": "\n\n".join(status) + "\n",
    }
    for name, text in texts.items():
        write(root / name, text.encode())
    for name in ("tmp", "run", CACHE.strip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)


def unpack_bundler(architecture: str, root: Path) -> None:
    """Write the upper layer: bundler as its one-file tool unpacks itself for the Python of the image."""
    lock, target = build.Lock.read(build.LOCK), TARGETS[architecture]
    cache = Path.home() / ".cache" / "bundler-tool"
    files = build.gather(cache, lock, lock.versions, [target], [PYTHON])
    start = build.load("start")
    native = f"cp{PYTHON.replace('.', '')}-{target}"
    folders = json.loads(files["manifest.json"])["sets"][native]["folders"]
    for name, source in start.chosen(list(files), folders).items():
        if not name.startswith("missing/"):
            write(root / "usr/lib/bundler" / name, files[source])


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def image_build(*words: str) -> None:
    """Run `bundler image build` of these sources."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "bundler", "image", "build", *words], check=True, env=environment, stdout=sys.stderr
    )


def make_image(to: str, architecture: str, cache: Path) -> None:
    files = fetched(read_lock(architecture), cache, architecture)
    labels = {"title": "bundler-controller", "version": version(), "licenses": "Apache-2.0"}
    settings = [word for name, value in ENVIRONMENT.items() for word in ("--env", f"{name}={value}")]
    settings += [
        word for name, value in labels.items() for word in ("--label", f"org.opencontainers.image.{name}={value}")
    ]
    with tempfile.TemporaryDirectory() as folder:
        debian, own = Path(folder, "debian"), Path(folder, "bundler")
        unpack_packages(files, debian)
        unpack_bundler(architecture, own)
        base = f"oci:{folder}/base"
        image_build("--base", "scratch", "--platform", f"linux/{architecture}", "--add", f"{debian}:/", "--to", base)
        image_build(
            "--base", base, "--add", f"{own}:/", "--entrypoint", json.dumps(ENTRYPOINT), "--user", f"{USER}:{USER}",
            "--workdir", "/", "--expose", "8080", "--expose", "8081", *settings, "--to", to,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", help="dist/controller by default, with the name that bundles/controller uses")
    parser.add_argument("--arch", choices=TARGETS, default="arm64" if os.uname().machine == "aarch64" else "amd64")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bundler-debian")
    parser.add_argument("--lock", action="store_true", help="write controller_image.lock again")
    given = parser.parse_args()
    if not shutil.which("apt-get"):
        sys.exit(
            "Debian packages are fetched by apt-get, which is not here; run this on Debian, or in a container of it"
        )
    if given.lock:
        write_lock(given.cache)
        return
    make_image(given.to or f"oci:{ROOT / 'dist' / 'controller'}:{image_name()}", given.arch, given.cache)


if __name__ == "__main__":
    main()
