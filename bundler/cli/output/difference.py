"""What ``bundler diff`` prints: text, JSON patches, Markdown or HTML. Layer: cli."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from bundler.cli.output.plan import PlanView, change_data, count_line, plan_data, plan_lines, plan_warnings
from bundler.model.change import Action
from bundler.planning.conflicts import conflict_line
from bundler.planning.diff import json_patch, object_diff, shown_sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.change import Change, Plan
    from bundler.model.json import Body

_FENCE = "```"
_COLORS = {"+": "#1a7f37", "-": "#cf222e", "@": "#0969da"}


def show_difference(app: App, plan: Plan, *, shows_secrets: bool, is_full: bool) -> None:
    """Print a plan on stdout in the form that -o asks for.

    Args:
        app: where to.
        plan: what would be done.
        shows_secrets: print the leaves of Secrets in clear.
        is_full: show bundler's own stamps too.
    """
    for warning in plan_warnings(plan):
        app.screen.warn(warning)
    shown = [change for change in plan.changes if change.action is not Action.NONE]
    match app.output:
        case "text":
            view = PlanView(namespace=_namespace(plan), has_bodies=True, shows_secrets=shows_secrets, is_full=is_full)
            app.screen.lines(plan_lines(plan, view))
        case "markdown":
            app.screen.text("".join(_markdown(plan, shown, shows_secrets=shows_secrets, is_full=is_full)))
        case "html":
            app.screen.text("".join(_html(plan, shown, shows_secrets=shows_secrets, is_full=is_full)))
        case _:
            changes = [_patch(change, shows_secrets=shows_secrets, is_full=is_full) for change in shown]
            app.screen.document({**plan_data(plan), "changes": changes}, app.output)


def _namespace(plan: Plan) -> str:
    return next((change.ref.namespace for change in plan.changes if change.ref.namespace), "")


def _patch(change: Change, *, shows_secrets: bool, is_full: bool) -> Body:
    before, after = shown_sides(change, shows_secrets=shows_secrets, is_full=is_full)
    return {**change_data(change), "patch": json_patch(before, after)}


def _markdown(plan: Plan, shown: list[Change], *, shows_secrets: bool, is_full: bool) -> Iterator[str]:
    yield f"**{count_line(plan)}**\n"
    for note in plan.reach:
        yield f"\n> **{note.kind}**: `{_in_code(note.subject)}`\n"
    for change in shown:
        lines = object_diff(change, shows_secrets=shows_secrets, is_full=is_full).lines
        yield f"\n### {change.action} `{_in_code(change.ref.short)}`\n"
        yield from (f"\n> **conflict**: `{_in_code(conflict_line(change.ref, one))}`\n" for one in change.conflicts)
        if lines:
            fence = _fence(lines)
            yield f"\n{fence}diff\n" + "".join(f"{line}\n" for line in lines) + f"{fence}\n"
    for kept in plan.kept:
        yield f"\nkept: `{_in_code(kept.ref.short)}`, {kept.reason}\n"


def _fence(lines: tuple[str, ...]) -> str:
    """Return a fence longer than any that stands inside."""
    longest = max((len(found) for line in lines for found in re.findall(r"`{3,}", line)), default=2)
    return "`" * max(len(_FENCE), longest + 1)


def _in_code(text: str) -> str:
    return text.replace("`", "'")


def _html(plan: Plan, shown: list[Change], *, shows_secrets: bool, is_full: bool) -> Iterator[str]:
    yield '<!doctype html>\n<meta charset="utf-8">\n<title>bundler diff</title>\n'
    yield f"<h1>{html.escape(count_line(plan))}</h1>\n"
    for note in plan.reach:
        yield f"<p><strong>{html.escape(note.kind)}</strong>: {html.escape(note.subject)}</p>\n"
    for change in shown:
        lines = object_diff(change, shows_secrets=shows_secrets, is_full=is_full).lines
        yield f"<h2>{html.escape(f'{change.action} {change.ref.short}')}</h2>\n"
        for one in change.conflicts:
            yield f"<p><strong>conflict</strong>: {html.escape(conflict_line(change.ref, one))}</p>\n"
        if lines:
            yield "<pre>" + "\n".join(_html_line(line) for line in lines) + "</pre>\n"
    for kept in plan.kept:
        yield f"<p>kept: {html.escape(kept.ref.short)}, {html.escape(kept.reason)}</p>\n"


def _html_line(line: str) -> str:
    color = _COLORS.get(line[:1])
    text = html.escape(line)
    return f'<span style="color:{color}">{text}</span>' if color else text
