"""Which values each line of a template reads, and each tag in it, as far as its text tells. Layer: expressions, pure.

What may be read counts: ``values.web | to_yaml`` reads everything below ``values.web``, a variable is all that it is
set to, a parameter all that its macro is called with. What decides whether a line is printed at all, the conditions
and loops around it, is kept beside what is printed in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import NamedTuple

from bundler.errors.bundle import TemplateSyntaxError
from bundler.expressions.expression import ValuePath
from bundler.expressions.failures import explain
from bundler.expressions.language import FAILURES, Language
from bundler.expressions.markers import is_part, line_of
from bundler.expressions.template_facts import ANY, IS, Facts, facts_in
from bundler.model.lean import dataclass

_Place = tuple[str, str, ValuePath]
"""A file, a scope in it, and a path as it is written there."""
_Site = tuple[str, int]
"""A file, and the place of a tag in it."""
_Macro = tuple[str, str]
"""A file, and a name in it."""
_CALLS = ("call", "arg")
"""The kinds of facts that say who calls a macro."""
_NAMING = ("bind", "macro", "param", "from", "module")
"""The kinds of facts that begin with a name of the template's own."""
VALUES = "values"
_DEEPEST = 100
"""So many variables are followed, each set from the one before; what is behind them may be anything."""
_MOST_LOOKS = 5000
"""So many places are read to tell what one path stands for: circles of variables have no end of ways through them."""


@dataclass(frozen=True, slots=True)
class LineReads:
    """What one line reads: root names, ``values`` among them, and the keys below."""

    direct: frozenset[ValuePath]
    """What is printed in it."""
    around: frozenset[ValuePath]
    """What decides whether, and how often, it is printed."""


class TemplateReads:
    """What the lines of one template read, and those of the files that it includes and imports."""

    def __init__(self, name: str, facts_of: Callable[[str], Facts], partials: Iterable[str] = ()) -> None:
        """Collect the facts of all files.

        Args:
            name: of the template.
            facts_of: returns those of one file; nothing of one that does not exist.
            partials: files that a computed name may mean.
        """
        self._files: dict[str, _FileFacts] = {}
        self._partials = tuple(partials)
        self._all = _Reads(self._files, self._partials)
        self._without_calls = _Reads(self._files, self._partials, _Calls(frozenset(), {}))
        self._sites: dict[_Site, _Reads] = {}
        waiting = [name]
        while waiting:
            file = waiting.pop()
            if file not in self._files:
                self._files[file] = facts = _FileFacts(_by_kind(facts_of(file)))
                used = (*facts.of("module"), *facts.of("from"), *facts.of("include"))
                waiting += [one for rest in used for one in self._all.named(rest[1])]

    def all(self) -> frozenset[ValuePath]:
        """Return everything that the template reads."""
        found: set[ValuePath] = set()
        for file, facts in self._files.items():
            for scope, path in facts.reads():
                found |= self._all.known((file, scope, path))
        return frozenset(found)

    def at(self, file: str, place: int) -> LineReads:
        """Return what one line, or one place in it, reads.

        Args:
            file: the template, or one that it uses.
            place: in it.
        """
        return self._all.at(file, place)

    def printed_at(self, file: str, place: int, site: _Site) -> LineReads:
        """Return what is read at a place when one tag prints it: a macro is called there, with arguments of its own.

        Args:
            file: the template, or one that it uses.
            place: in it.
            site: file and place of the tag.
        """
        if site not in self._sites:
            calls = self._all.calls_of(site)
            # those that call none see the same
            self._sites[site] = _Reads(self._files, self._partials, calls) if calls.macros else self._without_calls
        reads = self._sites[site]
        # what was put into a variable before was called elsewhere
        return (reads if is_part(place) or reads.has_macro_at(file, place) else self._all).at(file, place)


class _Calls(NamedTuple):
    """The calls that one tag leads to."""

    macros: frozenset[_Macro]
    facts: Mapping[tuple[str, str], list[tuple[str, ...]]]
    """By file and kind."""


