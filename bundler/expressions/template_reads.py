"""Which values each line of a template reads, and each tag in it, as far as its text tells. Layer: expressions, pure.

What may be read counts: ``values.web | to_yaml`` reads everything below ``values.web``, a variable is all that it is
set to, a parameter all that its macro is called with. What decides whether a line is printed at all, the conditions
and loops around it, is kept beside what is printed in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from bundler.expressions.expression import ValuePath, path_of
from bundler.expressions.markers import is_part, line_of
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Facts = frozenset[tuple[str, ...]]
"""What the text of one file says, as plain as a cache keeps it: see ``facts_in``."""

_Place = tuple[str, str, ValuePath]
"""A file, a scope in it, and a path as it is written there."""
VALUES = "values"
_IS, _FROM = "is", "from"
_ANY = "*"
"""In place of a file's name that is computed."""


@dataclass(frozen=True, slots=True)
class LineReads:
    """What one line reads: root names, ``values`` among them, and the keys below."""

    direct: frozenset[ValuePath]
    """What is printed in it."""
    around: frozenset[ValuePath]
    """What decides whether, and how often, it is printed."""


def facts_in(parsed: nodes.Template) -> Facts:
    """Return what the text of one template says of what it reads.

    Lines are places where a template has marks for them (see ``markers``): each tag is one, and each piece of text.
    Each fact is one of ``read LINE SCOPE PATH…``, ``guard FIRST LAST SCOPE PATH…``, ``macro NAME FIRST LAST``,
    ``param MACRO INDEX NAME``, ``call LINE CALLEE``, ``bind NAME SCOPE HOW PATH…``,
    ``arg SCOPE CALLEE WHICH HOW PATH…``, ``module NAME FILE``, ``from NAME FILE ORIGINAL`` and ``include LINE FILE``; a
    scope is a macro, or empty. HOW says whether a variable is that path, or made from it.
    """
    collector = _Collector()
    collector.statements(parsed.body)
    return frozenset(collector.facts)


