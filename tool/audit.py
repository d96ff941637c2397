"""Look for known vulnerabilities in the wheels of bundler.pyz, and in the oldest versions that pyproject.toml allows.

    python tool/audit.py

Needs pip-audit and the internet. Ends with 1 where there is one, and where a package could not be looked up.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def floors() -> list[str]:
    """Return the oldest version of each dependency that may be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [FLOOR.match(line) for line in project["dependencies"]]
    return [f"{one[1]}=={one[2]}" for one in found if one]


def locked() -> list[str]:
    """Return what the one-file tool is built from; of two versions for different systems, each."""
    return re.findall(r"^[A-Za-z0-9._-]+==\S+", (ROOT / "tool" / "wheels.lock").read_text(), re.MULTILINE)


def audit(pins: list[str]) -> int:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        words = ["--strict", "--no-deps", "--disable-pip", "--progress-spinner=off", "--requirement", file.name]
        return subprocess.run([sys.executable, "-m", "pip_audit", *words], check=False).returncode


def main() -> int:
    by_name: dict[str, list[str]] = {}
    for pin in locked():
        by_name.setdefault(pin.partition("==")[0], []).append(pin)
    last, others = [pins[-1] for pins in by_name.values()], [pin for pins in by_name.values() for pin in pins[:-1]]
    return max([audit(pins) for pins in (floors(), last, others) if pins])


if __name__ == "__main__":
    sys.exit(main())
