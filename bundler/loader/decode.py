"""Decode a YAML document by hand, with path and line, reporting everything. Layer: loader, pure.

Hand-written, because a schema validator costs more to import than a whole small bundle to render. The JSON Schemas in
``schemas/`` say the same for editors; a test holds both to one table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from bundler.errors.bundle import VersionRangeError
from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, is_number, pointer_tokens
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.model.names import NAME_MAX_CHARS, is_dns_label
from bundler.resolve.versions import parse_range, parse_version
from bundler.syntax.scalars import YamlFloat
from bundler.values.merge import make_layer
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from bundler.loader.problems import Problems
    from bundler.model.values import LayerKind, ValuesLayer
    from bundler.syntax.reader import MarkedDocument


_Meaning = TypeVar("_Meaning")


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a document; methods read what is below it and report what does not fit."""

    value: JSONValue
    pointer: str
    lines: Mapping[str, int]
    file: str
    problems: Problems

    @classmethod
    def root(cls, document: MarkedDocument, file: str, problems: Problems) -> Node:
        """Start at the root of a document.

        Args:
            document: parsed, with the places of its parts.
            file: its name, for messages.
            problems: collects what is wrong.
        """
        return cls(document.value, "", document.lines, file, problems)

    @property
    def source(self) -> Source:
        """File and line of this place."""
        return Source(self.file, self.lines.get(self.pointer, 0))

    @property
    def name(self) -> str:
        """How this place is called in messages: ``spec.components[0].name``."""
        steps = pointer_tokens(self.pointer)
        text = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)
        return text.removeprefix(".") or "the document"

    @property
    def body(self) -> Body:
        """The mapping here; an empty one where there is none (reported by :meth:`mapping`)."""
        return self.value if is_mapping(self.value) else {}

    def fail(self, message: str) -> None:
        """Report that this place is wrong."""
        self.problems.add(self.source, f"{self.name} {message}", field=self.pointer)

    def child(self, key: str) -> Node | None:
        """Return the place below ``key``; None where it is not set, or null."""
        value = self.body.get(key)
        return None if value is None else self._below(key, value)

    def required(self, key: str) -> Node | None:
        """Return the place below ``key``, and report where it is not set."""
        child = self.child(key)
        if child is None:
            self.fail(f'needs "{key}"')
        return child

    def allow(self, *keys: str) -> None:
        """Report keys that are none of ``keys``."""
        for key, value in self.body.items():
            if key not in keys:
                node = self._below(key, value)
                message = f'{node.name}: unknown key "{key}"; {meant_or_known(key, keys)}'
                self.problems.add(node.source, message, field=node.pointer)

    def mapping(self, key: str, *keys: str, is_required: bool = False) -> Node:
        """Return the mapping below ``key`` with the known ``keys`` (none: any); an empty one where there is none.

        Args:
            key: below this node.
            is_required: report a missing key.
            *keys: the known ones.
        """
        child = self.required(key) if is_required else self.child(key)
        if child is None:
            return self._below(key, {})
        if not is_mapping(child.value):
            child.fail(f"must be a mapping, not {kind_of(child.value)}")
        elif keys:
            child.allow(*keys)
        return child

    def members(self) -> list[tuple[str, Node]]:
        """Return what a mapping holds."""
        return [(key, self._below(key, value)) for key, value in self.body.items()]

    def items(self, key: str, *keys: str) -> list[Node]:
        """Return the mappings in the list below ``key``, each with the known ``keys`` (none: any)."""
        found = []
        for item in self.nodes(key):
            if not is_mapping(item.value):
                known = f" with {', '.join(keys)}" if keys else ""
                item.fail(f"must be a mapping{known}, not {kind_of(item.value)}")
                continue
            if keys:
                item.allow(*keys)
            found.append(item)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings in the list below ``key``."""
        return tuple(text for item in self.nodes(key) if (text := item.as_text(is_required=True)))

    def text(self, key: str, *, is_required: bool = False, default: str = "") -> str:
        """Return the string below ``key``.

        Args:
            key: below this node.
            is_required: report a missing key.
            default: where the key is missing.
        """
        child = self.required(key) if is_required else self.child(key)
        return default if child is None else child.as_text(is_required=is_required)

    def choice(self, key: str, known: Collection[str], *, is_required: bool = False) -> str:
        """Return the string below ``key``, which must be one of ``known``.

        Args:
            key: below this node.
            known: the allowed values.
            is_required: report a missing key.
        """
        child = self.required(key) if is_required else self.child(key)
        text = "" if child is None else child.as_text(is_required=True)
        if text and text not in known:
            self._below(key, text).fail(f'is "{text}" and must be one of: {", ".join(known)}')
        return text

    def named(self, key: str = "name") -> str:
        """Return the name below ``key``, by the rule for names of bundles and components."""
        text = self.text(key, is_required=True)
        if text and (len(text) > NAME_MAX_CHARS or not is_dns_label(text)):
            rule = f"lower-case letters, digits and inner hyphens, at most {NAME_MAX_CHARS} characters"
            self._below(key, text).fail(f'is "{text}" and must be {rule}')
        return text

    def version(self, key: str, *, is_required: bool = False) -> str:
        """Return the semantic version below ``key``."""
        return self._parsed(key, is_range=False, is_required=is_required)

    def version_range(self, key: str) -> str:
        """Return the range of versions below ``key``."""
        return self._parsed(key, is_range=True, is_required=False)

    def integer(self, key: str, *, default: int, least: int, most: int) -> int:
        """Return the whole number below ``key``, within bounds.

        Args:
            key: below this node.
            default: where the key is missing.
            least: smallest allowed.
            most: largest allowed.
        """
        child = self.child(key)
        if child is None:
            return default
        if not isinstance(child.value, int) or isinstance(child.value, bool):
            child.fail(f"must be a whole number, not {kind_of(child.value)}")
            return default
        if not least <= child.value <= most:
            child.fail(f"is {child.value} and must be from {least} to {most}")
        return child.value

    def read(self, parse: Callable[[str], _Meaning], text: str, said: str = "cannot be used") -> _Meaning | None:
        """Return what a text of this place means; where it means nothing, that is reported.

        Args:
            parse: reads the text, and raises ValueError with the reason why it cannot.
            text: to read.
            said: of this place, before the reason.
        """
        try:
            return parse(text)
        except ValueError as error:
            self.fail(f"{said}: {error}")
            return None

    def flag(self, key: str) -> bool | None:
        """Return the boolean below ``key``; None where the key is missing."""
        child = self.child(key)
        if child is None:
            return None
        if not isinstance(child.value, bool):
            child.fail(f"must be true or false, not {kind_of(child.value)}")
        return child.value is True

    def layer(self, kind: LayerKind) -> ValuesLayer:
        """Return the values that are here, each with its line."""
        prefix = f"{self.pointer}/"
        cut = len(prefix) - 1
        lines = {pointer[cut:]: line for pointer, line in self.lines.items() if pointer.startswith(prefix)}
        return make_layer(self.body, kind, self.file, lines)

    def as_text(self, *, is_required: bool = False) -> str:
        """Return the string here; anything else is reported, and where it is required an empty one too."""
        if isinstance(self.value, str):
            if is_required and not self.value:
                self.fail("must not be empty")
            return self.value
        hint = f'; write it in quotes: "{_spelled(self.value)}"' if isinstance(self.value, int | float) else ""
        self.fail(f"must be a string, not {kind_of(self.value)}{hint}")
        return ""

    def nodes(self, key: str) -> list[Node]:
        """Return the places in the list below ``key``."""
        child = self.child(key)
        if child is None:
            return []
        if not is_list(child.value):
            child.fail(f"must be a list, not {kind_of(child.value)}")
            return []
        return [child._below(str(index), item) for index, item in enumerate(child.value)]  # noqa: SLF001 - own class

    def _parsed(self, key: str, *, is_range: bool, is_required: bool) -> str:
        child = self.child(key)
        if not is_range and child is not None and is_number(child.value):
            child.fail(
                f'must be a string, not a number; write three numbers, in quotes: "{_full_version(child.value)}"'
            )
            return ""
        text = self.text(key, is_required=is_required)
        if text:
            try:
                (parse_range if is_range else parse_version)(text)
            except VersionRangeError as error:
                self._below(key, text).fail(f"cannot be used: {error.context[0]}; {error.hint}")
        return text

    def _below(self, key: str, value: JSONValue) -> Node:
        return Node(value, f"{self.pointer}/{escape_token(key)}", self.lines, self.file, self.problems)


def check_unique(nodes: Sequence[Node], names: Sequence[str], what: str) -> None:
    """Report each node whose name an earlier one has.

    Args:
        nodes: in the order of the document.
        names: of the nodes, in their order; empty ones do not count.
        what: all of them are: ``a component``.
    """
    first: dict[str, Node] = {}
    for node, name in zip(nodes, names, strict=True):
        if name.strip("/") and first.setdefault(name, node) is not node:
            node.fail(f'is {what} named "{name}" like the one in line {first[name].source.line}')


def kind_of(value: JSONValue) -> str:
    """Return what a value is, in words."""
    if value is None:
        return "empty"
    kinds = {str: "a string", bool: "a boolean", int: "a whole number", float: "a number", YamlFloat: "a number"}
    return kinds.get(type(value)) or ("a mapping" if is_mapping(value) else "a list")


def _full_version(number: JSONValue) -> str:
    """Return the version that was meant by ``1`` or ``1.0``, which YAML reads as numbers."""
    parts = str(number).split(".")
    return ".".join([*parts, "0", "0"][:3])


def _spelled(value: JSONValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
