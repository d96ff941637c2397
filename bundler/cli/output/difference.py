"""What ``bundler diff`` prints: text, JSON patches, Markdown or HTML. Layer: cli."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from bundler.cli.output.plan import PlanView, count_line, plan_lines, plan_warnings
from bundler.model.change import Action
from bundler.model.lean import dataclass
from bundler.planning.conflicts import conflict_notes
from bundler.planning.diff import object_diff
from bundler.planning.replaced_jobs import with_replaced_jobs
from bundler.wire.changes import difference_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bundler.cli.session.app import App
    from bundler.model.change import Change, Plan

_FENCE = "```"
_COLORS = {"+": "#1a7f37", "-": "#cf222e", "@": "#0969da"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a plan is about, for those who read it away from the terminal that it was made on."""

    facts: Mapping[str, str]
    """Release, namespace, cluster, bundle: a line each."""
    values: tuple[str, ...] = ()
    """Values that change, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """How much of a difference is shown."""

    shows_secrets: bool = False
    is_full: bool = False
    """Show bundler's own stamps too."""


def show_difference(app: App, plan: Plan, subject: Subject, view: DiffView) -> None:
    """Print a plan on stdout in the form that -o asks for; nothing where nothing changes, unless data is asked for.

    Args:
        app: where to.
        plan: what would be done.
        subject: what it is about.
        view: how much of it is shown.
    """
    for warning in plan_warnings(plan):
        app.screen.warn(warning)
    shown = [change for change in with_replaced_jobs(plan.changes) if change.action is not Action.NONE]
    if app.output in {"json", "yaml"}:
        app.screen.document(difference_form(plan, shows_secrets=view.shows_secrets, is_full=view.is_full), app.output)
        return
    if plan.is_empty:
        app.screen.say(count_line(plan))
        return
    match app.output:
        case "markdown":
            head = _markdown_head(subject, app.screen.warnings)
            app.screen.text("".join((*head, *_markdown(plan, shown, view))))
        case "html":
            head = _html_head(subject, app.screen.warnings)
            app.screen.text("".join((*head, *_html(plan, shown, view))))
        case _:
            whole = PlanView(
                namespace=_namespace(plan), has_bodies=True, shows_secrets=view.shows_secrets, is_full=view.is_full
            )
            app.screen.lines(plan_lines(plan, whole))


def _namespace(plan: Plan) -> str:
    return next((change.ref.namespace for change in plan.changes if change.ref.namespace), "")


def _markdown_head(subject: Subject, warnings: Iterable[str]) -> Iterator[str]:
    yield "# bundler diff\n\n"
    yield from (f"- {name}: `{_in_code(value)}`\n" for name, value in subject.facts.items())
    yield from _markdown_list("Changed values", subject.values)
    yield from _markdown_list("Warnings", warnings)
    yield "\n"


def _markdown_list(title: str, lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"\n## {title}\n\n" if index == 0 else ""
        yield f"- `{_in_code(line)}`\n"


def _markdown(plan: Plan, shown: list[Change], view: DiffView) -> Iterator[str]:
    yield f"**{count_line(plan)}**\n"
    for note in plan.reach:
        yield f"\n> **{note.kind}**: `{_in_code(note.subject)}`\n"
    for change in shown:
        lines = object_diff(change, shows_secrets=view.shows_secrets, is_full=view.is_full).lines
        yield f"\n### {change.action} `{_in_code(change.ref.short)}`\n"
        yield f"\n`{_in_code(change.reason)}`\n" if change.reason else ""
        yield from (f"\n> **{word}**: `{_in_code(said)}`\n" for word, said in conflict_notes(change))
        if lines:
            fence = _fence(lines)
            yield f"\n{fence}diff\n" + "".join(f"{line}\n" for line in lines) + f"{fence}\n"
    for kept in plan.kept:
        yield f"\nkept: `{_in_code(kept.ref.short)}`, {kept.reason}\n"


def _fence(lines: tuple[str, ...]) -> str:
    """Return a fence longer than any inside."""
    longest = max((len(found) for line in lines for found in re.findall(r"`{3,}", line)), default=2)
    return "`" * max(len(_FENCE), longest + 1)


def _in_code(text: str) -> str:
    return text.replace("`", "'")


def _html_head(subject: Subject, warnings: Iterable[str]) -> Iterator[str]:
    yield '<!doctype html>\n<meta charset="utf-8">\n<title>bundler diff</title>\n'
    facts = (f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>\n" for name, value in subject.facts.items())
    yield f"<dl>\n{''.join(facts)}</dl>\n"
    yield from _html_list("Changed values", subject.values)
    yield from _html_list("Warnings", warnings)


def _html_list(title: str, lines: Iterable[str]) -> Iterator[str]:
    items = "".join(f"<li>{html.escape(line)}</li>\n" for line in lines)
    if items:
        yield f"<h2>{title}</h2>\n<ul>\n{items}</ul>\n"


def _html(plan: Plan, shown: list[Change], view: DiffView) -> Iterator[str]:
    yield f"<h1>{html.escape(count_line(plan))}</h1>\n"
    for note in plan.reach:
        yield f"<p><strong>{html.escape(note.kind)}</strong>: {html.escape(note.subject)}</p>\n"
    for change in shown:
        lines = object_diff(change, shows_secrets=view.shows_secrets, is_full=view.is_full).lines
        yield f"<h2>{html.escape(f'{change.action} {change.ref.short}')}</h2>\n"
        yield f"<p>{html.escape(change.reason)}</p>\n" if change.reason else ""
        for word, said in conflict_notes(change):
            yield f"<p><strong>{word}</strong>: {html.escape(said)}</p>\n"
        if lines:
            yield "<pre>" + "\n".join(_html_line(line) for line in lines) + "</pre>\n"
    for kept in plan.kept:
        yield f"<p>kept: {html.escape(kept.ref.short)}, {html.escape(kept.reason)}</p>\n"


def _html_line(line: str) -> str:
    color = _COLORS.get(line[:1])
    text = html.escape(line)
    return f'<span style="color:{color}">{text}</span>' if color else text
