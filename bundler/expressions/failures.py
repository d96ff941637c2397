"""From any exception of a template or expression to what its author should read. Layer: expressions, pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateRuntimeError, TemplateSyntaxError

from bundler.errors import BundlerError, Detail, bundle as errors
from bundler.expressions.bounds import LimitReachedError
from bundler.expressions.functions import FilterUseError, make_filters, make_tests
from bundler.expressions.go_habits import filter_hint, go_hint, path_hint
from bundler.expressions.text import TemplateFailureError
from bundler.expressions.text_methods import TEXT_METHODS
from bundler.expressions.undefined import PathUndefined, UndefinedUseError
from bundler.model.lean import dataclass
from bundler.model.manifest import Source

_BLOCKS = frozenset({"if", "for", "macro", "call", "filter", "with", "block"})
_BLOCK_TAG = re.compile(r"\{%[-+]?\s*(?P<name>\w+)(?P<rest>.*?)%\}")
_UNCLOSED = re.compile(r"The innermost block that needs to be closed is '(\w+)'")
RAW = "{% raw %}{#{% endraw %}"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, before its place is printed."""

    error_type: type[errors.RenderError]
    sentence: str
    hint: str
    spelling: re.Pattern[str] | None = None
    """Where the caret goes: how the failing part can be spelled in its line."""
    missing_path: str = ""
    """The path that is not set, from its root name."""
    is_deliberate: bool = False
    """The template stops by itself: ``fail`` and ``required``."""


def explain(error: BaseException, names: Mapping[str, object]) -> Failure:  # noqa: PLR0911 - a table
    """Say what ``error`` means; ``names`` are those that the template sees."""
    match error:
        case UndefinedUseError():
            return _explain_undefined(error.undefined, names)
        case LimitReachedError():
            return Failure(error_type=errors.TemplateLimitError, sentence=error.sentence, hint=error.hint)
        case RecursionError():
            hint = "check what ends the macro that calls itself, or the include of itself"
            return Failure(error_type=errors.TemplateLimitError, sentence="it nests too deeply", hint=hint)
        case MemoryError():
            hint = "make it smaller"
            return Failure(error_type=errors.TemplateLimitError, sentence="it takes too much memory", hint=hint)
        case TemplateSyntaxError():
            return _explain_syntax(error)
        case TemplateNotFound():
            return Failure(
                error_type=errors.TemplateError,
                sentence=f"there is no template {error.name} to include or import",
                hint="include files of the bundle's own templates/ whose name starts with _",
                spelling=_spelling(str(error.name)),
            )
        case FilterUseError():
            return Failure(
                error_type=errors.TemplateError,
                sentence=f"`{error.name}` does not work here: {error.problem}",
                hint=f"check what `{error.name}` is given; docs/templates.md lists the filters",
                spelling=re.compile(rf"(?:\|\s*|\bis\s+(?:not\s+)?){re.escape(error.name)}\b"),
            )
        case TemplateFailureError():
            hint = error.hint or "change the values that the message names: the bundle's author stops here on purpose"
            return Failure(errors.TemplateError, error.sentence, hint, is_deliberate=not error.hint)
        case BundlerError():  # what `has_api` met on its way to the cluster
            sentence = "; ".join(error.context) or str(error)
            return Failure(error_type=errors.TemplateError, sentence=sentence, hint=error.hint or "run it again")
        case _:
            return _explain_other(error)


def _explain_undefined(undefined: PathUndefined, names: Mapping[str, object]) -> Failure:
    written = undefined.written
    sentence = undefined.describe(names)
    path = undefined.full_path(names)
    rooted = path if undefined.is_rooted else ""
    known = _special_hint(undefined)
    return Failure(
        error_type=errors.UndefinedValueError,
        sentence=sentence,
        hint=known or _undefined_hint(rooted, written, names, is_unknown_name=undefined.is_unknown_name),
        spelling=_spelling(written) if written else None,
        missing_path=path,
    )


def _special_hint(undefined: PathUndefined) -> str:
    """Return what to do where nothing could be set there; empty otherwise."""
    name = undefined.written.rpartition(".")[2]
    if undefined.is_unexported:
        return f"define it there with {{% macro {name}(…) %}}, or correct the name"
    if undefined.is_below_text and name in TEXT_METHODS:
        return f"write {undefined.written}() with parentheses"
    if undefined.is_below_text and name in dir(str):
        return "see docs/templates.md for the filters and the methods of texts"
    return ""


