"""Which values changed since a revision, and which of them made the others change. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from bundler.expressions.expression import ValuePath, compile_expression
from bundler.expressions.template_reads import VALUES
from bundler.model.causes import OF_BUNDLE
from bundler.model.json import Body, JSONValue, at_pointer, pointer_tokens
from bundler.model.values import LayerKind, MergedValues, Origin, Pointer
from bundler.values.changes import changed_value, is_changed
from bundler.values.flatten import flatten, is_touching, leaves_of
from bundler.values.outputs import COMPONENTS, OUTPUTS, paths_in
from bundler.values.paths import leading_keys, parent_pointer, parse_path, pointer_to, starts_below

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.causes import ChangedValue

_FROM_THE_BUNDLE = frozenset({LayerKind.SCHEMA, LayerKind.DEFAULTS, LayerKind.PARENT})


class ValueChanges:
    """The values that are not what a revision recorded, by their pointers in the values of the top bundle."""

    def __init__(
        self,
        bundle: Bundle,
        values: MergedValues,
        before: Body,
        *,
        is_secret: Callable[[str], bool],
        codes: CompiledCodes | None = None,
    ) -> None:
        """Compare values with recorded ones.

        Args:
            bundle: that they are of.
            values: as they are now.
            before: what the templates of the revision saw, components below their names.
            is_secret: says of a text whether it must not be shown.
            codes: what is compiled of the bundle already.
        """
        self._bundle, self._values, self._before, self._codes = bundle, values, before, codes
        self._is_secret = is_secret
        self._found: dict[tuple[str, ValuePath], frozenset[Pointer]] = {}
        self._leaves = flatten(values)
        self._old = leaves_of(before)

    @cached_property
    def pointers(self) -> frozenset[Pointer]:
        """All values that changed."""
        return frozenset(pointer for pointer in {*self._old, *self._leaves} if self._differs(pointer))

    def _differs(self, pointer: Pointer) -> bool:
        leaf = self._leaves.get(pointer)
        return is_changed(self._old.get(pointer), leaf.value if leaf else None)

    @cached_property
    def _by_prefix(self) -> dict[Pointer, set[Pointer]]:
        found: dict[Pointer, set[Pointer]] = {}
        for pointer in self.pointers:
            here = pointer
            while here:
                found.setdefault(here, set()).add(pointer)
                here = parent_pointer(here)
            found.setdefault("", set()).add(pointer)
        return found

    def read_by(self, component: str, paths: Iterable[ValuePath]) -> frozenset[Pointer]:
        """Return the changed values that expressions or templates of a component read.

        Args:
            component: its path; empty for the bundle itself.
            paths: what they read, as it is written there: ``values`` and keys, or ``components`` and so on.
        """
        return frozenset(pointer for path in paths for pointer in self._read_at(component, path))

    def _read_at(self, component: str, path: ValuePath) -> frozenset[Pointer]:
        found = self._found.get((component, path))
        if found is None:
            found = self._found[component, path] = frozenset(self._touched(component, path))
        return found

    def switches(self, component: str) -> frozenset[Pointer]:
        """Return the changed values that decide whether a component is on."""
        found: set[Pointer] = set()
        while component:
            component, spec = self._spec(component)
            if spec is not None and spec.when:
                paths = compile_expression(spec.when, source=spec.source, codes=self._codes).paths
                found |= self.read_by(component, paths)
        return frozenset(found)

    def told(self, pointers: Iterable[Pointer]) -> tuple[ChangedValue, ...]:
        """Return changed values with all that made them change, by path."""
        found: dict[Pointer, ChangedValue] = {}
        waiting = list(pointers)
        while waiting:
            pointer = waiting.pop()
            if pointer not in found:
                sources = self._made_from(pointer) - {pointer}
                found[pointer] = self._changed(pointer, sources)
                waiting += sources
        return tuple(sorted(found.values(), key=lambda one: one.path))

    def roots(self, pointers: Iterable[Pointer]) -> frozenset[str]:
        """Return the paths of the values with which these changes begin."""
        return frozenset(one.path for one in self.told(pointers) if not one.because)

    def _changed(self, pointer: Pointer, sources: Iterable[Pointer]) -> ChangedValue:
        leaf, old = self._leaves.get(pointer), self._old.get(pointer)
        new = leaf.value if leaf else None
        is_sensitive = bool(leaf and leaf.is_sensitive) or self._is_hidden(pointer, old, new)
        source = _said_of(leaf.origin if leaf else None)
        return changed_value(pointer, old, new, source=source, is_sensitive=is_sensitive, because=sources)

    def _is_hidden(self, pointer: Pointer, *sides: JSONValue) -> bool:
        return is_touching(pointer, self._sensitive) or any(self._is_secret(_text(side)) for side in sides)

    @cached_property
    def _sensitive(self) -> frozenset[Pointer]:
        return frozenset(pointer for pointer, leaf in self._leaves.items() if leaf.is_sensitive)

    def _touched(self, component: str, path: ValuePath) -> Iterator[Pointer]:
        root, *keys = path
        if root == VALUES:
            place = (pointer_to(component.split("/")) if component else "") + pointer_to(keys)
            yield from self._by_prefix.get(place, ())
            yield from (one for one in self._by_prefix.get("", ()) if starts_below(place, one) and place != one)
        elif root == COMPONENTS:
            yield from self._told_by(component, keys)

    def _told_by(self, component: str, keys: list[str]) -> Iterator[Pointer]:
        """Yield the changed values behind ``components.NAME.outputs.KEY``, and behind ``components.NAME.enabled``."""
        for spec in self._bundle_at(component).components:
            below = f"{component}/{spec.name}" if component else spec.name
            if keys and keys[0] != spec.name:
                continue
            if keys[1:2] in ([], ["enabled"]):
                yield from self.switches(below)
            for output in self._bundle_at(below).outputs if keys[1:2] in ([], [OUTPUTS]) else ():
                if keys[2:3] in ([], [output.name]):
                    yield from self.read_by(below, paths_in(output.value, output.source, self._codes))

    def _made_from(self, pointer: Pointer) -> frozenset[Pointer]:
        """Return the changed values that a value is computed from."""
        leaf = self._leaves.get(pointer)
        if leaf is None or leaf.origin is None:
            return frozenset()
        component, local = self._said_in(pointer, leaf.origin)
        match leaf.origin.kind:
            case LayerKind.DERIVED:
                for rule in self._bundle_at(component).derive:
                    if starts_below(local, pointer_to(leading_keys(parse_path(rule.path)))):
                        formula = compile_expression(rule.formula, source=rule.source, codes=self._codes)
                        return self.read_by(component, formula.paths)
            case LayerKind.COMPONENT:
                above, spec = self._spec(component)
                if spec is not None:
                    written = _nearest(spec.values, local)
                    return self.read_by(above, paths_in(written, spec.source, self._codes))
            case _:
                pass
        return frozenset()

    def _said_in(self, pointer: Pointer, origin: Origin) -> tuple[str, Pointer]:
        """Return the component whose layers say what a value is, and where it is in its values."""
        component, values, tokens = [], self._values, list(pointer_tokens(pointer))
        levels = [values]
        while len(tokens) > 1 and tokens[0] in (values.components or {}):
            values = (values.components or {})[tokens[0]]
            component.append(tokens.pop(0))
            levels.append(values)
        while component:
            outer = levels[-2].origins.get(pointer_to([component[-1], *tokens]))
            if outer is None or (outer.source, outer.line) != (origin.source, origin.line):
                break
            tokens.insert(0, component.pop())
            levels.pop()
        return "/".join(component), pointer_to(tokens)

    def _bundle_at(self, component: str) -> Bundle:
        bundle = self._bundle
        for name in component.split("/") if component else ():
            bundle = bundle.component_bundles[name]
        return bundle

    def _spec(self, component: str) -> tuple[str, ComponentSpec | None]:
        """Return the component around one, and how that declares it."""
        above, _, name = component.rpartition("/")
        return above, next((one for one in self._bundle_at(above).components if one.name == name), None)


def _nearest(values: JSONValue, pointer: Pointer) -> JSONValue:
    """Return what is written at a place, or the text around it whose value holds that place."""
    while pointer:
        found, is_there = at_pointer(values, pointer)
        if is_there:
            return found
        pointer = parent_pointer(pointer)
    return None


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else ""


def _said_of(origin: Origin | None) -> str:
    if origin is None:
        return ""
    if origin.kind is LayerKind.SET:
        return origin.source.partition(" ")[0]
    return f"{OF_BUNDLE}{origin}" if origin.kind in _FROM_THE_BUNDLE else str(origin)