class _Reads:
    """What is read by all that calls macros, or by one tag."""

    def __init__(self, files: Mapping[str, _FileFacts], partials: tuple[str, ...], calls: _Calls | None = None) -> None:
        self._files, self._partials, self._calls = files, partials, calls
        self._known_at: dict[_Site, LineReads] = {}
        self._places: dict[_Place, frozenset[ValuePath]] = {}
        self._straight: dict[_Place, set[ValuePath]] = {}
        """What places stand for from which no circle was met: it is the same wherever one comes from."""
        self._looks = 0

    def at(self, file: str, place: int) -> LineReads:
        found = self._known_at.get((file, place))
        if found is None:  # loops ask for the same places again and again
            direct: set[ValuePath] = set()
            for _, scope, *path in self._facts_of(file).reads_at(place):
                direct |= self.known((file, scope, tuple(path)))
            found = LineReads(frozenset(direct), frozenset(self._around(file, place, set())))
            self._known_at[file, place] = found
        return found

    def calls_of(self, site: _Site) -> _Calls:
        """Return what one tag calls, and what is called by that in turn."""
        file, place = site
        made = self._facts_of(file).at(place)
        called: set[_Macro] = set()
        waiting = [(file, fact[3]) for fact in made if fact[0] == "call"]
        while waiting:
            for macro in set(self._macros(*waiting.pop())) - called:
                called.add(macro)
                source, name = macro
                inside = self._facts_of(source).inside(name)
                waiting += [(source, fact[3]) for fact in inside if fact[0] == "call"]
        facts = {(file, kind): [tuple(rest) for one, *rest in made if one == kind] for kind in _CALLS}
        for source, name in called:
            for one, *rest in self._facts_of(source).inside(name):
                facts.setdefault((source, one), []).append(tuple(rest))
        return _Calls(frozenset(called), facts)

    def has_macro_at(self, file: str, place: int) -> bool:
        """Return whether a place is in a macro that the tag calls."""
        return self._calls is not None and any(
            (file, name) in self._calls.macros for name in self._macros_at(file, place)
        )

    def _macros_at(self, file: str, place: int) -> list[str]:
        return [name for name, first, last in self._of(file, "macro") if _holds(first, last, place)]

    def _facts_of(self, file: str) -> _FileFacts:
        return self._files.get(file) or _FileFacts({})

    def _of(self, file: str, kind: str) -> list[tuple[str, ...]]:
        if self._calls is not None and kind in _CALLS:
            return self._calls.facts.get((file, kind), [])
        return self._facts_of(file).of(kind)

    def named(self, file: str) -> tuple[str, ...]:
        """Return the files that a name may mean."""
        return self._partials if file == ANY else (file,)

    def _around(self, file: str, place: int, seen: set[tuple[str, int]]) -> set[ValuePath]:
        """Return what is asked before a place is printed: here, and where its macro is called or its file included."""
        if (file, place) in seen:
            return set()
        seen.add((file, place))
        found: set[ValuePath] = set()
        for first, last, scope, *path in self._of(file, "guard"):
            if _holds(first, last, place):
                found |= self.known((file, scope, tuple(path)))
        macros = self._macros_at(file, place)
        for caller, facts in self._files.items():
            calls = [at for at, _, callee in self._of(caller, "call") if self._is_meant(caller, callee, file, macros)]
            calls += [at for at, other in facts.of("include") if file in self.named(other)]
            for at in calls:
                found |= self._around(caller, int(at), seen)
        return found

    def _is_meant(self, caller: str, callee: str, file: str, macros: Iterable[str]) -> bool:
        meant = self._macros(caller, callee)
        return any((file, macro) in meant for macro in macros)

    def _macros(self, file: str, callee: str) -> list[tuple[str, str]]:
        """Return (file, macro) for each that ``callee`` may mean in a file; a variable of another file may be one."""
        name, _, member = callee.partition(".")
        facts = self._facts_of(file)
        found = [(file, callee) for _ in facts.about("macro", callee)]
        for _, source, original in facts.about("from", callee):
            found += [(one, original) for one in self.named(source)]
        for _, source in facts.about("module", name) if member else ():
            found += [(one, member) for one in self.named(source)]
        return found

    def known(self, place: _Place) -> frozenset[ValuePath]:
        """Return the paths that templates are given which a path in a file stands for."""
        if place not in self._places:
            self._looks = 0
            self._places[place] = frozenset(self._meant(place))
        return self._places[place]

    def _meant(self, place: _Place, above: frozenset[tuple[str, str, str]] = frozenset()) -> set[ValuePath]:
        """Return the paths that templates are given which a path in a file stands for; an empty one for a circle."""
        file, scope, (name, *_) = place
        if place in self._straight:
            return self._straight[place]
        if (file, scope, name) in above:
            return {()}
        self._looks += 1
        if len(above) == _DEEPEST or self._looks > _MOST_LOOKS:
            return {(VALUES,)}
        return self._looked_up(place, above | {(file, scope, name)})

    def _looked_up(self, place: _Place, above: frozenset[tuple[str, str, str]]) -> set[ValuePath]:
        file, scope, (name, *keys) = place
        sources = list(self._sources(file, scope, name, tuple(keys)))
        if not sources:
            return {place[2]}
        found = self._all_meant(sources, above)
        if () not in found:
            self._straight[place] = found
            return found
        if keys:  # what is below what it is set to in turn is below one of the others
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
        for _, source in self._facts_of(file).about("module", name) if not keys else ():
            for one in self.named(source):
                yield from ((one, inside, path) for inside, path in self._facts_of(one).reads())
                yield from ((one, inside, tuple(path)) for _, inside, _, *path in self._of(one, "bind"))

    def _variable(self, file: str, scope: str, name: str, keys: ValuePath) -> Iterator[_Place]:
        """Yield what a variable is set to, or a parameter called with, the keys below added."""
        places = [at for _, at, own in self._facts_of(file).about("param", scope) if own == name] if scope else []
        meant = {*places, name, ANY}
        for caller, facts in self._files.items():
            for _, inside, callee, which, how, *path in self._of(caller, "arg") if places else ():
                if which in meant and (file, scope) in self._macros(caller, callee):
                    yield caller, inside, (*path, *keys) if how == IS else tuple(path)
            for _, inside, how, *path in facts.about("bind", name):
                is_seen = inside == scope if caller == file and scope else False
                if is_seen or (not inside and not places):
                    yield caller, inside, (*path, *keys) if how == IS and path else tuple(path)
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

    def __init__(self, by_kind: Mapping[str, list[tuple[str, ...]]]) -> None:
        self._by_kind = by_kind

    @cached_property
    def _calls(self) -> Mapping[tuple[str, str], list[tuple[str, ...]]]:
        """Calls and their arguments: of tags by their place and no scope, of macros by their scope and no place."""
        found: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for kind in _CALLS:
            for fact in self.of(kind):
                at, scope, *_ = fact
                found.setdefault(("", scope) if scope else (at, ""), []).append((kind, *fact))
        return found

    def at(self, place: int) -> list[tuple[str, ...]]:
        """Return the calls of a tag, each with its kind."""
        return self._calls.get((str(place), ""), [])

    def inside(self, scope: str) -> list[tuple[str, ...]]:
        """Return the calls that a macro makes, each with its kind."""
        return self._calls.get(("", scope), [])

    @cached_property
    def _reads_at(self) -> Mapping[str, list[tuple[str, ...]]]:
        found: dict[str, list[tuple[str, ...]]] = {}
        for fact in self.of("read"):
            found.setdefault(fact[0], []).append(fact)
        return found

    def reads_at(self, place: int) -> list[tuple[str, ...]]:
        """Return what a place reads, or a whole line."""
        if is_part(place):
            return self._reads_at.get(str(place), [])
        return [fact for fact in self.of("read") if _holds(fact[0], fact[0], place)]

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], list[tuple[str, ...]]]:
        found: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for kind in _NAMING:
            for fact in self.of(kind):
                found.setdefault((kind, fact[0]), []).append(fact)
        return found

    def about(self, kind: str, name: str) -> list[tuple[str, ...]]:
        """Return the facts of a kind that begin with a name; templates may have thousands of variables."""
        return self._named.get((kind, name), [])

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """Return the facts of a kind."""
        return self._by_kind.get(kind, [])

    def reads(self) -> Iterator[tuple[str, ValuePath]]:
        """Yield what is printed or asked anywhere, with its scope."""
        yield from ((scope, tuple(path)) for _, scope, *path in self.of("read"))
        yield from ((scope, tuple(path)) for _, _, scope, *path in self.of("guard"))


