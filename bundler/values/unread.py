"""Find declared values that nothing in a bundle reads. Layer: values, pure.

Declared are the leaves of the schema and of values.yaml, and what is derived. What is said below a component's name is
read by that component; what a component declares itself is its own affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundler.expressions.expression import ValuePath, compile_expression, compile_text
from bundler.expressions.template_reads import VALUES, read_paths
from bundler.model.bundle import NOTES_FILE, Bundle
from bundler.model.json import pointer_tokens
from bundler.model.lean import dataclass
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import read_document
from bundler.syntax.written_path import format_path
from bundler.values.flatten import leaves_of
from bundler.values.formulas import bare_formulas, formula_texts
from bundler.values.paths import leading_keys, parse_path, pointer_to
from bundler.values.schema_view import SCHEMA_FILE, SchemaView, bundle_view


@dataclass(frozen=True, slots=True)
class UnreadValue:
    """A value that nothing reads, or a mapping of such."""

    path: str
    file: str
    line: int
    """From 1; 0 where it is not known."""


def unread_values(bundle: Bundle) -> tuple[UnreadValue, ...]:
    """Return what ``bundle`` declares and nothing in it reads, sorted by path; deprecated values may be unread.

    Raises:
        ExpressionError: when an expression of the bundle is not valid.
        TemplateSyntaxError: when a template is not valid.
    """
    read = paths_read(bundle)
    touched = {path[:length] for path in read for length in range(1, len(path) + 1)}
    unread = {
        _outermost(path, touched)
        for path in _declared(bundle)
        if path not in touched and not any(path[:length] in read for length in range(len(path)))
    }
    lines = _schema_lines(bundle) if unread else {}
    return tuple(UnreadValue(format_path(path), *_place(bundle, path, lines)) for path in sorted(unread))


def paths_read(bundle: Bundle) -> frozenset[ValuePath]:
    """Return the keys of all values that ``bundle`` and its components read; the empty path is everything."""
    found = set(read_paths({**bundle.templates, NOTES_FILE: bundle.notes}))
    found |= {path[1:] for path in _paths_in_expressions(bundle) if path[0] == VALUES}
    for name, inner in bundle.component_bundles.items():
        found |= {(name, *path) for path in paths_read(inner)}
    return frozenset(found)


def _paths_in_expressions(bundle: Bundle) -> Iterator[ValuePath]:
    for text, source in bare_formulas(bundle):
        yield from compile_expression(text, source=source).paths
    for text, source in formula_texts(bundle):
        compiled = compile_text(text, source=source)
        yield from compiled.paths if compiled else ()


def _declared(bundle: Bundle) -> Iterator[ValuePath]:
    view = bundle_view(bundle).own
    yield from _schema_leaves(view, (), frozenset())
    for pointer in leaves_of(bundle.defaults.data):
        path = pointer_tokens(pointer)
        if path and not any(view.at(path[:length]).is_deprecated for length in range(1, len(path) + 1)):
            yield path
    for rule in bundle.derive:
        yield tuple(leading_keys(parse_path(rule.path)))


def _schema_leaves(view: SchemaView, path: ValuePath, above: frozenset[int]) -> Iterator[ValuePath]:
    nodes = {id(node.node) for node in view.nodes}
    names = view.property_names if nodes.isdisjoint(above) else ()
    if view.is_deprecated:
        return
    if path and not names:
        yield path
    for name in names:
        yield from _schema_leaves(view.child(name), (*path, name), above | nodes)


def _outermost(path: ValuePath, touched: set[ValuePath]) -> ValuePath:
    """Return the mapping around ``path`` of which nothing at all is read, or ``path``."""
    return next(path[:length] for length in range(1, len(path) + 1) if path[:length] not in touched)


def _place(bundle: Bundle, path: ValuePath, schema_lines: Mapping[str, int]) -> tuple[str, int]:
    pointer = pointer_to(path)
    origin = bundle.defaults.leaf_origins.get(pointer)
    if origin is not None:
        return origin.source, origin.line
    for rule in bundle.derive:
        if tuple(leading_keys(parse_path(rule.path)))[: len(path)] == path:
            return rule.source.file, rule.source.line
    nodes = bundle_view(bundle).own.at(path).nodes
    place = nodes[0].location.partition("#")[2] if nodes else ""
    return SCHEMA_FILE, schema_lines.get(place, 0)


def _schema_lines(bundle: Bundle) -> Mapping[str, int]:
    """Return the line of each place in the schema; JSON is YAML, nearly always."""
    file = bundle.files.get(SCHEMA_FILE)
    try:
        return read_document(file.content.decode("utf-8-sig")).lines if file else {}
    except (YamlSyntaxError, ValueError):
        return {}
