"""The page of the Python library: each public name with its docstring, its fields and its methods."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import re
import textwrap
from typing import TYPE_CHECKING

import bundler

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(r"^(Args|Raises|Returns|Example):$", re.MULTILINE)
_PROMISE = "Only the names below are public; the tests run every example."
_GROUPS = {
    "The session": ["Session", "SessionOptions", "NetworkRules"],
    "What is asked for": [
        "ReleaseRequest",
        "RollbackRequest",
        "UninstallRequest",
        "PlanInputs",
        "Values",
        "Accepted",
        "RunOptions",
        "AcquiredBundle",
    ],
    "Upgrades in steps": ["RolloutRequest", "Share", "OnFailure", "ContinueRequest", "AbortRequest"],
    "Plans": ["Proposal", "SavedPlan", "Plan", "Change", "Action", "OnConflict", "ObjectRef"],
    "Orders": ["KeepingOrder", "OrderMark"],
    "Why": [
        "Cause",
        "CauseKind",
        "ChangedField",
        "ChangedValue",
        "Explanation",
        "ExplainedField",
        "Setter",
        "FieldOwner",
        "Since",
    ],
    "Kinds of orders": [
        "OrderKind",
        "KindSpec",
        "KindField",
        "ControllerCheck",
        "SecretKey",
        "OrderProblem",
        "secrets_of_order",
        "values_of_order",
    ],
    "Comparisons": ["Comparison", "ComparedSide"],
    "Checks": ["MissingRight", "CheckReport", "CheckRun", "CheckOutcome"],
    "Drift": ["ReleaseDrift", "Correction", "CorrectionOptions", "DriftedObject", "DriftedField", "DriftKind"],
    "What became of it": [
        "ChangeResult",
        "Run",
        "ReleaseState",
        "RolloutProgress",
        "Revision",
        "RevisionSummary",
        "AuditEntry",
        "ReleaseStatus",
        "MigratedStorage",
        "Protection",
        "RenderedText",
        "RenderedObjects",
        "SplitObjects",
        "LintResult",
        "Finding",
        "SupportArchive",
        "SupportPart",
        "SearchResult",
        "FoundBundle",
        "SearchedPlace",
        "BundlerError",
    ],
    "The cluster itself": [
        "ClusterClient",
        "ListQuery",
        "Listing",
        "Payload",
        "Answer",
        "WatchEvent",
        "EventStream",
    ],
    "Events": [
        "Acquired",
        "Notice",
        "Warned",
        "PhaseStarted",
        "PodsReplaced",
        "ChangeStarted",
        "ChangeFinished",
        "HealthChanged",
        "GateJudged",
        "Retrying",
        "BytesMoved",
    ],
}


def library_page(made: str) -> str:
    """Return the page; ``made`` says that it is written by a program."""
    parts = [
        "# Python library\n",
        made,
        f"How to use it: [From Python](../how-to-python.md). {_PROMISE}\n",
    ]
    for title, names in _GROUPS.items():
        parts += [f"## {title}\n", *(part for name in names for part in _entry(name))]
    return "\n".join(parts)


def grouped() -> set[str]:
    """Return the names that the page explains."""
    return {name for names in _GROUPS.values() for name in names}


def _entry(name: str) -> Iterator[str]:
    kind = getattr(bundler, name)
    yield f"### {name}\n"
    if inspect.isfunction(kind):
        function = ast.parse(inspect.getsource(kind)).body[0]
        assert isinstance(function, ast.FunctionDef)
        yield f"```python\n{_signature(function, kind, left_out=0)}\n```\n"
        yield _text(kind)
        return
    yield _text(kind)
    if issubclass(kind, enum.Enum):
        return
    source = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(source, ast.ClassDef)
    if dataclasses.is_dataclass(kind):
        yield from _fields(source)
    yield from _methods(kind, source)


def _fields(source: ast.ClassDef) -> Iterator[str]:
    rows = []
    for node, after in zip(source.body, [*source.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        default = (
            f" = {ast.unparse(node.value)}" if node.value is not None and "field(" not in ast.unparse(node) else ""
        )
        typed = f"{ast.unparse(node.annotation)}{default}".replace("|", "\\|")
        rows.append(f"| `{node.target.id}` | `{typed}` | {_line(str(said))} |")
    if rows:
        yield "\n".join(["| field | type | |", "|---|---|---|", *rows, ""])


def _methods(kind: type, source: ast.ClassDef) -> Iterator[str]:
    for node in source.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or _is(node, "overload"):
            continue
        found = inspect.getattr_static(kind, node.name)
        if isinstance(found, property):
            yield f"#### {kind.__name__}.{node.name}\n"
            yield f"{_line(inspect.getdoc(found) or '')}\n"
            continue
        yield f"#### {kind.__name__}.{node.name}()\n"
        yield f"```python\n{_signature(node, kind)}\n```\n"
        yield _text(found.__func__ if isinstance(found, classmethod) else found)


def _is(node: ast.FunctionDef, decorator: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == decorator for one in node.decorator_list)


def _signature(node: ast.FunctionDef, kind: object, left_out: int = 1) -> str:
    """Return what a method takes and returns, its defaults as values, in a line or in one for each argument."""
    positional = [*node.args.posonlyargs, *node.args.args][left_out:]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    words = [_argument(one, default, kind) for one, default in zip(positional, defaults, strict=True)]
    named = [_argument(*pair, kind) for pair in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    words += ["*", *named] if named else []
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    whole = f"{node.name}({', '.join(words)}){returned}"
    return (
        whole if len(whole) <= 100 else "\n".join([f"{node.name}(", *(f"    {one}," for one in words), f"){returned}"])
    )


def _argument(argument: ast.arg, default: ast.expr | None, kind: object) -> str:
    typed = f"{argument.arg}: {ast.unparse(argument.annotation)}" if argument.annotation else argument.arg
    if default is None:
        return typed
    if isinstance(default, ast.Name):
        value = vars(inspect.getmodule(kind))[default.id]
        shown = f"{type(value).__name__}()" if dataclasses.is_dataclass(value) else repr(str(value))
    else:
        shown = ast.unparse(default)
    return f"{typed} = {shown}"


def _text(documented: object) -> str:
    """Return a docstring as Markdown: its sections as lists, its example as a block."""
    parts = _SECTION.split(inspect.getdoc(documented) or "")
    shown = [_marked(parts[0].strip())]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        text = textwrap.dedent(body).strip("\n")
        if title == "Example":
            shown.append(f"```pycon\n{text}\n```")
        else:
            shown.append("\n".join(_items(title, text)))
    return "\n\n".join(shown) + "\n"


def _items(title: str, text: str) -> Iterator[str]:
    for entry in re.split(r"\n(?=\S)", text):
        name, colon, said = entry.partition(":")
        known = colon and title != "Returns"
        prefix = "raises " if title == "Raises" else ""
        yield f"- {prefix}`{name}`: {_line(said)}" if known else f"- {_line(entry)}"


def _line(text: str) -> str:
    return _marked(" ".join(text.split()))


def _marked(text: str) -> str:
    """Return a docstring's code as Markdown writes it, a role of Sphinx as the name alone."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`").replace("|", "\\|")
