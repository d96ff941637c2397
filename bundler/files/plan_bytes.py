"""Tell a saved plan's file from others, and read its bytes; what they mean is `wire`'s. Layer: files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.errors.change import PlanFileError

if TYPE_CHECKING:
    from pathlib import Path

MAGIC: Final = b"bundler-plan.v1\n"
SUFFIX: Final = ".plan"
MAX_FILE_BYTES: Final = 32 * 1024 * 1024


def is_plan_file(path: Path) -> bool:
    """Return whether a path is that of a plan: by what the file begins with, or by its name where there is none."""
    if not path.exists():
        return path.suffix == SUFFIX
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def content_of(path: Path) -> bytes:
    """Return the bytes of a plan's file, and one more than it may have where it is larger: what is signed.

    Raises:
        PlanFileError: when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PlanFileError(
            f"reading plan {path}",
            context=[f"{path}: {error.strerror or error}"],
            hint="make a plan with `bundler plan RELEASE BUNDLE --out FILE`; to install without one: `bundler install`",
        ) from error
