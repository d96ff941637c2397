"""Bare expressions, and texts with ``{{ … }}``. Layer: expressions, pure.

``derive``, ``when``, ``ready`` and ``failed`` are bare; ``components[].values`` and ``generate[].secret`` are texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.parser import Parser

from bundler import expressions
from bundler.expressions.bounds import DEFAULT_BOUNDS, Bounds, Meter, join_pieces, metered
from bundler.expressions.compiled import code_key
from bundler.expressions.language import FAILURES, Language
from bundler.expressions.markers import finish_text
from bundler.expressions.text import data_of
from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.lean import dataclass
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from jinja2.environment import Template

    from bundler.expressions.compiled import Compiled, CompiledCodes

ValuePath = tuple[str, ...]
"""A root name and the keys below it: ``("values", "qps")``."""

_RESULT = "result"
_TEXT_SIGNS = ("{{", "{%", "{#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled expression, or a compiled text with ``{{ … }}``."""

    text: str
    source: Source
    paths: frozenset[ValuePath]
    """What it reads, as far as that is written in it; a computed key ends the path before it."""
    template: Template
    is_text: bool
    """True where the result is printed text, not the value itself."""

    def evaluate(self, names: Mapping[str, object], *, bounds: Bounds = DEFAULT_BOUNDS) -> JSONValue:
        """Return the value, with its own type.

        Args:
            names: what the expression sees: ``values``, ``release`` and so on.
            bounds: how much it may do.

        Raises:
            UndefinedValueError: when it uses a value that is not set.
            TemplateLimitError: when it goes over a bound.
            ExpressionError: when it fails otherwise, or its value is not data.
        """
        try:
            with metered(Meter(bounds)):
                return self._run(names)
        except FAILURES as error:
            raise expressions.failures.expression_error(error, names, self.text, self.source) from error

    def _run(self, names: Mapping[str, object]) -> JSONValue:
        context = self.template.new_context(dict(names))
        pieces = list(self.template.root_render_func(context))
        if self.is_text:
            return finish_text(join_pieces(pieces))
        result = context.vars[_RESULT]
        return data_of(result)


@lru_cache(maxsize=1024)
def compile_expression(text: str, *, source: Source, codes: CompiledCodes | None = None) -> Expression:
    """Compile a bare expression such as ``(values.qps / 250) | ceil``.

    Args:
        text: the expression.
        source: where it is written.
        codes: what is compiled of its bundle already.

    Raises:
        ExpressionError: when it is not valid.
    """
    return _expression("bare", text, source, codes)


@lru_cache(maxsize=1024)
def compile_text(text: str, *, source: Source, codes: CompiledCodes | None = None) -> Expression | None:
    """Compile a text that may hold ``{{ … }}``; None where it holds nothing to compute.

    A text that is exactly one ``{{ … }}`` keeps the type of its value.

    Args:
        text: the text.
        source: where it is written.
        codes: what is compiled of its bundle already.

    Raises:
        ExpressionError: when it is not valid.
    """
    if not any(sign in text for sign in _TEXT_SIGNS):
        return None
    return _expression("text", text, source, codes)


def evaluate_text(
    text: str,
    names: Mapping[str, object],
    *,
    source: Source,
    bounds: Bounds = DEFAULT_BOUNDS,
    codes: CompiledCodes | None = None,
) -> JSONValue:
    """Evaluate a text that may hold ``{{ … }}``: exactly one keeps its type, anything else is text.

    Args:
        text: to evaluate.
        names: what the text can refer to.
        source: file and line that the text comes from, for errors.
        bounds: limits on steps and sizes.
        codes: compiled templates and expressions to reuse; None compiles again.

    Raises:
        ExpressionError: when it is not valid, or fails.
        UndefinedValueError: when it uses a value that is not set.
        TemplateLimitError: when it goes over a bound.
    """
    compiled = compile_text(text, source=source, codes=codes)
    return text if compiled is None else compiled.evaluate(names, bounds=bounds)