class TemplateReads:
    """What the lines of one template read, and those of the files that it includes and imports."""

    def __init__(self, name: str, facts_of: Callable[[str], Facts], partials: Iterable[str] = ()) -> None:
        """Collect the facts of all files.

        Args:
            name: of the template.
            facts_of: returns those of one file; nothing of one that does not exist.
            partials: files that a computed name may mean.
        """
        self._partials = tuple(partials)
        self._known_at: dict[tuple[str, int], LineReads] = {}
        self._places: dict[_Place, frozenset[ValuePath]] = {}
        self._files: dict[str, _FileFacts] = {}
        waiting = [name]
        while waiting:
            file = waiting.pop()
            if file not in self._files:
                self._files[file] = facts = _FileFacts(facts_of(file))
                used = (*facts.of("module"), *facts.of("from"), *facts.of("include"))
                waiting += [one for rest in used for one in self._named(rest[1])]

    def all(self) -> frozenset[ValuePath]:
        """Return everything that the template reads."""
        found: set[ValuePath] = set()
        for file, facts in self._files.items():
            for scope, path in facts.reads():
                found |= self._known((file, scope, path))
        return frozenset(found)

    def at(self, file: str, place: int) -> LineReads:
        """Return what one line, or one place in it, reads.

        Args:
            file: the template, or one that it uses.
            place: in it.
        """
        found = self._known_at.get((file, place))
        if found is None:  # loops ask for the same places again and again
            direct: set[ValuePath] = set()
            for at, scope, *path in self._of(file, "read"):
                if _holds(at, at, place):
                    direct |= self._known((file, scope, tuple(path)))
            found = LineReads(frozenset(direct), frozenset(self._around(file, place, set())))
            self._known_at[file, place] = found
        return found

    def _facts_of(self, file: str) -> _FileFacts:
        return self._files.get(file) or _FileFacts(frozenset())

    def _of(self, file: str, kind: str) -> list[tuple[str, ...]]:
        return self._facts_of(file).of(kind)

    def _named(self, file: str) -> tuple[str, ...]:
        return self._partials if file == _ANY else (file,)

    def _around(self, file: str, place: int, seen: set[tuple[str, int]]) -> set[ValuePath]:
        """Return what is asked before a place is printed: here, and where its macro is called or its file included."""
        if (file, place) in seen:
            return set()
        seen.add((file, place))
        found: set[ValuePath] = set()
        for first, last, scope, *path in self._of(file, "guard"):
            if _holds(first, last, place):
                found |= self._known((file, scope, tuple(path)))
        macros = [name for name, first, last in self._of(file, "macro") if _holds(first, last, place)]
        for caller, facts in self._files.items():
            calls = [at for at, callee in facts.of("call") if self._is_meant(caller, callee, file, macros)]
            calls += [at for at, other in facts.of("include") if file in self._named(other)]
            for at in calls:
                found |= self._around(caller, int(at), seen)
        return found

    def _is_meant(self, caller: str, callee: str, file: str, macros: Iterable[str]) -> bool:
        meant = self._macros(caller, callee)
        return any((file, macro) in meant for macro in macros)

    def _macros(self, file: str, callee: str) -> list[tuple[str, str]]:
        """Return (file, macro) for each that ``callee`` may mean in a file; a variable of another file may be one."""
        name, _, member = callee.partition(".")
        found = [(file, own) for own, _, _ in self._of(file, "macro") if own == callee]
        for local, source, original in self._of(file, "from"):
            found += [(one, original) for one in self._named(source) if local == callee]
        for local, source in self._of(file, "module"):
            found += [(one, member) for one in self._named(source) if local == name and member]
        return found

    def _known(self, place: _Place) -> frozenset[ValuePath]:
        if place not in self._places:
            self._places[place] = frozenset(self._meant(place))
        return self._places[place]

    def _meant(self, place: _Place, above: frozenset[tuple[str, str, str]] = frozenset()) -> set[ValuePath]:
        """Return the paths that templates are given which a path in a file stands for; an empty one for a circle."""
        file, scope, (name, *keys) = place
        if (file, scope, name) in above:
            return {()}
        above |= {(file, scope, name)}
        sources = list(self._sources(file, scope, name, tuple(keys)))
        if not sources:
            return {place[2]}
        found = self._all_meant(sources, above)
        if () in found and keys:  # what is below what it is set to in turn is below one of the others
            found = self._all_meant(self._sources(file, scope, name, ()), above)
        if len(above) > 1 or () not in found:
            return found
        is_unknown = all(path for _, _, path in sources)  # nothing but the circle
        return found - {()} or ({(VALUES,)} if is_unknown else set())

    def _all_meant(self, sources: Iterable[_Place], above: frozenset[tuple[str, str, str]]) -> set[ValuePath]:
        return {one for source in sources if source[2] for one in self._meant(source, above)}

    def _sources(self, file: str, scope: str, name: str, keys: ValuePath) -> Iterator[_Place]:
        """Yield what a name stands for; an empty path where it is known and stands for no value."""
        yield from self._variable(file, scope, name, keys)
        for where, member in self._macros(file, name):
            yield from self._member(where, member, keys)
        for where, member in self._macros(file, f"{name}.{keys[0]}") if keys else ():
            yield from self._member(where, member, keys[1:])
        for local, source in self._of(file, "module"):
            for one in self._named(source) if local == name and not keys else ():
                yield from ((one, inside, path) for inside, path in self._facts_of(one).reads())
                yield from ((one, inside, tuple(path)) for _, inside, _, *path in self._of(one, "bind"))

    def _variable(self, file: str, scope: str, name: str, keys: ValuePath) -> Iterator[_Place]:
        """Yield what a variable is set to, or a parameter called with, the keys below added."""
        places = [at for macro, at, own in self._of(file, "param") if (macro, own) == (scope, name)] if scope else []
        for caller, facts in self._files.items():
            for inside, callee, which, how, *path in facts.of("arg") if places else ():
                if which in {*places, name, _ANY} and (file, scope) in self._macros(caller, callee):
                    yield caller, inside, (*path, *keys) if how == _IS else tuple(path)
            for bound, inside, how, *path in facts.of("bind"):
                is_seen = inside == scope if caller == file and scope else False
                if bound == name and (is_seen or (not inside and not places)):
                    yield caller, inside, (*path, *keys) if how == _IS and path else tuple(path)
        if places:
            yield file, scope, ()

    def _member(self, file: str, name: str, keys: ValuePath) -> Iterator[_Place]:
        """Yield all that a macro reads, or what a variable of a file is set to."""
        if file in self._files:
            yield file, "", ()
            yield from ((file, scope, path) for scope, path in self._facts_of(file).reads() if scope == name)
            yield from self._variable(file, "", name, keys)


