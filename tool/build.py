"""Build bundler as one file: `dist/bundler.pyz`, which needs only Python >= 3.11.

    python tool/build.py [--out FILE] [--target linux-gnu-x86_64 …] [--python 3.11 …] [--here] [--cache DIR]
    python tool/build.py --lock

What it depends on is taken from the package index in the versions, and with the hashes, of wheels.lock; wheels are kept
in a cache, and compared with their hashes whenever they are used. The same wheels give the same bytes. `--lock` writes
wheels.lock again, with the versions that are installed here; look at the diff before you commit it. The `kubernetes` library is left out: it serves kubeconfigs with long-gone
`auth-provider` entries alone, and is larger than all the rest.

In the zip, `app/` and `pure/` are for everyone; `plain/` holds what plain Python does in place of something compiled,
`missing/` says what cannot be done so; `shared/TARGET/` and `native/SET/` hold what is compiled for a target, or
for one Python on it. `manifest.json` says which of these an interpreter takes: start.py chooses.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tool" / "wheels.lock"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LEFT_OUT = {"kubernetes", "urllib3", "pycparser"}  # of cffi the backend alone is loaded, which parses nothing
# The oldest systems first: what fits them fits the others.
TARGETS = {
    "linux-gnu-x86_64": [f"manylinux{number}_x86_64" for number in ("_2_17", "2014", "_2_28", "_2_34")],
    "linux-gnu-aarch64": [f"manylinux{number}_aarch64" for number in ("_2_17", "2014", "_2_28", "_2_34")],
    "linux-musl-x86_64": [f"musllinux_1_{minor}_x86_64" for minor in (1, 2)],
    "linux-musl-aarch64": [f"musllinux_1_{minor}_aarch64" for minor in (1, 2)],
    "darwin-x86_64": [f"macosx_10_{minor}_{kind}" for minor in range(9, 16) for kind in ("x86_64", "universal2")],
    "darwin-arm64": [f"macosx_{major}_0_arm64" for major in (11, 12)],
}
SYSTEMS = {"linux-gnu": "Linux with glibc", "linux-musl": "Linux with musl", "darwin": "macOS"}
# Without it signatures can neither be made nor checked: carried everywhere.
NEEDED = ("cryptography", "cffi")
# Layers packed by zstd are read by it. Python 3.14 has its own; a build by 3.14 knows no version of this, and leaves it out.
ZSTD = "backports-zstd"
# Faster than the plain Python that is in the same wheels, which is what the other targets get.
FASTER = ("pyyaml", "markupsafe")
FAST_TARGETS = ("linux-gnu-x86_64", "linux-gnu-aarch64")
# What jsonschema uses of it is in rpds_plain.py, for everyone: compiled it would be 3 MB more and no faster here.
REPLACED = ("rpds-py",)
# The last that was built for a target; the newest are not.
LAST = {("cryptography", "darwin-x86_64"): "48.0.1"}
UNUSED = re.compile(
    r"(^|/)(tests?|__pycache__)/|\.(pyi|c|h|pxd|pyx|pyc)$|(^|/)(py\.typed|RECORD|INSTALLER|REQUESTED)$|\.dist-info/(?!licenses|LICEN|COPYING|METADATA)"
)
EPOCH = (1980, 1, 1, 0, 0, 0)
SHEBANG = b"#!/usr/bin/env python3\n"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class Lock:
    """Versions and hashes of all wheels, in the form that pip reads."""

    def __init__(self, hashes: dict[str, set[str]], *, is_open: bool = False) -> None:
        self.hashes = hashes  # by NAME==VERSION
        self.is_open = is_open  # takes what it does not know yet

    @classmethod
    def read(cls, path: Path) -> Lock:
        hashes: dict[str, set[str]] = {}
        for line in path.read_text().replace("\\\n", " ").splitlines():
            pin, *words = line.partition("#")[0].split()[:1] + re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
            hashes[pin] = set(words)
        return cls(hashes)

    @property
    def versions(self) -> dict[str, str]:
        """Name and version of everything; of two versions the one that is not the last for some old target."""
        last = {f"{name}=={version}" for (name, _), version in LAST.items()}
        pins = sorted(self.hashes, key=lambda pin: pin not in last)
        return dict(sorted(dict(pin.split("==") for pin in pins).items()))

    def check(self, pin: str, wheel: Path) -> None:
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        known = self.hashes.setdefault(pin, set())
        if self.is_open:
            known.add(found)
        elif found not in known:
            sys.exit(f"{wheel}: its hash {found} is not in {LOCK.name}; remove it, or say --lock if you trust it")

    def requirement(self, pin: str) -> str:
        return " ".join([pin, *(f"--hash=sha256:{one}" for one in sorted(self.hashes.get(pin, ())))])

    def write(self, path: Path) -> None:
        lines = [f"{self.requirement(pin)}\n".replace(" --", " \\\n    --") for pin in sorted(self.hashes)]
        path.write_text("".join(lines))


def needed() -> dict[str, str]:
    """Return name and version of everything that bundler needs and that is installed, itself left out."""
    found: dict[str, str] = {}
    todo = ["bundler"]
    while todo:
        name = todo.pop()
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # for other systems
        if name != "bundler":
            found[name] = installed.version
        for line in installed.requires or ():
            requirement, _, marker = line.partition(";")
            if "extra" in marker or ("sys_platform" in marker or "platform_system" in marker):
                continue
            other = canonical(re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0])
            if other not in found and other not in LEFT_OUT:
                todo.append(other)
    return dict(sorted(found.items()))


def pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words], check=True)


def wheel_for(cache: Path, lock: Lock, name: str, version: str, python: str = "", target: str = "") -> Path | None:
    """Return the wheel for an interpreter (plain where none is given) from the cache, fetched where it does not exist."""
    found = cached(cache, name, version, python, target) or fetched(cache, lock, name, version, python, target)
    if found:
        lock.check(f"{name}=={version}", found)
    return found


def places(cache: Path, name: str, version: str, python: str, target: str) -> list[Path]:
    """Return where a wheel may be: one of the stable ABI does for every Python."""
    return [cache / f"{name}-{version}-{kind}-{target or 'any'}" for kind in ("abi3", python or "any")]


def cached(cache: Path, name: str, version: str, python: str, target: str) -> Path | None:
    return next((one for place in places(cache, name, version, python, target) for one in place.glob("*.whl")), None)


def fetched(cache: Path, lock: Lock, name: str, version: str, python: str, target: str) -> Path | None:
    words = ["--only-binary=:all:", "--no-deps"]
    if python:
        tag = "cp" + python.replace(".", "")
        words += ["--python-version", python, "--implementation", "cp"]
        words += [word for abi in (tag, "abi3", "none") for word in ("--abi", abi)]
        words += [word for platform in TARGETS[target] for word in ("--platform", platform)]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        pin = f"{name}=={version}"
        wanted.write_text(pin if lock.is_open else lock.requirement(pin))
        words += [] if lock.is_open else ["--require-hashes"]
        try:
            pip("download", *words, "--dest", folder, "--requirement", str(wanted))
        except subprocess.CalledProcessError:
            return None
        (found,) = Path(folder).glob("*.whl")
        place = places(cache, name, version, python, target)[0 if "-abi3-" in found.name else 1] / found.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(found.read_bytes())
    return place


def compiled_wheels(cache: Path, lock: Lock, versions: dict[str, str], python: str, target: str) -> dict[str, Path]:
    """Return what a set is made of; nothing where something needed does not exist."""
    wanted = [
        *NEEDED,
        *(FASTER if target in FAST_TARGETS else ()),
        *([ZSTD] if python < "3.14" and ZSTD in versions else []),
    ]
    wheels: dict[str, Path] = {}
    for name in wanted:
        version = LAST.get((name, target), versions[name])
        found = wheel_for(cache, lock, name, version, python, target)
        if found is not None:
            wheels[name] = found
        elif name in NEEDED:
            print(f"no set for Python {python} on {target}: there is no {name} {version}", file=sys.stderr)
            return {}
    return wheels


def least(wheels: list[str]) -> list[int]:
    """Return the oldest version of glibc, musl or macOS that all wheels fit, by their names."""
    found = []
    for name in wheels:
        platforms = name.removesuffix(".whl").rpartition("-")[2].replace("manylinux2014", "manylinux_2_17")
        found.append(min([int(major), int(minor)] for major, minor in re.findall(r"_(\d+)_(\d+)_", platforms)))
    return max(found)


def thin(content: bytes, machine: str) -> bytes:
    """Return the part of a universal Mach-O file that is for one machine. Source: mach-o/fat.h."""
    if content[:4] != b"\xca\xfe\xba\xbe":
        return content
    wanted = {"x86_64": 0x0100_0007, "arm64": 0x0100_000C}[machine]
    for at in range(8, 8 + 20 * struct.unpack_from(">I", content, 4)[0], 20):
        kind, _, offset, size, _ = struct.unpack_from(">IIIII", content, at)
        if kind == wanted:
            return content[offset : offset + size]
    raise ValueError(f"nothing in it is for {machine}")


def own_wheel(folder: Path) -> Path:
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("bundler-*.whl"))


def files_of(wheel: Path) -> dict[str, bytes]:
    """Return what of a wheel is used at run time."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not UNUSED.search(name)]
        return {name: archive.read(name) for name in names}


