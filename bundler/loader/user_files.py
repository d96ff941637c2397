"""Files that a user gives beside the bundle: values files and the site file. Layer: loader; reads local files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import ValuesFileError
from bundler.loader.decode import Node
from bundler.loader.definition import GRANTS, SITE_FACTS, check_head, site_facts
from bundler.loader.problems import Problems
from bundler.model.json import is_mapping
from bundler.model.lean import dataclass, field
from bundler.model.values import LayerKind
from bundler.syntax.events import DEFAULT_LIMITS, YamlSyntaxError
from bundler.syntax.reader import read_document
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.json import Body
    from bundler.model.values import ValuesLayer
    from bundler.syntax.reader import MarkedDocument

FORBIDDABLE = ("cluster-scoped", "namespace", *GRANTS)
_HINT = "correct the file; nothing was changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a site file says about the place where bundles are installed."""

    name: str
    facts: Body = field(default_factory=dict)
    """``storageClass``, ``ingressClass``, ``exposure``, ``domain``, ``registry``: what templates see as ``site``."""
    values: ValuesLayer
    """The layer below ``-f`` files."""
    forbidden: tuple[str, ...] = ()
    """Kinds of reach that no bundle may have here: words of FORBIDDABLE."""


def load_values_file(path: Path) -> ValuesLayer:
    """Load a ``-f`` file.

    Raises:
        ValuesFileError: when it cannot be read or holds no mapping.
    """
    return read_values(_text_of(path), source=str(path))


def read_values(text: str, *, source: str) -> ValuesLayer:
    """Read values from ``text``; an empty one is an empty mapping.

    Raises:
        ValuesFileError: when it holds no mapping.
    """
    document = _parsed(text, source)
    if document.value is not None and not is_mapping(document.value):
        found = f"{source}:{document.lines['']}: values must be a mapping"
        raise ValuesFileError(f"reading values file {source}", context=[found], hint=_HINT)
    data = document.value if is_mapping(document.value) else {}
    return make_layer(data, LayerKind.FILE, source, document.lines if data else {})


def load_site(path: Path) -> Site:
    """Load a site file.

    Raises:
        ValuesFileError: with every problem.
    """
    source = str(path)
    document = _parsed(_text_of(path), source)
    problems = Problems()
    site = _decode_site(Node.root(document, source, problems))
    if problems:
        raise ValuesFileError(f"reading site file {source}", context=problems.lines(), hint=_HINT)
    return site


def _decode_site(root: Node) -> Site:
    empty = make_layer({}, LayerKind.SITE, root.file)
    if not check_head(root, kind="Site"):
        return Site(name="", values=empty)
    root.allow("apiVersion", "kind", "metadata", "spec")
    spec = root.mapping("spec", *SITE_FACTS, "values", "forbid")
    values = spec.mapping("values")
    prefix = f"{values.pointer}/"
    lines = {pointer[len(prefix) - 1 :]: line for pointer, line in root.lines.items() if pointer.startswith(prefix)}
    forbidden = spec.texts("forbid")
    for word in forbidden:
        if word not in FORBIDDABLE:
            (spec.child("forbid") or spec).fail(f'has "{word}"; known are: {", ".join(FORBIDDABLE)}')
    return Site(
        name=root.mapping("metadata", "name", is_required=True).named(),
        facts=site_facts(spec),
        values=make_layer(values.body, LayerKind.SITE, root.file, lines),
        forbidden=forbidden,
    )


def _text_of(path: Path) -> str:
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


def _parsed(text: str, source: str) -> MarkedDocument:
    try:
        return read_document(text)
    except YamlSyntaxError as error:
        found = f"{source}:{error.line}: column {error.column}: {error.problem}"
        raise ValuesFileError(f"reading values file {source}", context=[found], hint=_HINT) from error
