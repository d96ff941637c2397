"""The sandboxed Jinja2 that templates and bare expressions share. Layer: expressions, pure.

Beyond Jinja's sandbox: attributes of data are keys and nothing else, methods are an allow-list, everything that can
grow is metered, and a missing value knows how the template wrote it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.lexer import Lexer, Token
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from bundler.expressions.bounds import current_meter, join_pieces
from bundler.expressions.functions import make_filters, make_globals, make_tests
from bundler.expressions.sizes import CONTAINERS, charge_all, charge_comparison
from bundler.expressions.text import TemplateFailureError, TemplateObject, join_texts, kind_of, text_of
from bundler.expressions.text_functions import fill_format
from bundler.expressions.text_methods import TEXT_METHODS
from bundler.expressions.undefined import PathUndefined, join_path, refuse_undefined
from bundler.syntax.scalars import YamlFloat

if TYPE_CHECKING:
    from jinja2.loaders import BaseLoader

FAILURES = (Exception,)
"""What rendering may raise: templates are programs, and each of their failures is the author's to read."""

_CHARS_PER_STEP = 256
_STEPS_OF_INCLUDE = 10
_MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
_OPEN_OBJECTS = (LoopContext, TemplateModule, TemplateReference, BlockReference, Macro, Namespace)
"""Jinja's own objects: their attributes are safe as its sandbox sees them."""
_FILTERS = make_filters()
_TESTS = make_tests()
_GLOBALS = make_globals()
FUNCTION_NAMES = frozenset(_GLOBALS)


