"""What the text of a template says of the values that it reads, line by line, as facts. Layer: expressions, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jinja2 import nodes

from bundler.expressions.expression import ValuePath, path_of

Facts = frozenset[tuple[str, ...]]
"""What the text of one file says, as plain as a cache keeps it: see ``facts_in``."""

IS, FROM = "is", "from"
ANY = "*"
"""In place of a file's name that is computed, and of an argument's that may be any."""


def facts_in(parsed: nodes.Template) -> Facts:
    """Return what the text of one template says of what it reads.

    Lines are places where a template has marks for them (see ``markers``): each tag is one, and each piece of text.
    Each fact is one of ``read LINE SCOPE PATH…``, ``guard FIRST LAST SCOPE PATH…``, ``macro NAME FIRST LAST``,
    ``param MACRO INDEX NAME``, ``call LINE SCOPE CALLEE``, ``bind NAME SCOPE HOW PATH…``,
    ``arg LINE SCOPE CALLEE WHICH HOW PATH…``, ``module NAME FILE``, ``from NAME FILE ORIGINAL`` and
    ``include LINE FILE``; a scope is a macro, or empty. HOW says whether a variable is that path, or made from it.
    """
    collector = _Collector()
    collector.statements(parsed.body)
    return frozenset(collector.facts)


class _Collector:
    """Walks one template."""

    def __init__(self) -> None:
        self.facts: set[tuple[str, ...]] = set()
        self._modules: set[str] = set()
        self._scope = ""
        self._guards: tuple[ValuePath, ...] = ()

    def statements(self, body: Iterable[nodes.Node]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: nodes.Node) -> None:
        match node:
            case nodes.Output():
                for child in node.nodes:
                    self._expression(child)
            case nodes.If():
                tests = [node.test, *(one.test for one in node.elif_)]
                self._guarded(node, tests, (*node.body, *node.elif_, *node.else_))
            case nodes.For():
                self._bind(node.target, nodes.List([node.iter], lineno=node.lineno))
                self._guarded(node, [node.iter, *([node.test] if node.test else [])], (*node.body, *node.else_))
            case nodes.CallBlock():
                self._guarded(node, [node.call], node.body)
            case nodes.Expr():
                self._expression(node)
            case _:
                self._declaration(node)

    def _declaration(self, node: nodes.Node) -> None:
        match node:
            case nodes.Assign():
                self._bind(node.target, node.node)
            case nodes.AssignBlock():
                self._bind(node.target, *node.body, *([node.filter] if node.filter else []))
                self.statements(node.body)
            case nodes.With():
                for target, value in zip(node.targets, node.values, strict=True):
                    self._bind(target, value)
                self.statements(node.body)
            case nodes.Macro():
                self._macro(node)
            case nodes.Import() | nodes.FromImport() | nodes.Include():
                self._other_file(node)
            case _:
                self.statements(node.iter_child_nodes())

    def _guarded(self, node: nodes.Node, tests: Iterable[nodes.Node], body: Iterable[nodes.Node]) -> None:
        paths = {path for test in tests for path in self._expression(test)}
        last = str(max(_lines(node))) if paths else ""
        for path in paths:
            self.facts.add(("guard", str(node.lineno), last, self._scope, *path))
        before, self._guards = self._guards, (*self._guards, *paths)
        self.statements(body)
        self._guards = before

    def _bind(self, target: nodes.Node, *values: nodes.Node) -> None:
        paths = {(path, _how(path, value)) for value in values for path in self._paths(value)}
        paths |= {(path, FROM) for path in self._guards}
        names = [one.name for one in (target, *target.find_all((nodes.Name, nodes.NSRef))) if hasattr(one, "name")]
        for name in names:
            if not paths:
                self.facts.add(("bind", name, self._scope, IS))  # a variable all the same
            for path, how in paths:
                is_itself = path[0] == name
                fact = ("read", str(target.lineno), self._scope) if is_itself else ("bind", name, self._scope, how)
                self.facts.add((*fact, *path))

    def _macro(self, node: nodes.Macro) -> None:
        outer = (self._scope, self._guards)
        self._scope, self._guards = node.name, ()
        self.facts.add(("macro", node.name, str(node.lineno), str(max(_lines(node)))))
        for index, parameter in enumerate(node.args):
            self.facts.add(("param", node.name, str(index), parameter.name))
        for parameter, default in zip(reversed(node.args), reversed(node.defaults), strict=False):
            self._bind(parameter, default)
        self.statements(node.body)
        self._scope, self._guards = outer

    def _other_file(self, node: nodes.Import | nodes.FromImport | nodes.Include) -> None:
        named = node.template
        file = named.value if isinstance(named, nodes.Const) and isinstance(named.value, str) else ANY
        self._expression(named)
        match node:
            case nodes.Import():
                self.facts.add(("module", node.target, file))
                self._modules.add(node.target)
            case nodes.FromImport():
                for one in node.names:
                    original, local = one if isinstance(one, tuple) else (one, one)
                    self.facts.add(("from", local, file, original))
            case nodes.Include():
                self.facts.add(("include", str(node.lineno), file))

    def _expression(self, node: nodes.Node) -> set[ValuePath]:
        """Note what an expression reads in its first line, and what it calls; return what it reads."""
        if isinstance(node, nodes.TemplateData):
            return set()
        paths = set(self._paths(node))
        line = str(min(_lines(node)))
        self.facts.update(("read", line, self._scope, *path) for path in paths)
        for call in (node, *node.find_all(nodes.Call)):
            if isinstance(call, nodes.Call) and (callee := path_of(call.node)):
                self.facts.add(("call", line, self._scope, ".".join(callee)))
        return paths

    def _paths(self, node: nodes.Node) -> Iterator[ValuePath]:
        match node:
            case nodes.Call():
                yield from self._call(node)
            case nodes.Name() | nodes.Getattr() | nodes.Getitem() if path := path_of(node):
                yield path
            case _:
                for child in node.iter_child_nodes():
                    yield from self._paths(child)

    def _call(self, node: nodes.Call) -> Iterator[ValuePath]:
        callee = path_of(node.node)
        if callee:
            # whether it is a macro of a module or a method of a value is known when the files are
            yield callee[:2] if len(callee) == 2 and callee[0] in self._modules else callee[:-1] or callee
        else:
            yield from self._paths(node.node)
        for which, value in self._arguments(node):
            for path in self._paths(value):
                if callee:
                    fact = ("arg", str(node.lineno), self._scope, ".".join(callee), which, _how(path, value))
                    self.facts.add((*fact, *path))
                yield path

    def _arguments(self, node: nodes.Call) -> Iterator[tuple[str, nodes.Node]]:
        yield from ((str(index), value) for index, value in enumerate(node.args))
        yield from ((one.key, one.value) for one in node.kwargs)
        yield from ((ANY, value) for value in (node.dyn_args, node.dyn_kwargs) if value is not None)


def _how(path: ValuePath, value: nodes.Node) -> str:
    return IS if path_of(value) == path else FROM


def _lines(node: nodes.Node) -> Iterator[int]:
    """Yield the line of each node that has one: keywords and parts of comparisons have none."""
    for one in (node, *node.find_all(nodes.Node)):
        if one.lineno is not None:
            yield one.lineno
