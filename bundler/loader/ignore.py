"""What .bundleignore leaves out. Layer: loader, pure.

One pattern a line, in the way of .gitignore, of which this is a small and exact part:

- ``#`` starts a comment line; ``!`` takes back what an earlier line left out; the last line that matches decides.
- A pattern with ``/`` at its start or in its middle counts from the bundle's folder; any other matches in every folder.
- A ``/`` at the end matches folders only. What is in a folder that is left out cannot be taken back.
- ``*`` and ``?`` match anything but ``/``, ``[ab]`` and ``[!ab]`` one of a set, ``**/`` any number of folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern

ALWAYS_IGNORED_FOLDERS = frozenset({".git", ".hg", ".svn", "__pycache__"})
ALWAYS_IGNORED_ENDS = (".DS_Store", "~", ".swp")
ALWAYS_IGNORED_ENDS_AT_TOP = (".tgz", ".bundle")
"""Packages of the bundle itself; inside a package they would change its digest each time."""
NEVER_IGNORED = "bundle.yaml"

_TOKEN = LazyPattern(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|\\?.")

_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class _Rule:
    expression: str
    is_negated: bool
    is_folder_only: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """Rules in a row that say the same, as one pattern."""

    pattern: re.Pattern[str]
    is_negated: bool


class IgnoreRules:
    """The rules of one folder, below those that always hold."""

    def __init__(self, text: str = "", *, is_of_bundle: bool = True) -> None:
        """Read the rules.

        Args:
            text: of the file that holds them.
            is_of_bundle: packages of the bundle at its top are left out, bundle.yaml never is.
        """
        self._is_of_bundle = is_of_bundle
        lines = [line.rstrip() for line in text.splitlines()]
        rules = [_rule(line) for line in lines if line.strip("/!") and not line.startswith("#")]
        self._of_folders = _blocks(rules)
        self._of_files = _blocks(rule for rule in rules if not rule.is_folder_only)

    def is_ignored(self, path: str, *, is_folder: bool) -> bool:
        """Return whether a file or folder, by its path inside the folder, is left out."""
        if self._is_of_bundle and path == NEVER_IGNORED:
            return False
        if _is_always_ignored(path, is_folder=is_folder) or (
            self._is_of_bundle and not is_folder and _is_package(path)
        ):
            return True
        for block in self._of_folders if is_folder else self._of_files:
            if block.pattern.fullmatch(path):
                return not block.is_negated
        return False


def _blocks(rules: Iterable[_Rule]) -> list[_Block]:
    """Return one alternation for all rules in a row that leave out, or take back; the last ones first."""
    runs = [(negated, list(run)) for negated, run in groupby(rules, key=lambda rule: rule.is_negated)]
    return [
        _Block(re.compile("|".join(dict.fromkeys(rule.expression for rule in run)), re.DOTALL), negated)
        for negated, run in reversed(runs)
    ]


def _is_always_ignored(path: str, *, is_folder: bool) -> bool:
    if is_folder:
        return path.rpartition("/")[2] in ALWAYS_IGNORED_FOLDERS
    return path.endswith(ALWAYS_IGNORED_ENDS)


def _is_package(path: str) -> bool:
    return "/" not in path and path.endswith(ALWAYS_IGNORED_ENDS_AT_TOP)


def _rule(line: str) -> _Rule:
    is_negated = line.startswith("!")
    pattern = line.removeprefix("!")
    is_folder_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    expression = anywhere + "".join(_translated(token) for token in _TOKEN.findall(pattern.lstrip("/")))
    if "[" in pattern and not _is_readable(expression):  # a set like [z-a]: it names nothing but itself
        expression = re.escape(pattern)
    return _Rule(expression, is_negated, is_folder_only)


def _is_readable(expression: str) -> bool:
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


def _translated(token: str) -> str:
    if token in _WILDCARDS:
        return _WILDCARDS[token]
    if token.startswith("[") and len(token) > 1:
        inner = token[1:-1].replace("\\", r"\\").replace("^", r"\^").replace("[", r"\[")
        return f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return re.escape(token[-1])
