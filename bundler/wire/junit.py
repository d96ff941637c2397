"""Test results as JUnit XML, the form that GitLab, Jenkins and GitHub's reporters read. Layer: wire, pure.

Source: github.com/testmoapp/junitxml, the elements that these readers agree on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from bundler.model.render_test import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.model.render_test import RenderTestResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Source: XML 1.0, production 2 (Char)."""


def junit_xml(suite: str, results: Sequence[RenderTestResult]) -> str:
    """Return one suite with a case for each result; a failed one holds what was wrong."""
    failed = sum(result.verdict is Verdict.FAILED for result in results)
    seconds = sum(result.seconds for result in results)
    head = f'name={_attribute(suite)} tests="{len(results)}" failures="{failed}" errors="0" time="{seconds:.3f}"'
    lines = [line for result in results for line in _case(result)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuite {head}>", *lines, "</testsuite>", ""])


def _case(result: RenderTestResult) -> Iterator[str]:
    place = f"name={_attribute(result.name)} classname={_attribute(result.source.file)}"
    head = f'  <testcase {place} time="{result.seconds:.3f}"'
    if result.verdict is not Verdict.FAILED:
        yield f"{head}/>"
        return
    yield f"{head}>"
    text = escape(_readable("\n".join(result.problems)))
    yield f"    <failure message={_attribute(result.problems[0])}>{text}</failure>"
    yield "  </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_readable(text))


def _readable(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
