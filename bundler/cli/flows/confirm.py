"""Show a plan, and ask about it. Layer: cli."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING

from bundler.cli.output.plan import PlanView, counted_changes, identity_line, plan_lines, plan_warnings
from bundler.cli.terminal.text import Line
from bundler.model.lean import dataclass
from bundler.model.size import first_of
from bundler.planning.safety import losses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.actions.change.make_plan import Planned
    from bundler.cli.adapters.cluster import Connection
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App
    from bundler.model.change import Plan

EXIT_DECLINED = 1
_SHOWN_LOSSES = 3
_YES = {"y", "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """How plans of one run are shown and approved."""

    app: App
    connection: Connection
    doing: str
    """The verb and the release, for the question: ``upgrade shop``."""
    is_yes: bool
    """--yes was given."""
    shows_secrets: bool = False

    def approve(
        self, plan: Plan, planned: Planned, *, is_second_look: bool = False, heads: Iterable[Line] = ()
    ) -> bool:
        """Show a plan, ask where someone is there to answer, and return whether it is to be carried out.

        Args:
            plan: as it is shown.
            planned: what the plan was made from.
            is_second_look: the plan differs from the one that was approved.
            heads: lines that come before the plan.
        """
        lines = chain(_second_look(is_second_look=is_second_look), heads, plan_lines(plan, self._view()))
        asks = self.app.may_ask and not self.is_yes and not plan.is_empty and not plan.has_conflicts
        (self.app.screen.complain if asks else self.app.screen.say_lines)(lines)
        for warning in plan_warnings(plan):
            self.app.screen.warn(warning)
        return not asks or ask(self.app, f"{self._question(planned)} [y/N] ")

    def _question(self, planned: Planned) -> str:
        """Repeat what an answer is about; the plan above it may be long."""
        namespace, cluster = self.connection.namespace, self.connection.identity().context
        missing = " (which does not exist and is created)" if planned.creates_namespace else ""
        lost = ", ".join(first_of([change.ref.short for change in losses(planned.plan)], _SHOWN_LOSSES))
        risk = f"; data may be lost with {lost}" if lost else ""
        what = f"{self.doing[:1].upper()}{self.doing[1:]} in namespace {namespace}{missing} on cluster {cluster}"
        return f"{what}: {counted_changes(planned.plan)}{risk}?"

    def _view(self) -> PlanView:
        return PlanView(
            namespace=self.connection.namespace,
            has_bodies=self.app.settings.is_verbose,
            shows_secrets=self.shows_secrets,
        )


def may_go_on(app: App, run: RunFlags) -> bool:
    """Tell whether a change is confirmed: by --yes, or by the answer of someone who sees the plan."""
    return run.yes or app.may_ask


def accepts_losses(app: App, run: RunFlags) -> bool:
    """Tell whether losses are accepted: by --accept-data-loss, or by the answer to a question that names them."""
    return run.accept_data_loss or (app.may_ask and not run.yes)


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
