"""Tests of a bundle: ``tests/render/*.yaml`` in its folder. Layer: loader; reads local files only."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.errors.bundle import BundleInvalidError
from bundler.loader.decode import Node, kind_of
from bundler.loader.definition import check_head
from bundler.loader.problems import Problems
from bundler.loader.user_files import parse_document, read_text
from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.render_test import Check, Combination, Expectation, RenderCase
from bundler.model.values import LayerKind

if TYPE_CHECKING:
    from pathlib import Path


FOLDER: Final = "tests/render"
KIND: Final = "RenderTest"
MAX_COMBINATIONS: Final = 256
"""Of one case."""
_CASE_KEYS: Final = (
    "name", "values", "site", "kubernetes", "release", "namespace", "matrix", "expect", "error", "golden",
)  # fmt: skip
_OF_VALUES: Final = (Check.MATCHES, Check.CONTAINS)
_CHECKS: Final = tuple(check.value for check in Check)


def load_render_tests(folder: Path) -> tuple[RenderCase, ...]:
    """Load all tests of the bundle in ``folder``, sorted by file.

    Raises:
        BundleInvalidError: with every problem of every file.
        ValuesFileError: when a file cannot be read, or is not YAML.
    """
    problems = Problems()
    cases = [case for path in sorted((folder / FOLDER).glob("*.yaml")) for case in _cases(path, folder, problems)]
    if problems:
        hint = f"correct what is named above; `bundler test-render {shlex.quote(str(folder))}` runs the tests again"
        raise BundleInvalidError(f"reading the tests in {folder / FOLDER}", context=problems.lines(), hint=hint)
    return tuple(cases)


def _cases(path: Path, folder: Path, problems: Problems) -> Iterator[RenderCase]:
    root = Node.root(parse_document(read_text(path), str(path)), str(path.relative_to(folder)), problems)
    if not check_head(root, kind=KIND):
        return
    root.allow("apiVersion", "kind", "cases")
    names: set[str] = set()
    for node in root.items("cases", *_CASE_KEYS):
        case = _case(node, path.parent, folder)
        if case.name in names:
            node.fail(f'has the name "{case.name}", which another case of this file has')
        names.add(case.name)
        yield case


def _case(node: Node, here: Path, folder: Path) -> RenderCase:
    golden, error = node.text("golden"), node.text("error")
    expectations = tuple(_expectations(node))
    if not (golden or error or expectations):
        node.fail("checks nothing: give it expect, golden or error")
    return RenderCase(
        name=node.text("name", is_required=True),
        source=node.source,
        values=node.mapping("values").layer(LayerKind.FILE),
        combinations=_combinations(node),
        expectations=expectations,
        site=_inside(node, "site", here, folder),
        release=node.text("release"),
        namespace=node.text("namespace"),
        error=error,
        golden=_inside(node, "golden", here, folder),
    )


def _inside(node: Node, key: str, here: Path, folder: Path) -> Path | None:
    """Return the file that is named relative to the test; one outside of the bundle is refused."""
    text = node.text(key)
    if not text:
        return None
    path = (here / text).resolve()
    if not path.is_relative_to(folder.resolve()):
        (node.child(key) or node).fail(f'is "{text}", which is outside of the bundle')
    return path


def _combinations(node: Node) -> Sequence[Combination]:
    matrix = node.mapping("matrix", "kubernetes", "values")
    versions = _choices(matrix, "kubernetes") if matrix.child("kubernetes") else [node.text("kubernetes")]
    paths = matrix.mapping("values")
    choices = [[(path, value) for value in _choices(paths, path)] for path, _ in paths.members()]
    count = len(versions)
    for one in choices:
        count *= len(one)
    if count > MAX_COMBINATIONS:
        matrix.fail(f"has {count} combinations and may have {MAX_COMBINATIONS}")
        return ()
    is_named = matrix.child("kubernetes") is not None
    return [
        _combination(str(version), values, names_version=is_named)
        for version in versions
        for values in itertools.product(*choices)
    ]


def _combination(version: str, values: Sequence[tuple[str, JSONValue]], *, names_version: bool) -> Combination:
    parts = [f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in values]
    if names_version:
        parts.append(f"kubernetes={version}")
    return Combination(name=" ".join(parts), kube_version=version, values=tuple(values))


def _choices(node: Node, key: str) -> Sequence[JSONValue]:
    value = node.body.get(key)
    if is_list(value) and value:
        return value
    node.fail(f"needs a list of at least one choice for {key}, not {kind_of(value)}")
    return []


def _expectations(node: Node) -> Iterator[Expectation]:
    for one in node.items("expect", "object", "path", *_CHECKS):
        target = one.text("object", is_required=True)
        checks = [check for check in Check if check in one.body]
        if len(checks) > 1 or not (checks or not one.body.get("path")):
            one.fail(f"needs one of: {', '.join(_CHECKS)}")
            continue
        check = checks[0] if checks else Check.EXISTS
        if check in _OF_VALUES and not one.body.get("path"):
            one.fail(f"counts objects, for it has no path; {check} needs a value")
        wanted = one.body.get(check, True)
        _check_wanted(one, check, wanted)
        yield Expectation(target=target, path=one.text("path"), check=check, wanted=wanted, source=one.source)


def _check_wanted(node: Node, check: Check, wanted: JSONValue) -> None:
    match check:
        case Check.EXISTS if not isinstance(wanted, bool):
            node.fail("needs true or false for exists")
        case Check.AT_LEAST | Check.AT_MOST if isinstance(wanted, bool) or not isinstance(wanted, int | float | str):
            node.fail(f"needs a number or a quantity for {check}")
        case Check.MATCHES:
            _check_pattern(node, wanted)
        case _ if is_mapping(wanted) and check is Check.CONTAINS and not wanted:
            node.fail("needs something to contain")
        case _:
            pass


def _check_pattern(node: Node, wanted: JSONValue) -> None:
    if not isinstance(wanted, str):
        node.fail(f"needs a regular expression for matches, not {kind_of(wanted)}")
        return
    try:
        re.compile(wanted)
    except re.error as error:
        node.fail(f"has a regular expression that cannot be read: {error}")
