"""Test results as JUnit XML, the form that GitLab, Jenkins and GitHub's reporters read. Layer: wire, pure.

Source: github.com/testmoapp/junitxml, the elements that these readers agree on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape, quoteattr

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Source: XML 1.0, production 2 (Char)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JUnitCase:
    """One test, and what became of it."""

    name: str
    classname: str
    seconds: float
    outcome: Literal["", "failure", "skipped"] = ""
    """Empty: it passed."""
    lines: tuple[str, ...] = ()
    """Of one that did not pass: why."""
    file: str = ""


def junit_suite(name: str, cases: Sequence[JUnitCase], more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the lines of one suite.

    Args:
        name: of the suite.
        cases: its tests; one that failed holds what was wrong.
        more: attributes of the suite beside its name and counts.
    """
    counts = {
        "name": name,
        "tests": len(cases),
        "failures": sum(case.outcome == "failure" for case in cases),
        "errors": 0,
        "skipped": sum(case.outcome == "skipped" for case in cases),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
    yield f"<testsuite {_attributes({**counts, **(more or {})})}>"
    for case in cases:
        yield from _case(case)
    yield "</testsuite>"


def junit_document(lines: Iterable[str]) -> str:
    """Return lines of XML as a whole document."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines, ""])


def _case(case: JUnitCase) -> Iterator[str]:
    file = {"file": case.file} if case.file else {}
    names = {"name": case.name, "classname": case.classname, **file, "time": f"{case.seconds:.3f}"}
    if not case.outcome:
        yield f"  <testcase {_attributes(names)}/>"
        return
    said = _attributes({"message": case.lines[0] if case.lines else case.outcome})
    yield f"  <testcase {_attributes(names)}>"
    yield f"    <{case.outcome} {said}>{escape(_readable(chr(10).join(case.lines)))}</{case.outcome}>"
    yield "  </testcase>"


def _attributes(values: Mapping[str, object]) -> str:
    return " ".join(f"{name}={quoteattr(_readable(str(value)))}" for name, value in values.items())


def _readable(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
