"""Compare text with a golden file; `UPDATE_GOLDEN=1 pytest …` writes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.cli.output.errors import error_lines

if TYPE_CHECKING:
    from bundler.errors import BundlerError

GOLDEN = Path(__file__).parent.parent / "golden"


def check_golden(name: str, text: str) -> None:
    """Fail where ``tests/golden/NAME`` does not hold exactly ``text``."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    expected = path.read_text("utf-8") if path.exists() else ""
    assert text == expected, f"{path} differs; UPDATE_GOLDEN=1 writes it"


def error_text(error: BundlerError) -> str:
    """Return an error in its three parts, as people see it."""
    return "".join(f"{line.text}\n" for line in error_lines(error))