def _by_kind(facts: Facts) -> Mapping[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for kind, *rest in facts:
        found.setdefault(kind, []).append(tuple(rest))
    return found


def _holds(first: str, last: str, place: int) -> bool:
    """Return whether a place is between others; a whole line is where a part of it is."""
    if is_part(place):
        return int(first) <= place <= int(last)
    return line_of(int(first)) <= line_of(place) <= line_of(int(last))


def read_paths(templates: Mapping[str, str]) -> frozenset[ValuePath]:
    """Return the keys below ``values`` of all that ``templates`` (name -> text) read; the empty path is everything.

    What is below a path that is returned counts as read too. What is computed while rendering cannot be seen here, so
    all that may be read counts as read: ``values[key]`` and ``values.web | to_yaml`` read everything below, and a
    variable is what any template of the bundle sets it to.

    Raises:
        TemplateSyntaxError: when one is not valid.
    """
    language = Language()

    @cache
    def facts(name: str) -> Facts:
        return _facts(language, name, templates.get(name, ""))

    found = {path for name in templates for path in TemplateReads(name, facts, templates).all()}
    return frozenset(path[1:] for path in found if path[0] == VALUES)


def _facts(language: Language, name: str, text: str) -> Facts:
    try:
        return facts_in(language.parse(text, name))
    except FAILURES as error:
        failure = explain(error, {})
        raise TemplateSyntaxError(
            "finding which values are read",
            context=[f"{name}: {failure.sentence}"],
            hint=failure.hint or "correct the template",
        ) from error
