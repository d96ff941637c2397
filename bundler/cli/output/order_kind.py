"""How a kind of orders is shown: its fields, and who checks what. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.cli.terminal.text import Line, table
from bundler.syntax.writer import dump_yaml
from bundler.wire.objects import list_form
from bundler.wire.order_kinds import order_kind_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.kind import KindField, OrderKind

_HEADS: Final = ("FIELD", "TYPE", "THE API SERVER CHECKS", "THE CONTROLLER CHECKS")
_ALL: Final = "the values as a whole"
_EVERYTHING: Final = "everything"


def show_definition(app: App, kind: OrderKind) -> None:
    """Print what has to be applied to a cluster."""
    objects = [kind.definition, *kind.roles, kind.menu]
    if app.output != "text":
        app.screen.document(list_form(objects), app.output)
        return
    app.screen.text("---\n".join(dump_yaml(body) for body in objects))


def show_kind(app: App, kind: OrderKind) -> None:
    """Print the fields of a kind, and who checks what."""
    app.show(order_kind_form(kind), _lines(kind))


def _lines(kind: OrderKind) -> Iterator[Line]:
    yield Line(f"{kind.spec.kind} ({kind.spec.definition_name}, {kind.spec.version})", "bold")
    computed = [field.path for field in kind.fields if _is_computed(field)]
    yield from table([_row(field) for field in kind.fields if not _is_computed(field)], heads=_HEADS)
    if computed:
        yield Line(f"The controller checks what formulas compute from the order, too: {', '.join(computed)}", "dim")


def _is_computed(field: KindField) -> bool:
    """Return whether it is not a field, and only a formula sets it."""
    return not field.type and all(check.keyword == "derive" for check in field.checks)


def _row(field: KindField) -> tuple[str, ...]:
    required = ["required"] if field.is_required else []
    checks = [f"{_EVERYTHING if check.keyword == '*' else check.keyword}: {check.reason}" for check in field.checks]
    return field.path or _ALL, field.type or "not a field", "; ".join([*required, *field.rules]), "; ".join(checks)
