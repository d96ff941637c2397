"""The files of a bundle, as templates and the values of components read them. Layer: expressions, pure."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bundler.expressions.bounds import current_meter
from bundler.expressions.text import TemplateFailureError

if TYPE_CHECKING:
    from bundler.model.bundle import BundleFile


def readers_of(files: Mapping[str, BundleFile]) -> dict[str, Callable[[str], object]]:
    """Return what reads the files of a bundle by path: ``get``, ``base64`` and ``glob``."""

    def content_of(path: str) -> bytes:
        found = files.get(path)
        if found is None:
            raise TemplateFailureError(
                f"the bundle has no file {path!r}", "name a packaged file, from the bundle's root"
            )
        current_meter().charge_text(len(found.content))
        return found.content

    def get(path: str) -> str:
        try:
            return content_of(path).decode()
        except UnicodeDecodeError as error:
            hint = "read binary files with files.base64(…), for binaryData"
            raise TemplateFailureError(f"{path!r} is not text", hint) from error

    def as_base64(path: str) -> str:
        return base64.b64encode(content_of(path)).decode()

    def glob(pattern: str) -> dict[str, str]:
        current_meter().charge(len(files))
        return {path: get(path) for path in sorted(files) if fnmatch.fnmatchcase(path, pattern)}

    return {"get": get, "base64": as_base64, "glob": glob}
