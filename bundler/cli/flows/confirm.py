"""Show a plan, and get a word on it where one is needed. Layer: cli."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bundler.cli.output.plan import PlanView, identity_line, plan_lines, plan_warnings
from bundler.cli.terminal.text import Line
from bundler.errors import ConfirmationRequiredError
from bundler.model.lean import dataclass
from bundler.planning.safety import losses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.cli.adapters.cluster import Connection
    from bundler.cli.session.app import App
    from bundler.model.change import Change, Plan

EXIT_DECLINED = 1
_YES = {"y", "yes"}
_SHOWN_LOSSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """How plans of one run are shown and approved."""

    app: App
    connection: Connection
    is_yes: bool
    """--yes was given."""
    shows_secrets: bool = False

    def approve(self, plan: Plan, *, is_second_look: bool = False, heads: Iterable[Line] = ()) -> bool:
        """Show a plan and return whether it shall be carried out.

        Raises:
            ConfirmationRequiredError: when data would be lost and nobody is there to ask.
        """
        lines = [*_second_look(is_second_look=is_second_look), *heads, *plan_lines(plan, self._view())]
        asks = self.app.may_ask and not self.is_yes and not plan.is_empty
        (self.app.screen.complain if asks else self.app.screen.say_lines)(lines)
        for warning in plan_warnings(plan):
            self.app.screen.warn(warning)
        if self.is_yes or plan.is_empty:
            return True
        lost = plan.changes if plan.is_removal else losses(plan)
        if asks:
            return ask(self.app, "Apply these changes? [y/N] ")
        if lost:
            raise _unconfirmed(lost)
        return True

    def _view(self) -> PlanView:
        return PlanView(
            namespace=self.connection.namespace,
            has_bodies=self.app.settings.is_verbose,
            shows_secrets=self.shows_secrets,
        )


def say_where(app: App, connection: Connection) -> None:
    """Print the line that every changing run begins with.

    Raises:
        ClusterError: when the cluster cannot be asked.
    """
    app.screen.say_lines([identity_line(connection.identity(), connection.namespace)])


def ask(app: App, question: str) -> bool:
    """Ask on the terminal; anything but yes is no."""
    app.screen.ask(question)
    with app.stop.at_once():
        return sys.stdin.readline().strip().lower() in _YES


def _second_look(*, is_second_look: bool) -> list[Line]:
    if not is_second_look:
        return []
    return [Line("the cluster moved since the plan was shown; this is what would be done now:", "yellow")]


def _unconfirmed(lost: Iterable[Change]) -> ConfirmationRequiredError:
    names = [f"{change.action} {change.ref.short}" for change in lost]
    more = [f"and {len(names) - _SHOWN_LOSSES} more"] if len(names) > _SHOWN_LOSSES else []
    return ConfirmationRequiredError(
        "asking whether to go on",
        context=["nobody is there to ask, and these cannot be undone:", *names[:_SHOWN_LOSSES], *more],
        hint="look at the plan above and pass --yes when it is meant; nothing was changed",
    )
