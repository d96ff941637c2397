"""The `__main__` of bundler as one file: unpack once into the cache, then run. Standard library only, Python >= 3.11.

What is compiled is chosen for this interpreter; where nothing fits, plain Python stands in, and what cannot be done
without says so when it is asked for.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from private_folder import open_private  # beside this file in the zip

COMMON = ("app/", "pure/", "missing/")
PLAIN = ("plain",)
# Alone what interpreters without further letters say: no debug builds, none without the lock, no 32 bits, no PyPy.
LINUX = re.compile(r"\.cpython-(\d+)-(x86_64|aarch64)-linux-(gnu|musl)\.so")
DARWIN = re.compile(r"\.cpython-(\d+)-darwin\.so")


def main():
    if sys.version_info < (3, 11):
        have = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: bundler needs Python 3.11 or newer, and this is {have}")
    with zipfile.ZipFile(sys.argv[0]) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        native = fitting(manifest["sets"], *here())
        folders = manifest["sets"][native]["folders"] if native else PLAIN
        folder = unpacked(archive, f"{manifest['id']}-{native or 'plain'}", folders)
    sys.path[0:1] = [str(folder / name) for name in ("app", "pure", "compiled")]
    # Last: what is installed here counts before the words that it is missing.
    sys.path.append(str(folder / "missing"))
    from bundler.__main__ import main as run

    return run()


def here():
    """Return what this interpreter loads, and the version of the system below it, None where it cannot be found out."""
    return tag_of(EXTENSION_SUFFIXES[0], os.uname().machine), version_below()


def tag_of(suffix, machine):
    """Return the name of the compiled set for an interpreter, by the suffix of its extensions; empty where none can be.

    The suffix tells what the interpreter was built for, which the machine's name does not: 32 bits on a kernel of 64,
    musl. On macOS the machine tells it, under emulation too.
    """
    if found := LINUX.fullmatch(suffix):
        return f"cp{found[1]}-linux-{found[3]}-{found[2]}"
    found = DARWIN.fullmatch(suffix)
    return f"cp{found[1]}-darwin-{machine}" if found else ""


def version_below():
    """Return the version of glibc or macOS, None for musl, whose wheels fit all that have a Python of today."""
    if sys.platform == "darwin":
        import platform

        return numbers(platform.mac_ver()[0])
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        return None
    return numbers(version) if name == "glibc" else None


def numbers(text):
    parts = text.split(".")[:2]
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None


def fitting(sets, tag, version):
    """Return the compiled set to use, None where there is none for this interpreter, or the system is too old for it."""
    if tag not in sets or (version is not None and version < tuple(sets[tag]["least"])):
        return None
    # A glibc that does not say so is none: an interpreter may claim what it was not built for.
    return None if "-linux-gnu-" in tag and version is None else tag


def chosen(names, folders):
    """Return what is unpacked: path there -> name in the file; where two folders hold the same, the first counts."""
    found = {name: name for name in names if name.startswith(COMMON)}
    for folder in folders:
        for name in names:
            if name.startswith(f"{folder}/"):
                found.setdefault("compiled/" + name[len(folder) + 1 :], name)
    return found


def unpacked(archive, label, folders):
    """Return the folder that holds everything; it appears whole or not at all.

    What is in it is run, so it is kept where no one else can write; elsewhere it is unpacked for this run alone.
    """
    base = os.path.realpath(cache_folder())
    if (cache := open_private(base, create=True)) is None:
        return for_this_run(archive, folders)
    target = Path(base, label)
    os.close(cache)  # no one else can put anything in the place of this folder, or of one above it
    if is_private(target):
        return target
    try:
        half = Path(tempfile.mkdtemp(dir=base, prefix=".unpacking-"))
    except OSError:
        return for_this_run(archive, folders)
    try:
        unpack(archive, folders, half)
        half.rename(target)
    except OSError:
        pass  # another run was quicker, and what it unpacked is the same; or the disk is full
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return target if is_private(target) else for_this_run(archive, folders)


def for_this_run(archive, folders):
    """Unpack into a folder that is gone when this process ends."""
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="bundler-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    unpack(archive, folders, folder)
    return folder


def is_private(folder):
    """Return whether a folder is there and no one else can write to it."""
    if (found := open_private(folder, create=False)) is None:
        return False
    os.close(found)
    return True


def unpack(archive, folders, target):
    for name, source in chosen(archive.namelist(), folders).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive.read(source))


def cache_folder():
    own, shared = os.environ.get("BUNDLER_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME", "")
    if own:
        return Path(own).expanduser() / "tool"
    base = Path(shared) if shared.startswith("/") else Path.home() / ".cache"
    return base / "bundler" / "tool"


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
