"""The map of docs/architecture.md leads from what README says to files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bundler.cli.root import VERBS

ROOT = Path(__file__).parents[2]


def section(page: str, heading: str) -> str:
    text = (ROOT / page).read_text("utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


MAP = section("docs/architecture.md", "From what README says to the file that does it")


def test_every_file_of_the_map_exists() -> None:
    """A name without a folder is beside the one before it."""
    missing = []
    for row in MAP.splitlines():
        *_, files, _ = row.split("|") if row.startswith("|") else ("", "", "")
        folder = Path()
        for name in re.findall(r"`([\w/.]+)`", files):
            path = ROOT / "bundler" / name if "/" in name else folder / name
            folder = path.parent
            missing += [] if path.exists() else [name]
    assert missing == []


@pytest.mark.parametrize("text", [MAP, section("README.md", "What it does")], ids=["map", "README"])
def test_every_verb_is_named(text: str) -> None:
    spans = " ".join(re.findall(r"`([^`]+)`", text))
    assert [verb for verb in VERBS if not re.search(rf"(?<![\w-]){verb}(?![\w-])", spans)] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """The build of the site says so too; this needs no build."""
    named = re.findall(
        r"^ +- .*?([\w/.-]+\.md)(?: #.*)?$", (ROOT / "tool/site/mkdocs.yml").read_text("utf-8"), re.MULTILINE
    )
    docs = ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    of_bundles = {page for page in pages if page.startswith("gallery/")} - {"gallery/index.md"}
    assert sorted(named) == sorted(pages - of_bundles)


def test_prose_has_lines_of_readable_width() -> None:
    """Tables, code, and what has no space to be broken at are as wide as they are."""
    wide = []
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        prose = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", prose)
        wide += [f"{page.name}: {line[:60]}" for line in prose.splitlines() if len(line) > 160 and "|" not in line[:1]]
    assert wide == []
