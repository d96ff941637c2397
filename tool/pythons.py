"""Run the tests on every supported Python that is installed, each in a virtual environment of its own.

    python tool/pythons.py [--only 3.12,3.13] [ARGUMENTS OF PYTEST …]

Looks on PATH, in pyenv's versions and where systems put theirs. Says at the end which versions were tested, which
failed and which are not installed. Ends with 1 where one failed, or none was found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tool.build import PYTHONS  # noqa: E402 - a script finds the package beside it

FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_VERSION = "import sys; print('{}.{}'.format(*sys.version_info)); import venv, sqlite3, ssl"


@dataclass(frozen=True)
class Outcome:
    """What became of one version."""

    version: str
    state: str
    """``passed``, ``failed`` or ``missing``."""
    place: str = ""

    def line(self) -> str:
        return f"{self.version:5} {self.state:8} {self.place}".rstrip()


def candidates(version: str, environment: dict[str, str]) -> list[Path]:
    """Return where a version may be, the likeliest place first."""
    name = f"python{version}"
    found = shutil.which(name, path=environment.get("PATH", ""))
    pyenv = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/")) / ".pyenv")
    kept = sorted((pyenv / "versions").glob(f"{version}.*/bin/{name}"), key=_release, reverse=True)
    return [*([Path(found)] if found else []), *kept, *(Path(folder) / name for folder in FOLDERS)]


def _release(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parents[1].name.split(".") if part.isdecimal())


def find(version: str, environment: dict[str, str]) -> Path | None:
    """Return an interpreter of a version that works, None where there is none."""
    for path in candidates(version, environment):
        if path.is_file() and _answers(path) == version:
            return path
    return None


def _answers(path: Path) -> str:
    """Return the version that an interpreter says it is; empty where it does not start, as a shim of pyenv may not."""
    try:
        done = subprocess.run([str(path), "-c", _VERSION], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def prepare(version: str, interpreter: Path) -> Path:
    """Return the interpreter of a virtual environment with everything in it, installed where that is not done yet."""
    folder = ROOT / f".venv-{version}"
    python, stamp = folder / "bin" / "python", folder / ".dev"
    if not python.exists():
        subprocess.run([str(interpreter), "-m", "venv", str(folder)], check=True)
    if not stamp.exists() or stamp.stat().st_mtime < (ROOT / "pyproject.toml").stat().st_mtime:
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), "-m", "pip", "install", *quiet, "--editable", ".[dev]"], check=True, cwd=ROOT)
        stamp.touch()
    return python


def run(version: str, arguments: list[str], environment: dict[str, str]) -> Outcome:
    """Test one version."""
    interpreter = find(version, environment)
    if interpreter is None:
        return Outcome(version, "missing")
    print(f"== Python {version}: {interpreter}", flush=True)
    try:
        python = prepare(version, interpreter)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd)} failed", file=sys.stderr)
        return Outcome(version, "failed", str(interpreter))
    done = subprocess.run([str(python), "-m", "pytest", *arguments], check=False, cwd=ROOT)
    return Outcome(version, "failed" if done.returncode else "passed", str(interpreter))


def exit_code(outcomes: list[Outcome]) -> int:
    """Return 0 where at least one version was tested and none failed."""
    states = {outcome.state for outcome in outcomes}
    return 0 if states in ({"passed"}, {"passed", "missing"}) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PYTHONS), help="versions, separated by commas")
    options, arguments = parser.parse_known_args()
    outcomes = [run(version, arguments, dict(os.environ)) for version in filter(None, options.only.split(","))]
    print("\n".join(["", *(outcome.line() for outcome in outcomes)]))
    return exit_code(outcomes)


if __name__ == "__main__":
    sys.exit(main())
