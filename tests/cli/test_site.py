"""The documentation site: it builds without a warning, and shows itself without a network."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.lib.access import deployer_rules

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?P<src>[^"' >]+)|<link\b[^>]*\bhref=["']?(?P<href>[^"' >]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    argv = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "-f",
        "tool/site/mkdocs.yml",
        "-d",
        str(folder),
    ]
    built = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_navigation_and_every_link_leads_somewhere(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    assert {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")} - {Path("404")} == pages


@pytest.mark.slow
def test_no_page_loads_anything_from_another_host(site):
    for page in site.rglob("*.html"):
        loaded = [found["src"] or found["href"] for found in _LOADED.finditer(page.read_text("utf-8"))]
        assert loaded, page
        assert [url for url in loaded if re.match(r"(https?:)?//", url)] == [], page


@pytest.mark.slow
def test_the_search_works_from_a_folder_without_a_server(site):
    """A page opened as a file may read no other file, so its index has to be a script."""
    assert (site / "search/search_index.js").is_file()
    assert "assets/iframe-worker.js" in (site / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_a_bar_inside_code_of_a_table_is_shown_without_a_backslash(site):
    page = html.unescape((site / "reference/functions.html").read_text("utf-8"))
    assert "<code>-3 | abs</code>" in page
    assert "\\|" not in page


@pytest.mark.slow
def test_nothing_that_a_style_sheet_loads_is_on_another_host(site):
    sheets = [path.read_text("utf-8") for path in site.rglob("*.css")]
    assert sheets
    assert [
        url for text in sheets for url in re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^)\"';]+)", text)
    ] == []


@pytest.mark.slow
def test_diagrams_are_drawn_when_the_site_is_built(site):
    page = (site / "concepts.html").read_text("utf-8")
    drawn = (ROOT / "docs/concepts.md").read_text("utf-8").count("```flow")
    assert page.count('<svg class="flow"') == drawn > 0


def test_the_role_of_the_manual_is_the_one_that_is_tried_on_a_real_server():
    text = (ROOT / "docs/how-to-rbac.md").read_text("utf-8")
    role = next(yaml.safe_load_all(text.split("```yaml\n")[1].split("```")[0]))
    assert role["rules"] == deployer_rules()