def evaluate_texts(
    value: JSONValue, names: Mapping[str, object], *, source: Source, codes: CompiledCodes | None = None
) -> JSONValue:
    """Return ``value`` with each text in it that may hold ``{{ … }}`` evaluated.

    Args:
        value: texts, lists and mappings.
        names: what the texts can refer to.
        source: file and line that they come from, for errors.
        codes: compiled templates and expressions to reuse; None compiles again.

    Raises:
        ExpressionError, UndefinedValueError, TemplateLimitError: as `evaluate_text`.
    """
    if isinstance(value, str):
        return evaluate_text(value, names, source=source, codes=codes) if "{" in value else value
    if is_mapping(value):
        return {key: evaluate_texts(item, names, source=source, codes=codes) for key, item in value.items()}
    if is_list(value):
        return [evaluate_texts(item, names, source=source, codes=codes) for item in value]
    return value


@cache
def _language() -> Language:
    return Language()


def _expression(kind: str, text: str, source: Source, codes: CompiledCodes | None) -> Expression:
    key = code_key(kind, text)
    compiled = codes.find(key) if codes is not None else None
    if compiled is None:
        try:
            compiled = _compiled_bare(text) if kind == "bare" else _compiled_text(text)
        except FAILURES as error:
            raise expressions.failures.expression_error(error, {}, text, source) from error
        if codes is not None:
            codes.add(key, compiled)
    code, is_text, paths = compiled
    language = _language()
    template = language.template_class.from_code(language, code, language.make_globals(None))
    return Expression(text=text, source=source, paths=paths, template=template, is_text=is_text)


def _compiled_bare(text: str) -> Compiled:
    language = _language()
    parser = Parser(language, text, state="variable")
    parsed = parser.parse_expression()
    if not parser.stream.eos:
        parser.fail(f"unexpected {parser.stream.current.value!r} after the expression")
    parsed.set_environment(language)
    return _compiled_value(parsed)


def _compiled_text(text: str) -> Compiled:
    language = _language()
    parsed = language.parse(text)
    only = _only_expression(parsed, text)
    if only is not None:
        return _compiled_value(only)
    return language.compile(parsed), True, _paths_of(parsed)


def _compiled_value(expression: nodes.Expr) -> Compiled:
    paths = _paths_of(expression)
    body: list[nodes.Node] = [nodes.Assign(nodes.Name(_RESULT, "store"), expression, lineno=1)]
    return _language().compile(nodes.Template(body, lineno=1)), False, paths


def _only_expression(parsed: nodes.Template, text: str) -> nodes.Expr | None:
    if not (text.startswith("{{") and text.endswith("}}")) or len(parsed.body) != 1:
        return None
    output = parsed.body[0]
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return None
    only = output.nodes[0]
    return None if isinstance(only, nodes.TemplateData) else only


def _paths_of(node: nodes.Node) -> frozenset[ValuePath]:
    return frozenset(_walk_paths(node))


def _walk_paths(node: nodes.Node) -> Iterator[ValuePath]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        # a method's name is not a key
        yield from _walk_paths(node.node.node)
        for argument in (*node.args, *node.kwargs):
            yield from _walk_paths(argument)
        return
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
        path = path_of(node)
        if path:
            yield path
            return
    for child in node.iter_child_nodes():
        yield from _walk_paths(child)


def path_of(node: nodes.Node) -> ValuePath:
    """Return the keys of a path that is written out as a whole; none otherwise."""
    match node:
        case nodes.Name(ctx="load"):
            return (node.name,)
        case nodes.Getattr():
            parent = path_of(node.node)
            return (*parent, node.attr) if parent else ()
        case nodes.Getitem(arg=nodes.Const() as key) if isinstance(key.value, str):
            parent = path_of(node.node)
            return (*parent, key.value) if parent else ()
        case _:
            return ()
