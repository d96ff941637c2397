"""Texts use the words of docs/style.md: sources, goldens and pages alike."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler.errors import BundlerError, Found
from bundler.model.finding import Finding, Level
from bundler.wire.bundles import finding_forms
from bundler.wire.errors import error_form

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"
# Between the parts of a text that goes over several lines: quotes, prefixes of comments.
_JOINT = re.compile(r"""["']?\s*\n\s*(?:f?["']|\#\s+|>\s+)?""")
_IS_NO = re.compile(
    r"(?<![Tt]here )\b(?:is|are|was|were)\s+no "
    r"(?!(?:longer|such|way|one|need|more|use|reason|time|better|worse|end|other|less|fewer|trace|older|newer)\b)[a-z]+"
)
_HINT = re.compile(r"^\s*hint(?: \(for \d+ findings\))?: (.*)$", re.MULTILINE)
_PAGE = re.compile(r"(?<![\w/])docs/([a-z/-]+\.md)\b")

CALLED_BY_LIBRARIES = frozenset({
    "convert", "shell_complete", "getattr", "getitem", "call", "call_binop", "find_method", "slice_of", "compile",
})  # fmt: skip
"""By click and by Jinja."""
VERBS = """
add allow ask avoid break bring build change check choose compute convert copy correct create delete declare describe derive did do encode
export fetch find finish fix free get give grant have import include install keep leave let list log loop lower make move name open pass
print publish pull push put quote raise read reduce remove rename repair repeat replace report request restore run save say select set
shorten sign split start sweep take try undo unset update upgrade use wait write
"""
"""What hints begin with, and `did` as in "did you mean"."""


def listed() -> list[str]:
    rows = [line for line in STYLE.read_text("utf-8").splitlines() if line.startswith("| `")]
    return [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def sources() -> list[Path]:
    return [*ROOT.glob("bundler/**/*.py"), *ROOT.glob("tool/**/*.py")]


def pages() -> list[Path]:
    return [*(one for one in ROOT.glob("docs/**/*.md") if one != STYLE), *ROOT.glob("*.md")]


def goldens() -> list[Path]:
    return [one for kind in ("cli", "errors", "render") for one in (ROOT / "tests" / "golden" / kind).rglob("*.txt")]


def found_in(text: str, phrases: list[str]) -> list[str]:
    flat = " ".join(_JOINT.sub(" ", text).split())
    lower = flat.lower()
    near = [phrase for phrase in phrases if phrase in lower]
    ends = [r"\b" if phrase[-1].isalpha() else "" for phrase in near]
    return [
        p for p, end in zip(near, ends, strict=True) if re.search(rf"(?<![\w-])(?<!there ){re.escape(p)}{end}", lower)
    ]


def test_the_list_finds_a_word_whatever_line_it_ends_on() -> None:
    assert found_in('hint = "look at it"\n    f" anew"', ["at it anew"]) == ["at it anew"]
    assert found_in("    # it is\n    # told twice", ["is told"]) == ["is told"]
    assert found_in("mended_by, renewed, canew", ["mended", "anew"]) == []


@pytest.mark.parametrize("files", [sources, pages, goldens], ids=["sources", "pages", "goldens"])
def test_no_text_uses_a_word_that_the_style_replaces(files) -> None:
    phrases = listed()
    assert len(phrases) > 50
    read = {path: found_in(path.read_text("utf-8"), phrases) for path in files()}
    assert {str(path.relative_to(ROOT)): found for path, found in read.items() if found} == {}


def test_what_is_not_a_thing_is_not_no_thing() -> None:
    """`is not a layer`, where a translation would say `is no layer`."""
    found = {
        str(path.relative_to(ROOT)): said
        for path in (*sources(), *pages(), *goldens())
        if path.name != "CHANGELOG.md"
        for said in [[" ".join(one.group().split()) for one in _IS_NO.finditer(path.read_text("utf-8"))]]
        if said
    }
    assert found == {}


def test_every_hint_is_a_sentence_that_begins_with_a_verb() -> None:
    """One without a period, so that what it ends with can be copied: a command, a path."""
    hints = {hint for path in goldens() for hint in _HINT.findall(path.read_text("utf-8"))}
    assert len(hints) > 50
    assert [hint for hint in hints if re.split(r"[ ,:;]", hint)[0].lower() not in VERBS.split()] == []
    assert [hint for hint in hints if hint[0].islower() or hint[-1] in ".:;,"] == []


def test_every_hint_of_the_sources_begins_with_a_verb() -> None:
    """As far as its beginning is written out; what begins with a comma or semicolon follows another hint."""
    every = {(path.name, text) for path in sources() for text in hints_in(path) if text[:1] not in ",; "}
    assert len(every) > 400
    assert [one for one in sorted(every) if re.split(r"[ ,:;]", one[1])[0].lower() not in VERBS.split()] == []


def hints_in(path: Path) -> Iterator[str]:
    """Yield how the hints of a module begin."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.keyword(arg="hint", value=value):
                yield from beginnings(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.lower().strip("_").startswith("hint"):
                yield from beginnings(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if "HINT" in name:
                yield from beginnings(value)


def beginnings(value: ast.expr | None) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text
        case ast.IfExp(body=yes, orelse=no):
            yield from (*beginnings(yes), *beginnings(no))


def test_hints_are_sentences_in_json_too() -> None:
    found = Found("a", hint="raise a")
    form = error_form(BundlerError("doing it", context=[found], hint="fix it"))
    assert (form["hint"], form["problems"][0]["hint"]) == ("Fix it", "Raise a")
    assert finding_forms([Finding("a", 1, 0, Level.ERROR, "rule", "what", (), "do it")])[0]["hint"] == "Do it"


def test_every_page_that_a_source_names_is_in_the_repository() -> None:
    named = {(path.name, page) for path in sources() for page in _PAGE.findall(path.read_text("utf-8"))}
    assert named
    assert [(source, page) for source, page in named if not (ROOT / "docs" / page).is_file()] == []


@pytest.mark.medium
def test_public_functions_of_three_parameters_describe_them() -> None:
    """Methods that implement a port, or that a library calls, are described where they are declared."""
    ports = {name for _, name, _, _ in functions(ROOT / "bundler" / "ports.py")}
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "bundler").rglob("*.py")
        if "cli/commands" not in str(path)
        for owner, name, count, text in functions(path)
        if count >= 3 and not any(words in text for words in ("Args:", "see bundler."))
        if not (owner and path.name != "ports.py" and (name in ports or name in CALLED_BY_LIBRARIES))
    ]
    assert found == []


def functions(path: Path) -> Iterator[tuple[str, str, int, str]]:
    """Yield class, name, number of parameters and docstring of what is public."""
    tree = ast.parse(path.read_text("utf-8"))
    classes = [one for one in tree.body if isinstance(one, ast.ClassDef) and not one.name.startswith("_")]
    for owner, body in [("", tree.body), *((one.name, one.body) for one in classes)]:
        for node in body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                asked = node.args
                names = [one.arg for one in (*asked.posonlyargs, *asked.args, *asked.kwonlyargs)]
                count = len(set(names) - {"self", "cls"}) + bool(asked.vararg) + bool(asked.kwarg)
                yield owner, node.name, count, ast.get_docstring(node) or ""
