"""What MkDocs does beside its own work: named code blocks, and the schemas that the pages link to."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tool.site.flow import draw_flows  # noqa: E402 - MkDocs knows no package of ours

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_NAMED = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)
_BARS_IN_CODE = re.compile(r"`([^`\n]*\\\|[^`\n]*)`")
_SCHEMA_LINK = re.compile(r"\]\(\.\./((?:\.\./)*)schemas/")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the page of each bundle below the gallery."""
    pages = [
        f"gallery/{path.name}" for path in sorted((ROOT / "docs" / "gallery").glob("*.md")) if path.stem != "index"
    ]
    config.nav = [{"Gallery": ["gallery/index.md", *pages]} if "Gallery" in item else item for item in config.nav or ()]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the JSON schemas, which the pages link to where they are in the repository."""
    for schema in sorted((ROOT / "schemas").rglob("*.json")):
        path = schema.relative_to(ROOT).as_posix()
        files.append(File.generated(config, path, abs_src_path=str(schema)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Draw diagrams, show the file name of a code block, and link to the schemas of the site."""
    named = _NAMED.sub(r'```\1 title="\2"', draw_flows(markdown))
    return _SCHEMA_LINK.sub(r"](\1schemas/", "\n".join(_shown_bars(line) for line in named.split("\n")))


def _shown_bars(line: str) -> str:
    """Write the bars inside code of a table so that they are shown without the backslash that GitHub needs."""
    return _BARS_IN_CODE.sub(_as_html, line) if line.startswith("|") else line


def _as_html(found: re.Match[str]) -> str:
    shown = found[1].replace("\\|", "|")
    return "<code>" + "".join(one if one.isalnum() or one == " " else f"&#{ord(one)};" for one in shown) + "</code>"