def _undefined_hint(path: str, written: str, names: Mapping[str, object], *, is_unknown_name: bool) -> str:
    root = re.split(r"[.\[]", path, maxsplit=1)[0]
    if not path:
        return "give the value a default, test it with `is defined`, or complete an `if` with an `else`"
    hint = path_hint(written, is_unknown=is_unknown_name)
    if hint or is_unknown_name:
        return hint or f"{_meant(root, names)}what is seen here: {', '.join(sorted(names))}"
    if re.search(r"\.(?:items|keys|values)$", written):
        return f"write {written}() with parentheses, or `{written.rpartition('.')[0]} | items`"
    if root == "values":
        inner = _component_prefix(names) + path.removeprefix("values.")
        return f"set it with --set {inner}=…, give it a default in values.yaml, or write `{written} | default(…)`"
    return f"correct the path, or write `{written} | default(…)` where it may be absent"


def _meant(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only who mistypes pays for it

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}? " if close else ""


def _component_prefix(names: Mapping[str, object]) -> str:
    component = names.get("component")
    path = component.get("path") if isinstance(component, Mapping) else None
    return path.replace("/", ".") + "." if isinstance(path, str) and path else ""


def _explain_syntax(error: TemplateSyntaxError) -> Failure:
    message = (error.message or "it cannot be read").rstrip(".").replace("'end of template'", "end")
    spelling = None
    hint = "correct the template there; docs/templates.md describes the language"
    if named := re.match(r"No (filter|test) named '(\w+)'", message):
        kind, name = named.groups()
        spelling = re.compile(rf"(?:\|\s*|\bis\s+(?:not\s+)?)(?={re.escape(name)}\b){re.escape(name)}")
        message = f"there is no {kind} {name}"
        known = make_filters() if kind == "filter" else make_tests()
        hint = filter_hint(name) or f"{_meant(name, known)}see docs/templates.md for the {kind}s"
    elif unclosed := _UNCLOSED.search(message):
        message, hint = _explain_unclosed(unclosed[1], message, error)
    elif named := re.match(r"Encountered unknown tag '(\w+)'", message):
        spelling = re.compile(rf"(?<=%)-?\s*{re.escape(named[1])}")
    elif message == "Missing end of comment tag":
        message = "{# starts a comment that never ends"
        spelling = re.compile(r"\{#")
        hint = f"write {RAW} where the text itself has {{#, as ${{#list[@]}} in a shell; a comment ends with #}}"
    elif go := go_hint(_line_of(error)):
        hint = go
    elif message == "unexpected '.'":
        hint = "start a path with a name: {{ values.replicas }}, {{ release.name }}"
    elif message.startswith("expected token 'end of print statement'"):
        hint = "write one expression in {{ }}; if, for and similar tags go in {% %}"
    elif message == "expected token ':', got '}'":
        hint = "write expressions without {{ }} in derive, when, ready and failed; elsewhere put them into {{ }} once"
    return Failure(error_type=errors.TemplateSyntaxError, sentence=message, hint=hint, spelling=spelling)


def _explain_unclosed(tag: str, message: str, error: TemplateSyntaxError) -> tuple[str, str]:
    """Name the line that opened the block which the end of the template, or another tag, finds open."""
    opened = open_tags(error.source or "", error.lineno)
    line = next((line for name, line in reversed(opened) if name == tag), 0)
    where = f"{{% {tag} %}} of line {line}" if line else f"{{% {tag} %}}"
    named = re.match(r"Encountered unknown tag '(\w+)'", message)
    found = f"{{% {named[1]} %}} closes nothing: the" if named else "the template ends, and the"
    return f"{found} {where} is not closed", f"write {{% end{tag} %}} where the block ends"


def open_tags(source: str, last_line: int) -> list[tuple[str, int]]:
    """Return the block tags before the end of a line that are not closed there: name and line."""
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(source.splitlines()[:last_line], 1):
        for found in _BLOCK_TAG.finditer(line):
            name = found["name"]
            if opened and name == f"end{opened[-1][0]}":
                opened.pop()
            elif name in _BLOCKS or (name == "set" and "=" not in found["rest"]):
                opened.append((name, number))
    return opened


