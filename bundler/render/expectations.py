"""Compare rendered objects with what a test expects. Layer: render, pure."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from bundler.fields.field_path import value_at_path
from bundler.fields.quantity import Quantity
from bundler.model.json import Body, JSONValue, is_list, is_mapping, text_at
from bundler.model.refs import group_of
from bundler.model.render_test import Check, Expectation
from bundler.model.size import listed

_MAX_SHOWN_CHARS = 200
_MAX_NAMED = 10


def unmet(expectation: Expectation, bodies: Sequence[Body]) -> Iterator[str]:
    """Yield what is not as expected, one line for each object.

    Args:
        expectation: one assertion.
        bodies: all objects that were rendered.
    """
    meant = [body for body in bodies if _is_meant(expectation.target, body)]
    if not expectation.path:
        yield from _wrong_count(expectation, len(meant), bodies)
    elif not meant:
        yield f"{expectation.target} is not rendered{_others(expectation.target, bodies)}"
    for body in meant if expectation.path else ():
        found = value_at_path(body, expectation.path)
        if not _holds(expectation.check, found, expectation.wanted):
            yield f"{_name(body)} {expectation.path} is {_shown(found)}, expected {_asked(expectation)}"


def _wrong_count(expectation: Expectation, count: int, bodies: Sequence[Body]) -> Iterator[str]:
    if expectation.check is Check.EXISTS:
        if expectation.wanted and not count:
            yield f"{expectation.target} is not rendered{_others(expectation.target, bodies)}"
        elif count and not expectation.wanted:
            yield f"{expectation.target} is rendered, expected none"
    elif not _holds(expectation.check, count, expectation.wanted):
        yield f"{expectation.target} is rendered {count} times, expected {_asked(expectation)}"


def _is_meant(target: str, body: Body) -> bool:
    """Return whether ``Kind``, ``Kind/name`` or ``Kind/namespace/name`` means an object; so may ``Kind.group``.

    ``*`` in a name stands for any text, as in the names of patches.
    """
    asked, *names = target.split("/")
    kind, _, group = asked.partition(".")
    if text_at(body, "kind") != kind or (group and group_of(text_at(body, "apiVersion")) != group):
        return False
    own = (text_at(body, "metadata", "namespace"), text_at(body, "metadata", "name"))
    found = own[len(own) - len(names) :]
    return len(found) == len(names) and all(map(fnmatch.fnmatchcase, found, names))


def _others(target: str, bodies: Sequence[Body]) -> str:
    """Name what there is of the kind, or which kinds there are."""
    kind = target.partition("/")[0].partition(".")[0]
    same = sorted({_name(body) for body in bodies if text_at(body, "kind") == kind})
    names = same or sorted({text_at(body, "kind") for body in bodies})
    return f"; there is {listed(names, _MAX_NAMED)}" if names else "; nothing is"


def _name(body: Body) -> str:
    return f"{text_at(body, 'kind')}/{text_at(body, 'metadata', 'name')}"


def _holds(check: Check, found: JSONValue, wanted: JSONValue) -> bool:
    match check:
        case Check.EXISTS:
            return (found is not None) is wanted
        case Check.EQUALS:
            return _is_same(found, wanted)
        case Check.MATCHES:
            return found is not None and re.search(str(wanted), _text(found)) is not None
        case Check.CONTAINS:
            return _contains(found, wanted)
        case Check.AT_LEAST | Check.AT_MOST:
            return _is_within(check, found, wanted)
        case _:
            assert_never(check)


def _is_same(found: JSONValue, wanted: JSONValue) -> bool:
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _contains(found: JSONValue, wanted: JSONValue) -> bool:
    """Return whether a text has a part, a list an item, or a mapping at least these entries."""
    if is_list(found):
        return any(_is_same(item, wanted) or (is_mapping(wanted) and _contains(item, wanted)) for item in found)
    if is_mapping(found) and is_mapping(wanted):
        return all(
            key in found and (_is_same(found[key], value) or (is_mapping(value) and _contains(found[key], value)))
            for key, value in wanted.items()
        )
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _is_within(check: Check, found: JSONValue, wanted: JSONValue) -> bool:
    try:
        there, bound = Quantity.parse(_text(found)), Quantity.parse(_text(wanted))
    except ValueError:
        return False
    return not (there < bound if check is Check.AT_LEAST else bound < there)


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _asked(expectation: Expectation) -> str:
    wanted = _shown(expectation.wanted)
    match expectation.check:
        case Check.EQUALS:
            return wanted
        case Check.EXISTS:
            return "a value" if expectation.wanted else "none"
        case Check.MATCHES:
            return f"a match of {wanted}"
        case Check.CONTAINS:
            return f"{wanted} in it"
        case Check.AT_LEAST:
            return f"at least {wanted}"
        case Check.AT_MOST:
            return f"at most {wanted}"
        case _:
            assert_never(expectation.check)


def _shown(value: JSONValue) -> str:
    if value is None:
        return "not set"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]} …"
