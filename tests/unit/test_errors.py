"""Errors carry fields, and are not changed once they are made."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler import errors
from bundler.errors import Again, BundlerError, Detail, Found
from bundler.errors.change import LockLostError, RecordDamagedError
from bundler.errors.cluster import ConflictError
from tool.site.reference import error_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(errors.__file__).parents[1]
KINDS = sorted(error_kinds().values(), key=lambda kind: kind.code)
LINE = Found("a.yaml:3: no", message="no", subject="Service/web", field="spec.ports", file="a.yaml", line=3)


def made(kind: type[BundlerError]) -> BundlerError:
    return kind("doing", context=[LINE, Detail("  3 | ports")], hint="fix it")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_no_error_is_changed_once_it_is_made(kind):
    error = made(kind)
    for name in ("context", "hint", "is_unclear", "code", "anything", *vars(error)):
        with pytest.raises(AttributeError, match="not changed once it is made"):
            setattr(error, name, ())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_an_error_crosses_to_another_process_with_all_its_fields(kind):
    error = made(kind).unclear()
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), vars(there)) == (kind, "doing", vars(error))
    assert there.problems == (LINE,)
    assert there.problems[0].about == LINE.about
    assert isinstance(there.context[1], Detail)


def test_who_knows_more_makes_a_copy():
    error = ConflictError("doing", context=["a"], hint="fix it", conflicts=[(".spec.replicas", "hpa")])
    more = error.with_context("b", "c", hint="look")
    assert (more.context, more.hint, more.conflicts) == (("a", "b", "c"), "look", error.conflicts)
    assert (error.context, error.hint) == (("a",), "fix it")
    assert error.with_context("b").hint == "fix it"
    assert made(RecordDamagedError).of_revision(3).revision == 3
    assert not made(LockLostError).is_unclear


def test_a_line_of_an_error_is_a_text_with_fields_that_do_not_change():
    assert LINE == "a.yaml:3: no"
    assert (LINE.message, LINE.subject, LINE.field, LINE.file, LINE.line, LINE.column, LINE.hint) == (
        *("no", "Service/web", "spec.ports", "a.yaml", 3),
        *(0, ""),
    )
    with pytest.raises(AttributeError):
        LINE.line = 4


def test_a_line_is_masked_in_all_its_texts():
    masked = LINE.spelled(lambda text: text.replace("no", "***"))
    assert (masked, masked.message, masked.line) == ("a.yaml:3: ***", "***", 3)


TEXT = {"hint", "why", "context", "message", "text", "reason"}
READERS = {
    "startswith",
    "endswith",
    "partition",
    "rpartition",
    "split",
    "removeprefix",
    "removesuffix",
    "replace",
    "find",
}
PATTERNS = {"sub", "search", "match", "fullmatch", "findall", "finditer"}
TOLD = {"error", "event", "failure", "lost", "second", "refusal"}


MAY_READ = re.compile(rf"\b({'|'.join(TOLD)})\.({'|'.join(TEXT)})\b|\bstr\(({'|'.join(TOLD)})\)")


def texts_read(tree: ast.AST) -> Iterator[str]:
    """Yield expressions that look for something in the text of an error or an event."""

    def is_told(node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return is_told(node.value)
        if isinstance(node, ast.Call):  # str(error)
            named = isinstance(node.func, ast.Name) and node.func.id == "str" and bool(node.args)
            return named and isinstance(node.args[0], ast.Name) and node.args[0].id in TOLD
        owner = node.value if isinstance(node, ast.Attribute) else None
        return isinstance(owner, ast.Name) and owner.id in TOLD and node.attr in TEXT

    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in READERS and is_told(owner):
                yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(attr=name), args=asked) if name in PATTERNS and any(map(is_told, asked)):
                yield ast.unparse(node)
            case ast.Compare(left=left, comparators=others) if any(map(is_told, [left, *others])):
                yield ast.unparse(node)


def test_what_finds_readers_of_texts_finds_them():
    code = """
if "429" in event.why: pass
if error.hint == ITEM_HINT: pass
if error.context[0].startswith("  pod "): pass
first = str(error).partition(": ")
hint = _AGAIN.sub("do it", error.hint)
lines = [line for line in error.context]
"""
    assert len(list(texts_read(ast.parse(code)))) == 5


def test_no_code_reads_the_text_of_an_error():
    """Of our own errors and events: what an API server or a library says in words is read where it comes in."""
    adapters = {"cluster", "oci", "http", "sandbox", "syntax"}
    found = {
        f"{path.relative_to(PACKAGE)}: {one}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in adapters
        if MAY_READ.search(text := path.read_text("utf-8"))
        for one in texts_read(ast.parse(text))
    }
    assert found == set()


def test_a_hint_to_repeat_the_command_takes_another_way_to_continue_and_crosses_to_another_process():
    hint = Again("fix it, then ", after=", or go back")
    assert hint == "fix it, then run the same command again, or go back"
    assert pickle.loads(pickle.dumps(hint)).instead("make a new plan") == "fix it, then make a new plan, or go back"
    assert isinstance(BundlerError("doing it", context=[], hint=hint).with_context("more").hint, Again)
