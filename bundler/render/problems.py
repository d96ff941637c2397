"""All problems of a rendering, collected and reported as one error. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler import expressions
from bundler.errors import Detail, Found, Remedy, respelled
from bundler.errors.bundle import RenderError
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.model.pattern import LazyPattern
from bundler.model.redaction import MASK, Redactor
from bundler.model.size import sentence
from bundler.render.lines import lines_of

if TYPE_CHECKING:
    from bundler.expressions.failures import Failure


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to do."""

    error_type: type[RenderError]
    source: Source
    sentence: str
    hint: str
    column: int = 0
    details: tuple[str, ...] = ()
    """Source lines with a caret, the chain of includes, the rendered text."""
    missing_path: str = ""
    """The path that is not set, from its root name."""
    is_deliberate: bool = False
    """The template stops by itself: ``fail`` and ``required``."""

    @property
    def place(self) -> str:
        """``templates/web.yaml:23:14``, as far as it is known."""
        return f"{self.source}:{self.column}" if self.column else str(self.source)

    def lines(self) -> list[str]:
        """Return the context lines of an error."""
        head = self.source.found(self.sentence, column=self.column, hint=self.hint)
        return [head, *(Detail(f"  {line}") for line in self.details)]

    def remedy(self) -> Remedy:
        """Return the line that says what to do, where there are several problems."""
        return Remedy(f"  hint: {sentence(self.hint)}")


def problem_of_expression(error: RenderError) -> Problem:
    """Return the problem of an expression in bundle.yaml."""
    first, *details = error.context
    found = error.problems[0] if error.problems else Found(first)
    return Problem(
        error_type=type(error),
        source=Source(found.file, found.line),
        sentence=found.message,
        hint=error.hint,
        details=tuple(details),
    )


def problem_at(failure: Failure, frames: Sequence[Source], text: str) -> Problem:
    """Return the problem of a failure whose template frames are known, outermost first; ``text`` is the innermost's.

    Args:
        failure: what failed.
        frames: template places, outermost first.
        text: of the innermost template.
    """
    source = frames[-1]
    lines = text.splitlines()
    column, length = expressions.failures.locate(lines, source.line, failure.spelling)
    details = _template_excerpt(lines, source.line, column=column, length=length)
    details += [f"reached from {frame}" for frame in reversed(frames[:-1])]
    return Problem(
        error_type=failure.error_type,
        source=source,
        sentence=failure.sentence,
        hint=failure.hint,
        column=column,
        details=tuple(details),
        missing_path=failure.missing_path,
        is_deliberate=failure.is_deliberate,
    )


_SHOWN_CHARS = 300
_SECRET = LazyPattern(r"\bSecret(?:List)?\b")
_TAG = LazyPattern(r"!\S+")
_DOCUMENT_START = LazyPattern(r"---(?:\s|$)")


def _template_excerpt(lines: Sequence[str], line: int, *, column: int, length: int) -> list[str]:
    """Return the lines of a template around ``line``; none where their document speaks of a Secret."""
    if may_hold_secret("\n".join(_document_around(lines, line))):
        return ["not shown, since a Secret is written beside it"]
    return expressions.failures.excerpt(lines, line, column=column, length=length)


def _document_around(lines: Sequence[str], line: int) -> Sequence[str]:
    """Return the lines of the document of ``line``, and of the one before where the excerpt reaches into it."""
    starts = [number for number, text in enumerate(lines, start=1) if _DOCUMENT_START.match(text)]
    first = max((number for number in starts if number < line), default=1)
    last = min((number for number in starts if number > line + 1), default=len(lines) + 1)
    return lines[first - 1 : last - 1]


def rendered_excerpt(text: str, line: int, *, is_secret: bool) -> list[str]:
    """Return rendered lines around ``line``, numbered; nothing of what may be a Secret.

    Args:
        text: rendered.
        line: from 1.
        is_secret: hide the lines.
    """
    if is_secret:
        return [f"rendered, line {line}: not shown, since a Secret is rendered beside it"]
    return [f"rendered, line {line}:", *expressions.failures.excerpt(lines_of(text), line)]


def may_hold_secret(text: str) -> bool:
    """Return whether a rendered text speaks of a Secret: what is broken cannot be distinguished further."""
    return _SECRET.search(text) is not None


def without_tags(sentence: str) -> str:
    """Mask the tags that a sentence quotes: a value that begins with ``!`` is read as one."""
    return _TAG.sub(MASK, sentence)


def raise_problems(problems: Sequence[Problem], doing: str, redactor: Redactor) -> None:
    """Raise one error that tells all ``problems``, sorted by place; nothing where there are none.

    Args:
        problems: all of them.
        doing: what is being done.
        redactor: masks known secrets.

    Raises:
        RenderError: of the problems' own class where they share one.
    """
    if not problems:
        return
    ordered = sorted(problems, key=lambda problem: (problem.source, problem.column, problem.sentence))
    types = {problem.error_type for problem in ordered}
    error_type = types.pop() if len(types) == 1 else RenderError
    if len(ordered) == 1:
        context, hint = ordered[0].lines(), ordered[0].hint
    else:
        context = [line for problem in ordered for line in (*problem.lines(), problem.remedy())]
        hint = f"fix the {len(ordered)} places named above"
    # cut only what is masked: half a secret would not be recognised
    shown = [respelled(line, lambda text: redactor.redact(text)[:_SHOWN_CHARS]) for line in context]
    raise error_type(doing, context=shown, hint=redactor.redact(hint))