class _FileFacts:
    """The facts of one file, by their kind."""

    def __init__(self, facts: Facts) -> None:
        self._by_kind: dict[str, list[tuple[str, ...]]] = {}
        for kind, *rest in facts:
            self._by_kind.setdefault(kind, []).append(tuple(rest))

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """Return the facts of a kind."""
        return self._by_kind.get(kind, [])

    def reads(self) -> Iterator[tuple[str, ValuePath]]:
        """Yield what is printed or asked anywhere, with its scope."""
        yield from ((scope, tuple(path)) for _, scope, *path in self.of("read"))
        yield from ((scope, tuple(path)) for _, _, scope, *path in self.of("guard"))


class _Collector:
    """Walks one template."""

    def __init__(self) -> None:
        self.facts: set[tuple[str, ...]] = set()
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
        for path in paths:
            self.facts.add(("guard", str(node.lineno), str(max(_lines(node))), self._scope, *path))
        before, self._guards = self._guards, (*self._guards, *paths)
        self.statements(body)
        self._guards = before

    def _bind(self, target: nodes.Node, *values: nodes.Node) -> None:
        paths = {(path, _how(path, value)) for value in values for path in self._paths(value)}
        paths |= {(path, _FROM) for path in self._guards}
        names = [one.name for one in (target, *target.find_all((nodes.Name, nodes.NSRef))) if hasattr(one, "name")]
        for name in names:
            if not paths:
                self.facts.add(("bind", name, self._scope, _IS))  # a variable all the same
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
        file = named.value if isinstance(named, nodes.Const) and isinstance(named.value, str) else _ANY
        self._expression(named)
        match node:
            case nodes.Import():
                self.facts.add(("module", node.target, file))
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
                self.facts.add(("call", line, ".".join(callee)))
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
            yield callee[:2] if len(callee) == 2 and self._is_module(callee[0]) else callee[:-1] or callee
            for which, value in self._arguments(node):
                for path in self._paths(value):
                    self.facts.add(("arg", self._scope, ".".join(callee), which, _how(path, value), *path))
        else:
            yield from self._paths(node.node)
        for _, value in self._arguments(node):
            yield from self._paths(value)

    def _is_module(self, name: str) -> bool:
        return any(fact[:2] == ("module", name) for fact in self.facts)

    def _arguments(self, node: nodes.Call) -> Iterator[tuple[str, nodes.Node]]:
        yield from ((str(index), value) for index, value in enumerate(node.args))
        yield from ((one.key, one.value) for one in node.kwargs)
        yield from ((_ANY, value) for value in (node.dyn_args, node.dyn_kwargs) if value is not None)


def _holds(first: str, last: str, place: int) -> bool:
    """Return whether a place is between others; a whole line is where a part of it is."""
    if is_part(place):
        return int(first) <= place <= int(last)
    return line_of(int(first)) <= line_of(place) <= line_of(int(last))


def _how(path: ValuePath, value: nodes.Node) -> str:
    return _IS if path_of(value) == path else _FROM


def _lines(node: nodes.Node) -> Iterator[int]:
    """Yield the line of each node that has one: keywords and parts of comparisons have none."""
    for one in (node, *node.find_all(nodes.Node)):
        if one.lineno is not None:
            yield one.lineno
