"""Paths into values: ``a.b``, ``a["x.y/z"]``, ``list[2]``, ``list[name=web]``. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.errors.bundle import ValuesPathError
from bundler.model.digits import parse_digits
from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, pointer_tokens, value_at_steps
from bundler.model.pattern import LazyPattern
from bundler.syntax.written_path import Match, PathSyntaxError, Step, format_path, read_step

if TYPE_CHECKING:
    from bundler.model.values import Pointer

PATH_HINT = 'write paths as a.b, a["x.y/z"], list[2] or list[name=web]'

_PLAIN_START = LazyPattern(r"[\w.\-\[\]]*")

ValuePath: TypeAlias = "tuple[Step, ...]"


def parse_path(text: str) -> ValuePath:
    """Read a path; it has at least one step.

    Raises:
        ValuesPathError: when ``text`` is not a path; the context shows where.
    """
    steps, end = read_path(text)
    if end < len(text):
        raise _bad_path(text, end)
    return steps


def read_path(text: str) -> tuple[ValuePath, int]:
    """Read the path at the start of ``text`` and tell where it ends: at ``=`` or at the end.

    Raises:
        ValuesPathError: when no path is there.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text) and text[at] != "=":
        try:
            step, at = read_step(text, at)
        except PathSyntaxError as error:
            raise _bad_path(text, error.at) from error
        steps.append(step)
    if not steps:
        raise _bad_path(text, at)
    return tuple(steps), at


def shown_start(text: str) -> str:
    """Return what may be shown of a word that should have been a path, and may hold a secret: its plain beginning."""
    found = _PLAIN_START.match(text)
    start = found.group() if found else ""
    return text if start == text else f"{start}…"


def leading_keys(path: Sequence[Step]) -> list[str]:
    """Return the steps of ``path`` before the first one into a list."""
    keys: list[str] = []
    for step in path:
        if not isinstance(step, str):
            break
        keys.append(step)
    return keys


def pointer_to(steps: Sequence[str | int]) -> Pointer:
    """Return the JSON pointer of keys and indexes."""
    return "".join(f"/{escape_token(str(step))}" for step in steps)


def pointer_as_path(pointer: Pointer, data: JSONValue = None) -> str:
    """Write a pointer as a path. ``data`` tells lists from mappings; without it, digits are keys."""
    return format_path(pointer_steps(pointer, data))


def pointer_steps(pointer: Pointer, data: JSONValue) -> tuple[str | int, ...]:
    """Return a pointer's keys, and where ``data`` has a list its indexes."""
    steps: list[str | int] = []
    here = data
    for token in pointer_tokens(pointer):
        if is_list(here) and (index := parse_digits(token)) is not None:
            steps.append(index)
            here = here[index] if index < len(here) else None
        else:
            steps.append(token)
            here = here.get(token) if is_mapping(here) else None
    return tuple(steps)


def parent_pointer(pointer: Pointer) -> Pointer:
    """Return the pointer one level up; the root is its own parent."""
    return pointer.rpartition("/")[0]


def starts_below(pointer: Pointer, ancestor: Pointer) -> bool:
    """Return whether ``pointer`` is ``ancestor`` or is below it."""
    return pointer == ancestor or pointer.startswith(f"{ancestor}/")


def get_value(data: JSONValue, path: Sequence[Step]) -> JSONValue:
    """Return what is at ``path``, or None where a step is missing.

    Raises:
        ValuesPathError: when a list is asked for an item it does not have.
    """
    return value_at_steps(data, resolve_path(data, path))


def resolve_path(
    data: JSONValue, path: Sequence[Step], find: Callable[[Sequence[JSONValue], Match], int | None] | None = None
) -> tuple[str | int, ...]:
    """Return ``path`` with each ``[name=web]`` replaced by the number of that item.

    Args:
        data: what the path is followed in.
        path: from its root.
        find: finds an item by its name, for who has an index; None where it does not know.

    Raises:
        ValuesPathError: when a list is asked for an item it does not have.
    """
    here = data
    steps: list[str | int] = []
    for depth, step in enumerate(path):
        if isinstance(step, str):
            here = here.get(step) if is_mapping(here) else None
            steps.append(step)
        else:
            items = _items(here, path, depth)
            known = find(items, step) if find is not None and isinstance(step, Match) else None
            index = _index_of(items, path, depth) if known is None else known
            here = items[index]
            steps.append(index)
    return tuple(steps)


