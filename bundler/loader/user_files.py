"""Values files that a user gives beside the bundle. Layer: loader; reads local files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.bundle import ValuesFileError
from bundler.model.json import is_mapping
from bundler.model.manifest import Source
from bundler.model.values import LayerKind, ValuesLayer
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.limits import DEFAULT_LIMITS
from bundler.syntax.reader import MarkedDocument, read_document
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from pathlib import Path


HINT = "correct the file; nothing was changed"


def load_values_file(path: Path) -> ValuesLayer:
    """Load a ``-f`` file.

    Raises:
        ValuesFileError: when it cannot be read or holds no mapping.
    """
    return read_values(read_text(path), source=str(path))


def read_values(text: str, *, source: str) -> ValuesLayer:
    """Read values from ``text``; an empty one is an empty mapping.

    Raises:
        ValuesFileError: when it holds no mapping.
    """
    document = parse_document(text, source)
    if document.value is not None and not is_mapping(document.value):
        found = Source(source, document.lines[""]).found("values must be a mapping")
        raise ValuesFileError(f"reading values file {source}", context=[found], hint=HINT)
    data = document.value if is_mapping(document.value) else {}
    return make_layer(data, LayerKind.FILE, source, document.lines if data else {})


def read_text(path: Path) -> str:
    """Return the text of a file that a user names.

    Raises:
        ValuesFileError: when it cannot be read, is too large or no text.
    """
    doing = f"reading file {path}"
    try:
        if path.stat().st_size > DEFAULT_LIMITS.max_bytes:
            found = f"{path} is larger than the limit of {DEFAULT_LIMITS.max_bytes} bytes"
            raise ValuesFileError(doing, context=[found], hint="name a smaller file")
        return path.read_text("utf-8-sig")
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise ValuesFileError(doing, context=[found], hint="check the path and its permissions") from error
    except ValueError as error:
        raise ValuesFileError(doing, context=[f"{path} is not UTF-8 text"], hint="save it as UTF-8") from error


def parse_document(text: str, source: str) -> MarkedDocument:
    """Read one YAML document.

    Raises:
        ValuesFileError: when it is none.
    """
    try:
        return read_document(text)
    except YamlSyntaxError as error:
        place = f"{source}:{error.line}: column {error.column}"
        about = {"file": source, "line": error.line, "column": error.column}
        found = Found(f"{place}: {error.problem}", message=error.problem, **about)
        raise ValuesFileError(f"reading values file {source}", context=[found], hint=HINT) from error