class _Generator(CodeGenerator):
    """Generates code that tells the environment how an access was written, and meters loops and texts."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja's
        self.write("environment.getattr(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r}, {written_as(node.node)!r}, {node.lineno})")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802 - Jinja's
        if isinstance(node.arg, nodes.Slice):
            self.write("environment.slice_of(")
            self.visit(node.node, frame)
            for part in (node.arg.start, node.arg.stop, node.arg.step):
                self.write(", ")
                self.visit(nodes.Const(None) if part is None else part, frame)
            self.write(")")
            return
        self.write("environment.getitem(")
        self.visit(node.node, frame)
        self.write(", ")
        self.visit(node.arg, frame)
        self.write(f", {written_as(node.node)!r}, {node.lineno})")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802, FBT001, FBT002 - Jinja's
        if isinstance(node.node, nodes.EnvironmentAttribute):
            self.write(f"environment.{node.node.name}(")
            for argument in node.args:
                self.visit(argument, frame)
                self.write(", ")
            self.write(")")
            return
        if isinstance(node.node, nodes.Getattr):
            method = node.node
            written = (method.attr, written_as(method.node), method.lineno)
            node.node = _call_environment("find_method", method.node, *map(nodes.Const, written))
        super().visit_Call(node, frame, forward_caller=forward_caller)

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802 - Jinja's
        if isinstance(node.value, YamlFloat):
            self.write(f"environment.number({node.value.text!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Neg(self, node: nodes.UnaryExpr, frame: Frame) -> None:  # noqa: N802 - Jinja's
        if isinstance(node.node, nodes.Const) and isinstance(node.node.value, YamlFloat):
            self.write(f"environment.number({'-' + node.node.value.text!r})")
        else:
            super().visit_Neg(node, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802 - Jinja's
        if node.recursive:
            self.fail("recursive loops are not available; call a macro that calls itself", node.lineno)
        node.iter = _call_environment("counted", node.iter)
        super().visit_For(node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802 - Jinja's
        self.write("environment.compare((")
        for part in (node.expr, *(operand.expr for operand in node.ops)):
            self.visit(part, frame)
            self.write(", ")
        self.write(f"), {tuple(operand.op for operand in node.ops)!r})")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's
        self.write("environment.join_texts((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_ScopedEvalContextModifier(self, node: nodes.ScopedEvalContextModifier, frame: Frame) -> None:  # noqa: N802, ARG002 - Jinja's
        self.fail("autoescape is for HTML and not available", node.lineno)

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("cond_expr_undefined = environment.missing_else")


def _call_environment(name: str, *arguments: Any) -> nodes.Call:
    """Return a call of a method of :class:`Language`, which needs no sandbox around it."""
    return nodes.Call(nodes.EnvironmentAttribute(name), list(arguments), [], None, None)


class _Lexer(Lexer):
    """Reads numbers with a fraction as they are written: ``1.30`` is no ``1.3``."""

    def wrap(
        self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> Iterator[Token]:
        for lineno, kind, text in stream:
            if kind == "float":
                value: Any = YamlFloat(text.replace("_", ""))
                yield Token(lineno, kind, value)
            else:
                yield from super().wrap([(lineno, kind, text)], name, filename)


@cache
def _lexer() -> Lexer:
    """Return the one lexer: our environments differ in nothing that it reads."""
    return _Lexer(ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True))


class Language(ImmutableSandboxedEnvironment):
    """One environment; templates that include each other share one."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    concat = staticmethod(join_pieces)
    join_texts = staticmethod(join_texts)

    def __init__(self, loader: BaseLoader | None = None) -> None:
        super().__init__(
            loader=loader,
            undefined=PathUndefined,
            finalize=text_of,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            optimized=False,
            autoescape=False,
            auto_reload=False,
        )
        self.filters, self.tests, self.globals = dict(_FILTERS), dict(_TESTS), dict(_GLOBALS)

    @property
    def lexer(self) -> Lexer:
        """Our own lexer."""
        return _lexer()

    number = staticmethod(YamlFloat)

    def getattr(self, obj: Any, attribute: str, existing: str = "", line: int = 0) -> Any:
        """Return ``obj.attribute``: a key of data, never a method."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        if isinstance(obj, PathUndefined):
            return obj.child(attribute)
        if isinstance(obj, TemplateObject):
            return obj.template_attribute(attribute)
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
        elif isinstance(obj, _OPEN_OBJECTS):
            return super().getattr(obj, attribute)
        return PathUndefined.below(obj, attribute, existing=existing, line=line)

    def getitem(self, obj: Any, argument: Any, existing: str = "", line: int = 0) -> Any:
        """Return ``obj[argument]``: a key of a mapping, or an item of a list or text."""
        if isinstance(obj, PathUndefined):
            return obj.child(argument)
        if isinstance(obj, TemplateObject):
            return obj.template_attribute(argument)
        try:
            return obj[argument]
        except (TypeError, LookupError):
            refuse_undefined(argument)
        return PathUndefined.below(obj, argument, existing=existing, line=line)

    def find_method(self, obj: Any, name: str, existing: str, line: int) -> Any:
        """Return what ``obj.name(…)`` calls: a key that holds a function, or an allowed method."""
        refuse_undefined(obj)
        if isinstance(obj, str) and name in TEXT_METHODS:
            method = TEXT_METHODS[name]
            return lambda *args: method(obj, *args)
        if isinstance(obj, Mapping) and name in _MAPPING_METHODS and not callable(obj.get(name)):
            return getattr(obj, name)
        found = self.getattr(obj, name, existing, line)
        if not isinstance(found, Undefined) and not callable(found):
            path = join_path(existing, name)
            raise TemplateFailureError(f"{path} is a value, not a function", f"write {path} without parentheses")
        return found

    def call(self, context: Context, obj: Any, /, *args: Any, **named: Any) -> Any:
        """Call what a template calls; each call is a step."""
        meter = current_meter()
        meter.charge(1)
        if getattr(obj, "__func__", None) is LoopContext.changed:
            charge_all(*args)
        result = super().call(context, obj, *args, **named)
        if type(result) is str:
            meter.charge_text(len(result))
        return result

    def counted(self, items: Any) -> Any:
        """Count what a loop walks over, before it does."""
        if not isinstance(items, Sized):
            items = list(items)
        current_meter().charge(len(items))
        return items

    def contains(self, item: Any, container: Any) -> bool:
        """Do ``item in container``; both must be set."""
        refuse_undefined(item, container)
        if isinstance(container, str):
            current_meter().charge_text(len(container))
        elif isinstance(item, CONTAINERS):
            charge_all(container)
        elif not isinstance(container, Mapping) and isinstance(container, Sized):
            length = len(item) if isinstance(item, str) else 0
            current_meter().charge(len(container) * (1 + length // _CHARS_PER_STEP))
        return item in container

    def compare(self, values: tuple[Any, ...], operators: tuple[str, ...]) -> bool:
        """Do ``a < b``, ``a == b`` and the like, and chains of them."""
        result: Any = True
        for left, name, right in zip(values, operators, values[1:], strict=False):
            if name in {"in", "notin"}:
                result = self.contains(left, right) == (name == "in")
            else:
                charge_comparison(left, right)
                result = _COMPARISONS[name](left, right)
            if not result:
                return bool(result)
        return bool(result)

    def slice_of(self, obj: Any, start: Any, stop: Any, step: Any) -> Any:
        """Return ``obj[start:stop:step]``, a copy, charged before it is made."""
        part = slice(start, stop, step)
        if isinstance(obj, str | list | tuple):
            length = len(range(*part.indices(len(obj))))
            current_meter().charge_text(length) if isinstance(obj, str) else current_meter().charge(length)
        return self.getitem(obj, part)

    def _load_template(self, *args: Any, **named: Any) -> Any:
        """Include or import: files that each include the next one twice are a loop of their own."""
        current_meter().charge(_STEPS_OF_INCLUDE)
        return super()._load_template(*args, **named)

    def missing_else(self, _sentence: str) -> PathUndefined:
        """Return what ``{{ a if b }}`` is without an else when b is false."""
        return PathUndefined("an `if` without `else` has no value where its condition is false")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - Jinja's
        """Do an operator, within bounds where it can grow its operands."""
        refuse_undefined(left, right)
        try:
            return _BINARY[operator](left, right)
        except TypeError as error:
            sentence = f"`{operator}` does not work between {kind_of(left)} and {kind_of(right)}"
            hint = "convert one of them: `| int`, `| float` and `| string`; `~` joins texts"
            raise TemplateFailureError(sentence, hint) from error


def _add(left: Any, right: Any) -> Any:
    _charge_sum(left, right)
    return left + right


def _charge_sum(left: Any, right: Any) -> None:
    if isinstance(left, str) and isinstance(right, str):
        current_meter().charge_text(len(left) + len(right))
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        current_meter().charge(len(left) + len(right))
    elif isinstance(left, int) and isinstance(right, int):
        current_meter().check_int_bits(max(left.bit_length(), right.bit_length()) + 1)


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        current_meter().check_int_bits(max(left.bit_length(), right.bit_length()) + 1)
    return left - right


def _multiply(left: Any, right: Any) -> Any:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            length = len(sequence) * max(times, 0)
            meter = current_meter()
            meter.charge_text(length) if isinstance(sequence, str) else meter.charge(length)
    if isinstance(left, int) and isinstance(right, int):
        current_meter().check_int_bits(left.bit_length() + right.bit_length())
    return left * right


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        current_meter().check_int_bits(left.bit_length() * max(right, 0))
    return left**right


def _modulo(left: Any, right: Any) -> Any:
    return fill_format(left, right) if isinstance(left, str) else operator.mod(left, right)


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": _modulo,
    "**": _power,
}


def written_as(node: nodes.Node) -> str:
    """Return how a path was written, ``values.db['a-b']``; empty for what is not a plain path."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            parent = written_as(node.node)
            return f"{parent}.{node.attr}" if parent else ""
        case nodes.Getitem(arg=nodes.Const() as key):
            parent = written_as(node.node)
            return join_path(parent, key.value) if parent else ""
        case nodes.Getitem() if written_as(node.arg):
            parent = written_as(node.node)
            return f"{parent}[{written_as(node.arg)}]" if parent else ""
        case _:
            return ""