def gather(
    cache: Path, lock: Lock, versions: dict[str, str], targets: list[str], pythons: list[str]
) -> dict[str, bytes]:
    """Return every file of the tool by its name in the zip."""
    private = ROOT / "bundler" / "files" / "private_folder.py"
    files: dict[str, bytes] = {
        "__main__.py": (ROOT / "tool" / "start.py").read_bytes(),
        private.name: private.read_bytes(),
    }
    with tempfile.TemporaryDirectory() as folder:
        files |= {f"app/{name}": content for name, content in files_of(own_wheel(Path(folder))).items()}
    for name, version in versions.items():
        if name not in {*NEEDED, *FASTER, *REPLACED, ZSTD}:
            wheel = wheel_for(cache, lock, name, version)
            assert wheel is not None, f"there is no wheel of {name} {version}"
            files |= {f"pure/{path}": content for path, content in files_of(wheel).items()}
    plain = plain_files(cache, lock, versions)
    files |= {f"plain/{path}": content for path, content in plain.items()}
    sets: dict[str, dict[str, list[Any]]] = {}
    for target in targets:
        found = {}
        for python in pythons:
            if wheels := compiled_wheels(cache, lock, versions, python, target):
                tag = f"cp{python.replace('.', '')}-{target}"
                found[tag] = compiled_files(wheels, target)
                folders = [f"native/{tag}", f"shared/{target}", "plain"]
                sets[tag] = {"folders": folders, "least": least([wheel.name for wheel in wheels.values()])}
        files |= laid_out(found, target, plain)
    template = (ROOT / "tool" / "cryptography_missing.py").read_text()
    files["missing/cryptography/__init__.py"] = template.replace("@OFFERED@", offer(sets)).encode()
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    manifest = {"id": digest.hexdigest()[:16], "sets": sets, "versions": versions}
    files["manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    return files


def plain_files(cache: Path, lock: Lock, versions: dict[str, str]) -> dict[str, bytes]:
    """Return what is in for compiled libraries."""
    files = {"rpds/__init__.py": (ROOT / "tool" / "rpds_plain.py").read_bytes()}
    for name in FASTER:
        # Every wheel of a version has the same files in plain Python.
        wheel = wheel_for(cache, lock, name, versions[name], PYTHONS[0], next(iter(TARGETS)))
        assert wheel is not None, f"there is no wheel of {name} {versions[name]}"
        files |= {path: content for path, content in files_of(wheel).items() if not path.endswith(".so")}
    return files


def compiled_files(wheels: dict[str, Path], target: str) -> dict[str, bytes]:
    """Return what is compiled for one interpreter, and the Python that goes with it."""
    files = {}
    for name, wheel in wheels.items():
        for path, content in files_of(wheel).items():
            if name != "cffi" or path.startswith("_cffi_backend"):
                files[path] = thin(content, target.rpartition("-")[2]) if path.endswith(".so") else content
    return files


def laid_out(sets: dict[str, dict[str, bytes]], target: str, plain: dict[str, bytes]) -> dict[str, bytes]:
    """Return files by name in the zip; what is plain or shared by all interpreters of a target is stored once."""
    files: dict[str, bytes] = {}
    for tag, found in sets.items():
        for path, content in found.items():
            if plain.get(path) != content:
                is_shared = all(other.get(path) == content for other in sets.values())
                files[f"shared/{target}/{path}" if is_shared else f"native/{tag}/{path}"] = content
    return files


def offer(sets: dict[str, dict[str, list[Any]]]) -> str:
    """Say in words which interpreters something compiled is carried for."""
    pythons: dict[tuple[str, str], list[str]] = {}
    for tag, told in sets.items():
        python, _, target = tag.partition("-")
        system, _, machine = target.rpartition("-")
        place = f"{SYSTEMS[system]} {'.'.join(map(str, told['least']))} or newer"
        pythons.setdefault((place, machine), []).append(f"3.{python[3:]}")
    said: dict[str, dict[str, list[str]]] = {}
    for (place, machine), found in pythons.items():
        said.setdefault(", ".join(found), {}).setdefault(place, []).append(machine)
    words = [
        f"CPython {found} on " + ", ".join(f"{place} ({', '.join(machines)})" for place, machines in places.items())
        for found, places in said.items()
    ]
    return "; ".join(words) or "no interpreter at all"


def load(name: str) -> ModuleType:
    """Import a file beside this one."""
    sys.path.append(str(ROOT / "bundler" / "files"))  # in the zip it is beside start.py
    spec = importlib.util.spec_from_file_location(name, ROOT / "tool" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(files: dict[str, bytes], out: Path) -> None:
    """Write the zip, the same bytes for the same files."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(f".{out.name}.unfinished")
    with half.open("wb") as stream:
        stream.write(SHEBANG)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, files[name])
    half.chmod(0o755)
    half.replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "bundler.pyz")
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--python", action="append", choices=PYTHONS)
    parser.add_argument("--here", action="store_true", help="for this interpreter alone")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bundler-tool")
    parser.add_argument("--lock", action="store_true", help="write wheels.lock again, for all targets")
    given = parser.parse_args()
    targets, pythons = given.target or list(TARGETS), given.python or list(PYTHONS)
    if given.here:
        targets = [load("start").here()[0].partition("-")[2]]
        pythons = [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    lock = Lock({}, is_open=True) if given.lock else Lock.read(LOCK)
    files = gather(given.cache, lock, needed() if given.lock else lock.versions, targets, pythons)
    if given.lock:
        lock.write(LOCK)
        return
    write(files, given.out)
    size = given.out.stat().st_size / 1024 / 1024
    print(f"{given.out}  {size:.1f} MiB: {', '.join(json.loads(files['manifest.json'])['sets'])}")


if __name__ == "__main__":
    main()