def _line_of(error: TemplateSyntaxError) -> str:
    lines = (error.source or "").splitlines()
    return lines[error.lineno - 1] if 0 < error.lineno <= len(lines) else ""


def _explain_other(error: BaseException) -> Failure:
    message = str(error) or type(error).__name__
    if isinstance(error, SecurityError):
        hint = "use what docs/templates.md lists: templates see data, not Python objects"
    elif isinstance(error, TypeError) and "argument" in message:
        hint = "give it what it asks for: names and number of its arguments"
    elif isinstance(error, TypeError):
        hint = "check the types: texts and numbers do not mix; `| int`, `| float` and `| string` convert"
    elif isinstance(error, TemplateRuntimeError):
        hint = "correct the template there; docs/templates.md describes the language"
    else:
        hint = "check what is computed there"
    return Failure(error_type=errors.TemplateError, sentence=message, hint=hint)


def _spelling(written: str) -> re.Pattern[str]:
    """Return a pattern for a path however its author spaced and quoted it."""
    steps = re.findall(r"\[[^\]]*\]|[^.\[\]]+", written)
    parts = []
    for step in steps:
        name = step.strip("[]").strip("'\"")
        parts.append(rf"(?:\.?\s*{re.escape(name)}|\s*\[\s*['\"]?{re.escape(name)}['\"]?\s*\])")
    return re.compile(r"(?<![\w.])" + "".join(parts) + r"(?!\w)")


def locate(lines: Sequence[str], line: int, spelling: re.Pattern[str] | None) -> tuple[int, int]:
    """Return (column from 1, length) of what ``spelling`` matches in ``line`` (from 1); (0, 0) where it does not.

    Args:
        lines: of the text.
        line: from 1.
        spelling: what the failing expression looks like; None where unknown.
    """
    if spelling is None or not 1 <= line <= len(lines):
        return 0, 0
    found = spelling.search(lines[line - 1])
    if found is None:
        return 0, 0
    text = found[0]
    start = found.start() + len(text) - len(text.lstrip("| \t"))
    return start + 1, found.end() - start


def excerpt(lines: Sequence[str], line: int, *, column: int = 0, length: int = 1) -> list[str]:
    """Return the line with one before and one after, numbered, and a caret line where the column is known.

    Args:
        lines: of the text.
        line: from 1.
        column: from 1; 0 where it is unknown.
        length: characters to underline.
    """
    shown: list[str] = []
    width = len(str(line + 1))
    for number in range(max(1, line - 1), min(len(lines), line + 1) + 1):
        shown.append(f"{number:>{width}} | {lines[number - 1]}".rstrip())
        if number == line and column:
            lead = "".join("\t" if character == "\t" else " " for character in lines[number - 1][: column - 1])
            shown.append(f"{'':>{width}} | {lead}{'^' * max(1, length)}")
    return shown


def template_frames(error: BaseException) -> list[tuple[str, int]]:
    """Return (template name, line) of each template the failure passed through, outermost first."""
    frames: list[tuple[str, int]] = []
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = (template.name or "", template.get_corresponding_lineno(trace.tb_lineno))
            if not frames or frames[-1] != place:
                frames.append(place)
        trace = trace.tb_next
    if isinstance(error, TemplateSyntaxError):
        frames.append((error.name or "", error.lineno))
    return frames


def expression_error(
    error: BaseException, names: Mapping[str, object], text: str, source: Source
) -> errors.RenderError:
    """Return what is raised for an expression that failed.

    Args:
        error: what it failed with.
        names: those that it sees.
        text: the expression, or a text that holds some.
        source: where it is written.
    """
    failure = explain(error, names)
    error_type = failure.error_type
    if error_type in {errors.TemplateError, errors.TemplateSyntaxError}:
        error_type = errors.ExpressionError
    lines = text.splitlines() or [text]
    shown = lines
    if len(lines) == 1:
        column, length = locate(lines, 1, failure.spelling)
        number = max(1, source.line)  # the line of bundle.yaml, not of the expression
        shown = excerpt([*[""] * (number - 1), *lines], number, column=column, length=length)[number > 1 :]
    context = [source.found(failure.sentence), *(Detail(f"  {line}") for line in shown)]
    return error_type("evaluating an expression of the bundle", context=context, hint=failure.hint)
