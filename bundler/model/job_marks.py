"""What ``job_name('migrate')`` prints until the Jobs of a rendering have their names. Layer: model, pure.

A Job is named after its spec, which is known when everything is rendered. A mark holds letters, digits and dashes
alone, as the name that takes its place does, so that it is quoted and indented like one.
"""

from __future__ import annotations

from collections.abc import Callable

from bundler.model.pattern import LazyPattern

PREFIX = "job-name-0x"
_MARK = LazyPattern(r"job-name-0x((?:[0-9a-f]{2})+)-x0")


def job_mark(name: str) -> str:
    """Return the mark of a Job by the name that its template gives it."""
    return f"{PREFIX}{name.encode().hex()}-x0"


def replace_job_marks(text: str, name_of: Callable[[str], str]) -> str:
    """Return the text with each mark replaced by what ``name_of`` makes of the template's name."""
    if PREFIX not in text:
        return text
    return _MARK.sub(lambda found: name_of(bytes.fromhex(found[1]).decode(errors="replace")), text)
