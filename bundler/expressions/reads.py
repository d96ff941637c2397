"""Which values templates read, as far as their text tells. Layer: expressions, pure.

What is computed while rendering cannot be seen here, so all that may be read counts as read: ``values[key]`` and
``values.web | to_yaml`` read everything below, and a variable is what any template of the bundle sets it to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from bundler.errors.bundle import TemplateSyntaxError
from bundler.expressions.expression import path_of
from bundler.expressions.failures import explain
from bundler.expressions.language import FAILURES, Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bundler.expressions.expression import ValuePath

VALUES = "values"


def read_paths(templates: Mapping[str, str]) -> frozenset[ValuePath]:
    """Return the keys below ``values`` of all that ``templates`` (name -> text) read; the empty path is everything.

    What is below a path that is returned counts as read too.

    Raises:
        TemplateSyntaxError: when one is not valid.
    """
    reader = _Reader()
    language = Language()
    for name, text in templates.items():
        try:
            reader.visit(language.parse(text, name))
        except FAILURES as error:
            failure = explain(error, {})
            raise TemplateSyntaxError(
                "finding which values are read",
                context=[f"{name}: {failure.sentence}"],
                hint=failure.hint or "correct the template",
            ) from error
    return frozenset(reader.paths())


class _Reader:
    """Collects paths, and what variables stand for."""

    def __init__(self) -> None:
        self._read: set[ValuePath] = set()
        self._called: set[tuple[str, str]] = set()
        """``lib.name(…)``: a macro of a module, or a method of what a variable stands for."""
        self._variables: dict[str, set[ValuePath]] = {}
        self._modules: set[str] = set()

    def paths(self) -> Iterator[ValuePath]:
        """Yield what was read, below ``values``."""
        called = {(name, method) if name in self._modules else (name,) for name, method in self._called}
        for path in self._read | called:
            yield from self._below_values(path, frozenset())

    def _below_values(self, path: ValuePath, above: frozenset[str]) -> Iterator[ValuePath]:
        root, *rest = path
        if root == VALUES:
            yield tuple(rest)
        if root in above:
            yield ()
            return
        if root in self._modules:
            inside = [tuple(rest)] if rest else [(name,) for name in self._variables]
            for each in inside:
                yield from self._below_values(each, above | {root})
        for meant in self._variables.get(root, ()):
            yield from self._below_values((*meant, *rest), above | {root})

    def visit(self, node: nodes.Node) -> None:
        """Look at a node and all below it."""
        match node:
            case nodes.Assign(target=nodes.Name() as target):
                self._assign(target.name, node.node)
            case nodes.With():
                self._visit_with(node)
            case nodes.Import():
                self._modules.add(node.target)
                self.visit(node.template)
            case nodes.FromImport():
                for name in node.names:
                    if isinstance(name, tuple):
                        self._variables.setdefault(name[1], set()).add((name[0],))
                self.visit(node.template)
            case nodes.Call(node=nodes.Getattr(node=nodes.Name(ctx="load") as root, attr=name)):
                self._called.add((root.name, name))
                self._visit_all(node.iter_child_nodes(exclude=("node",)))
            case nodes.Call(node=nodes.Getattr() as method):
                # a method's name is not a key
                self._visit_all((method.node, *node.iter_child_nodes(exclude=("node",))))
            case nodes.Name() | nodes.Getattr() | nodes.Getitem() if path := path_of(node):
                self._read.add(path)
            case _:
                self._visit_all(node.iter_child_nodes())

    def _visit_all(self, found: Iterable[nodes.Node]) -> None:
        for node in found:
            self.visit(node)

    def _visit_with(self, node: nodes.With) -> None:
        for target, value in zip(node.targets, node.values, strict=True):
            if isinstance(target, nodes.Name):
                self._assign(target.name, value)
            else:
                self.visit(value)
        self._visit_all(node.body)

    def _assign(self, name: str, value: nodes.Node) -> None:
        path = path_of(value)
        if path and path[0] != name:
            self._variables.setdefault(name, set()).add(path)
        else:
            self.visit(value)
