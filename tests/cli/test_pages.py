"""Pages of plans, differences and releases: complete in themselves, and usable without a mouse and without colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.browser import WHY_NOT, Browser, find_browser
from tests.lib.menus import small_bundle

NS = ("-n", "prod")
PICTURES = Path(__file__).parents[2] / "build" / "pages"
EVIL = "\"'><script>document.title='owned'</script><img src=https://evil.example/x>"


TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "p",
        "strong",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
    ),
    *("li", "details", "summary", "pre", "span", "ins", "del", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "open", "tabindex", "role", "scope"),
    *("aria-hidden", "aria-label"),
}


class Found(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.style = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        if self.lasttag == "style":
            self.style += data


@pytest.fixture
def pages(cli):
    """Return the pages of a plan, a difference and a release, by their names."""
    menu = small_bundle(cli.home)
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.fail("Deployment", "shop-web", "ImagePullBackOff", "prod")
    changes = ("--set", "image=docker.io/library/web:2", "--set-json", f'text="{EVIL[1:]}"', "--set", "extra=true")
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, *changes, "-m", EVIL, "--out", path, *NS).ok()
    made = {
        "plan": cli("show", path, "-o", "html").ok().out,
        "diff": cli("diff", "shop", menu, *changes, "-o", "html", *NS).ok().out,
    }
    assert cli("apply", path).code == 1
    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("", "Service", "prod", "shop-web"), {"spec": {"sessionAffinity": "ClientIP"}})
        sandbox.delete(ObjectRef("", "Secret", "prod", "shop-token"))
    made["status"] = cli("status", "shop", "-o", "html", *NS).ok().out
    return made


@pytest.mark.medium
def test_a_page_asks_for_nothing_and_runs_nothing(pages):
    for name, text in pages.items():
        assert "default-src 'none'" in text, name
        found = Found()
        found.feed(text)
        assert found.tags <= TAGS, name
        assert found.attributes <= ATTRIBUTES, name
        assert not re.search(r"url\(|@import", found.style), name
        assert text.startswith('<!doctype html>\n<html lang="en">'), name
        assert text.count("<details") == text.count("<summary>") == text.count("</details>"), name
    assert "<ins>+" in pages["diff"]
    assert "<del>-" in pages["plan"]
    assert "ImagePullBackOff" in pages["status"]
    for title in (
        "Drifted",
        "- Secret/shop-token is missing",
        "History",
        "Why revision 2 failed",
        "… InProgress",
        "✓ Current",
    ):
        assert title in pages["status"]


@pytest.mark.slow
def test_a_browser_shows_the_pages_and_folds_objects_by_the_keyboard(pages, tmp_path):
    program = find_browser()
    if program is None:
        pytest.skip(WHY_NOT)
    for name, text in pages.items():
        file = tmp_path / f"{name}.html"
        file.write_text(text, "utf-8")
        with Browser(program, tmp_path / f"profile-{name}") as browser:
            browser.open(file)
            browser.picture(PICTURES / f"{name}.png")
            assert browser.requests == [file.as_uri()]
            assert browser.complaints == []
            assert browser.evaluate("document.title") != "owned"
            assert browser.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "1152px"
            if "<details" in text:
                browser.press("Tab", code=9)
                assert browser.evaluate("document.activeElement.tagName") == "SUMMARY"
                before = browser.evaluate("document.querySelector('details').open")
                browser.press("Enter", code=13)
                assert browser.evaluate("document.querySelector('details').open") is not before