def set_value(data: Body, path: Sequence[Step], value: JSONValue) -> dict[str, JSONValue]:
    """Return ``data`` with ``value`` at ``path``; missing mappings are made, ``data`` is not touched.

    Args:
        data: left as it is.
        path: steps from the root.
        value: to put there.

    Raises:
        ValuesPathError: when a list is asked for an item it does not have, or what is there is not a list.
    """
    changed = _with_value(data, path, 0, value)
    return dict(changed) if is_mapping(changed) else {}


def unset_value(data: Body, path: Sequence[str]) -> dict[str, JSONValue]:
    """Return ``data`` without the key at ``path``, and without mappings that this leaves empty.

    Raises:
        ValuesPathError: when nothing is there.
    """
    if path[0] not in data:
        raise ValuesPathError(
            f"removing {format_path(path)} from the recorded values",
            context=[f"recorded here: {', '.join(sorted(data)) or 'nothing'}"],
            hint="list the recorded values with `bundler get values RELEASE`",
        )
    rest = {key: value for key, value in data.items() if key != path[0]}
    if len(path) == 1:
        return rest
    below = data[path[0]]
    inner = unset_value(below if is_mapping(below) else {}, path[1:])
    return {**data, path[0]: inner} if inner else rest


def _bad_path(text: str, at: int) -> ValuesPathError:
    found = repr(text[at]) if at < len(text) else "the end"
    is_escaped_dot = text[at : at + 1] == "\\"
    hint = 'write a key with a dot as a["x.y"]' if is_escaped_dot else PATH_HINT
    shown = shown_start(text[:at])
    if shown == text[:at]:
        shown += text[at : at + 1]
    return ValuesPathError(f"reading the path {shown}", context=[f"{found} at column {at + 1}"], hint=hint)


def _with_value(here: JSONValue, path: Sequence[Step], depth: int, value: JSONValue) -> JSONValue:
    if depth == len(path):
        return value
    step = path[depth]
    if isinstance(step, str):
        mapping = here if is_mapping(here) else {}
        return {**mapping, step: _with_value(mapping.get(step), path, depth + 1, value)}
    items = _items(here, path, depth)
    index = _index_of(items, path, depth)
    return [*items[:index], _with_value(items[index], path, depth + 1, value), *items[index + 1 :]]


def _items(here: JSONValue, path: Sequence[Step], depth: int) -> Sequence[JSONValue]:
    if is_list(here):
        return here
    raise _bad_step(path, depth, "it is not set" if here is None else "it is not a list")


def _index_of(items: Sequence[JSONValue], path: Sequence[Step], depth: int) -> int:
    step = path[depth]
    if isinstance(step, Match):
        return _matching_index(items, step, path, depth)
    if isinstance(step, int) and step < len(items):
        return step
    raise _bad_step(path, depth, f"it has {_counted(len(items))}, the first is number 0")


def _matching_index(items: Sequence[JSONValue], step: Match, path: Sequence[Step], depth: int) -> int:
    names = [name_in(item, step.key) for item in items]
    found = [index for index, name in enumerate(names) if name == step.text]
    if len(found) == 1:
        return found[0]
    if found:
        raise _bad_step(path, depth, f"{_counted(len(found))} have {step.key}={step.text}")
    known = ", ".join(sorted({name for name in names if name is not None})) or "none"
    raise _bad_step(path, depth, f"no item has {step.key}={step.text} (there are: {known})")


def name_in(item: JSONValue, key: str) -> str | None:
    """Return the text by which ``[key=text]`` names an item; None where it has none."""
    return str(item.get(key)) if is_mapping(item) and key in item else None


def _counted(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"


def _bad_step(path: Sequence[Step], depth: int, found: str) -> ValuesPathError:
    return ValuesPathError(
        f"following the path {format_path(path)}",
        context=[f"{format_path(path[:depth]) or 'the values'}: {found}"],
        hint="name an item that is there, or give the whole list with --set-json",
        misses_item=True,
    )
