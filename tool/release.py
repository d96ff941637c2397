"""Check that a release may be made, build it twice, compare the bytes, and print how to publish it.

    python tool/release.py [--out FOLDER] [--without-tool]

Refuses where the tree is not clean, where CHANGELOG.md does not begin with a dated section of the version in
`_version.py`, and where that version has a tag. Changes nothing but FOLDER (dist/), and publishes nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECTION = re.compile(r"^## \[?([^\]\s]+)\]?(?: - (\S+))?\s*$", re.MULTILINE)


class ReleaseRefusedError(Exception):
    """Why no release is made, one reason a line."""


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True).stdout


def version_of(root: Path) -> str:
    """Return the version that bundler says it is, without importing it."""
    (found,) = re.findall(r'^__version__ = "([^"]+)"', (root / "bundler" / "_version.py").read_text(), re.MULTILINE)
    return found


def sections(changelog: str) -> list[tuple[str, str, str]]:
    """Return name, date and text of each section of a changelog, the newest first."""
    parts = SECTION.split(changelog)[1:]
    return [(parts[i], parts[i + 1] or "", parts[i + 2].strip()) for i in range(0, len(parts), 3)]


def changelog_problems(changelog: str, version: str) -> list[str]:
    """Return what a changelog lacks for the release of a version."""
    found = sections(changelog)
    problems = []
    if any(name == "Unreleased" and text for name, _, text in found):
        problems.append(f"CHANGELOG.md: move what is under Unreleased to a section `## {version} - {today()}`")
    found = [section for section in found if section[0] != "Unreleased"]
    if not found or found[0][0] != version:
        newest = found[0][0] if found else "none"
        problems.append(f"CHANGELOG.md: the newest section is {newest}, _version.py says {version}")
    elif not _is_date(found[0][1]):
        problems.append(f"CHANGELOG.md: date the section: `## {version} - {today()}`")
    elif not found[0][2]:
        problems.append(f"CHANGELOG.md: the section of {version} is empty")
    return problems


def today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def problems(root: Path) -> list[str]:
    """Return every reason not to make a release of what is in a folder."""
    version = version_of(root)
    changed = [line[3:] for line in git(root, "status", "--porcelain").splitlines()]
    found = [f"commit or remove what is changed: {', '.join(changed)}"] if changed else []
    found += changelog_problems((root / "CHANGELOG.md").read_text("utf-8"), version)
    if git(root, "tag", "--list", f"v{version}").strip():
        found.append(f"the tag v{version} exists already: raise __version__ in bundler/_version.py")
    return found


def build(root: Path, folder: Path, *, with_tool: bool) -> dict[str, bytes]:
    """Build the last commit in an empty folder; return the files by their names."""
    archive = subprocess.run(["git", "-C", str(root), "archive", "HEAD"], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        members.extractall(folder, filter="data")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": git(root, "log", "-1", "--format=%ct").strip()}
    made = folder / "dist"
    words = [[sys.executable, "-m", "hatchling", "build", "-d", str(made)]]
    if with_tool:
        words.append([sys.executable, str(folder / "tool" / "build.py"), "--out", str(made / "bundler.pyz")])
    for command in words:
        subprocess.run(command, check=True, cwd=folder, env=environment, stdout=sys.stderr)
    return {path.name: path.read_bytes() for path in sorted(made.iterdir()) if path.is_file()}


def build_twice(root: Path, *, with_tool: bool) -> dict[str, bytes]:
    """Build in two folders with different names; return the files where both have the same bytes.

    Raises:
        ReleaseRefusedError: with the files that differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        one, two = (build(root, Path(folder) / name, with_tool=with_tool) for name in ("first", "the-second"))
    different = sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
    if different:
        raise ReleaseRefusedError(f"two builds of the same commit differ: {', '.join(different)}")
    return one


def release(root: Path, out: Path, *, with_tool: bool) -> str:
    """Build a release into a folder; return what is left to do by hand.

    Raises:
        ReleaseRefusedError: with every reason not to.
    """
    if found := problems(root):
        raise ReleaseRefusedError("\n".join(found))
    files = build_twice(root, with_tool=with_tool)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sums = ""
    for name, content in files.items():
        (out / name).write_bytes(content)
        sums += f"{hashlib.sha256(content).hexdigest()}  {name}\n"
    (out / "SHA256SUMS").write_text(sums)
    tag = f"v{version_of(root)}"
    return f"{sums}Built twice with the same bytes, in {out}. To publish:\n  git tag -a {tag} -m {tag}\n  git push origin {tag}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="where the files go; dist/ by default")
    parser.add_argument("--without-tool", action="store_true", help="leave bundler.pyz out, which takes wheels")
    given = parser.parse_args()
    try:
        print(release(given.root, given.out or given.root / "dist", with_tool=not given.without_tool))
    except ReleaseRefusedError as error:
        lines = str(error).splitlines()
        print("\n  ".join(["no release is made:", *lines]), file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"no release is made: {' '.join(map(str, error.cmd))} failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
