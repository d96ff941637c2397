"""The `__main__` of bundler as one file: unpack once into the cache, then run. Standard library only, Python >= 3.11.

What is compiled is chosen for this machine; where nothing fits, plain Python stands in, and what cannot be done without
says so when it is asked for.
"""

import json
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

COMMON = ("app/", "pure/")


def main():
    if sys.version_info < (3, 11):
        have = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: bundler needs Python 3.11 or newer, and this is {have}")
    with zipfile.ZipFile(sys.argv[0]) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        native = fitting(manifest["native"])
        folder = unpacked(archive, manifest["id"], native or "plain")
    sys.path[0:1] = [str(folder / name) for name in ("app", "pure", "compiled")]
    from bundler.__main__ import main as run

    return run()


def fitting(offered):
    """Return the compiled set for this interpreter, None where there is none."""
    is_glibc = platform.libc_ver()[0] == "glibc"
    is_usual = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
    name = f"cp{sys.version_info[0]}{sys.version_info[1]}-{sys.platform}-{platform.machine()}"
    return name if is_usual and is_glibc and name in offered else None


def unpacked(archive, build, native):
    """Return the folder that holds everything; it appears whole or not at all."""
    base = cache_folder()
    target = base / f"{build}-{native}"
    if target.is_dir():
        return target
    try:
        base.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=base, prefix=".unpacking-"))
    except OSError:
        # A home that cannot be written to: unpack for this run alone.
        import atexit

        half = Path(tempfile.mkdtemp(prefix="bundler-"))
        atexit.register(shutil.rmtree, half, ignore_errors=True)
        target = half / "all"
        half = half / "half"
        half.mkdir()
    # The name of a set is cp311-linux-x86_64; what it shares with others of its machine lies in shared/linux-x86_64.
    sources = ("plain/",) if native == "plain" else (f"native/{native}/", f"shared/{native.partition('-')[2]}/")
    for entry in archive.infolist():
        name = entry.filename
        if source := next((one for one in sources if name.startswith(one)), None):
            name = "compiled/" + name[len(source) :]
        elif not name.startswith(COMMON):
            continue
        path = half / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive.read(entry))
    try:
        half.rename(target)
    except OSError:
        # Somebody else was quicker; what they unpacked is the same.
        shutil.rmtree(half, ignore_errors=True)
        if not target.is_dir():
            raise
    return target


def cache_folder():
    own, shared = os.environ.get("BUNDLER_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME", "")
    if own:
        return Path(own).expanduser() / "tool"
    base = Path(shared) if shared.startswith("/") else Path.home() / ".cache"
    return base / "bundler" / "tool"


if __name__ == "__main__":
    sys.exit(main())
