"""Heads of files say what they need; an import inside a function is rare, and says why it is there."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest

import bundler
from bundler import signing
from bundler.late import late_modules

SOURCES = sorted(Path(bundler.__file__).parent.rglob("*.py"))
MOST = 40


def inner_imports() -> list[tuple[Path, list[str]]]:
    """Return each import within a function, with its lines; ruff sees to it that it carries its rule."""
    found = []
    for path in SOURCES:
        text = path.read_text()
        if "PLC0415" not in text:
            continue
        lines = text.splitlines()
        functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)]
        places = {
            (one.lineno, one.end_lineno or one.lineno)
            for function in functions
            for one in ast.walk(function)
            if isinstance(one, ast.Import | ast.ImportFrom)
        }
        found += [(path, lines[first - 1 : last]) for first, last in sorted(places)]
    return found


def test_imports_inside_of_functions_are_few_and_say_why() -> None:
    found = inner_imports()
    assert len(found) <= MOST
    assert [(path, lines) for path, lines in found if " - " not in lines[0].partition("# noqa")[2]] == []


def test_a_package_loads_its_modules_when_they_are_named_and_knows_no_others() -> None:
    assert isinstance(signing.keys, ModuleType)
    with pytest.raises(AttributeError, match=r"module 'bundler\.signing' has no attribute 'locks'"):
        late_modules("bundler.signing")("locks")


def test_what_a_late_module_lacks_is_not_taken_for_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_example").mkdir()
    (tmp_path / "late_example" / "__init__.py").write_text("")
    (tmp_path / "late_example" / "part.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        late_modules("late_example")("part")
