"""Build bundler as one file: `dist/bundler.pyz`, which needs only Python >= 3.11.

    python tool/build.py [--out FILE] [--machine x86_64 …] [--python 3.11 …] [--cache DIR]

What it depends on is taken from the package index in the versions that are installed here; wheels are kept in a cache.
The same wheels give the same bytes. The `kubernetes` library is left out: it serves kubeconfigs with long-gone
`auth-provider` entries alone, and is larger than all the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LEFT_OUT = {"kubernetes"}
# What has compiled parts; the second word tells whether plain Python does where they do not fit.
COMPILED = {"pyyaml": True, "markupsafe": True, "rpds-py": False, "cffi": False, "cryptography": False}
PLATFORMS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28", "manylinux_2_34")
UNUSED = re.compile(
    r"(^|/)(tests?|__pycache__)/|\.(pyi|c|h|pxd|pyx|pyc)$|(^|/)(py\.typed|RECORD|INSTALLER|REQUESTED)$|\.dist-info/(?!licenses|LICEN|COPYING|METADATA)"
)
EPOCH = (1980, 1, 1, 0, 0, 0)
SHEBANG = b"#!/usr/bin/env python3\n"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed() -> dict[str, str]:
    """Return name and version of everything that bundler needs, itself left out."""
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


def wheel_for(cache: Path, name: str, version: str, python: str = "", machine: str = "") -> Path | None:
    """Return the wheel for an interpreter (plain where none is given) from the cache, fetched where it is not there."""
    folder = cache / f"{name}-{version}-{python or 'any'}-{machine or 'any'}"
    found = list(folder.glob("*.whl"))
    if not found:
        target = ["--only-binary=:all:", "--no-deps", "--dest", str(folder)]
        if python:
            tag = "cp" + python.replace(".", "")
            target += [
                "--python-version",
                python,
                "--implementation",
                "cp",
                "--abi",
                tag,
                "--abi",
                "abi3",
                "--abi",
                "none",
            ]
            target += [word for platform in PLATFORMS for word in ("--platform", f"{platform}_{machine}")]
        try:
            pip("download", *target, f"{name}=={version}")
        except subprocess.CalledProcessError:
            return None
        found = list(folder.glob("*.whl"))
    return found[0]


def own_wheel(folder: Path) -> Path:
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("bundler-*.whl"))


def files_of(wheel: Path) -> dict[str, bytes]:
    """Return what of a wheel is used at run time."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not UNUSED.search(name)]
        return {name: archive.read(name) for name in names}


def gather(cache: Path, machines: list[str], pythons: list[str]) -> dict[str, bytes]:
    """Return every file of the tool by its name in the zip."""
    files: dict[str, bytes] = {"__main__.py": (ROOT / "tool" / "start.py").read_bytes()}
    files["plain/rpds/__init__.py"] = (ROOT / "tool" / "rpds_plain.py").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        files |= {f"app/{name}": content for name, content in files_of(own_wheel(Path(folder))).items()}
    versions, native = needed(), []
    for name, version in versions.items():
        if name not in COMPILED:
            wheel = wheel_for(cache, name, version)
            assert wheel is not None, f"there is no wheel of {name} {version}"
            files |= {f"pure/{path}": content for path, content in files_of(wheel).items()}
    for machine in machines:
        sets = {}
        for python in pythons:
            found = compiled_set(cache, versions, python, machine)
            if found is not None:
                sets[f"cp{python.replace('.', '')}-linux-{machine}"] = found
        native += sets
        files |= laid_out(sets, machine)
        for found in sets.values():
            files |= {f"plain/{path}": content for path, (content, is_plain) in found.items() if is_plain}
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    manifest = {"id": digest.hexdigest()[:16], "native": sorted(native), "versions": versions}
    files["manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    return files


def compiled_set(
    cache: Path, versions: dict[str, str], python: str, machine: str
) -> dict[str, tuple[bytes, bool]] | None:
    """Return what is compiled for one interpreter: content, and whether it does in plain Python too."""
    wheels = {name: wheel_for(cache, name, versions[name], python, machine) for name in COMPILED}
    missing = [name for name, wheel in wheels.items() if wheel is None]
    if missing:
        print(f"no compiled set for Python {python} on {machine}: {', '.join(missing)} is not there", file=sys.stderr)
        return None
    return {
        path: (content, COMPILED[name] and not path.endswith(".so"))
        for name, wheel in wheels.items()
        if wheel is not None
        for path, content in files_of(wheel).items()
    }


def laid_out(sets: dict[str, dict[str, tuple[bytes, bool]]], machine: str) -> dict[str, bytes]:
    """Return files by name in the zip; what all interpreters of a machine share is stored once."""
    files: dict[str, bytes] = {}
    for tag, found in sets.items():
        for path, (content, _) in found.items():
            is_shared = all(other.get(path, (b"", False))[0] == content for other in sets.values())
            files[f"shared/linux-{machine}/{path}" if is_shared else f"native/{tag}/{path}"] = content
    return files


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
    parser.add_argument("--machine", action="append", choices=MACHINES)
    parser.add_argument("--python", action="append")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bundler-tool")
    given = parser.parse_args()
    files = gather(given.cache, given.machine or list(MACHINES), given.python or list(PYTHONS))
    write(files, given.out)
    size = given.out.stat().st_size / 1024 / 1024
    print(f"{given.out}  {size:.1f} MiB, {json.loads(files['manifest.json'])['native']}")


if __name__ == "__main__":
    main()
