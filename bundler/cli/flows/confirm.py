"""Show a plan, and ask about it. Layer: cli."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.output.plan import PlanView, counted_changes, identity_line, plan_lines
from bundler.cli.terminal.text import Line
from bundler.model.lean import dataclass, replace
from bundler.model.size import first_of
from bundler.planning.safety import losses
from bundler.planning.server_warnings import warning_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler import Accepted, Proposal, Session
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App

EXIT_DECLINED = 1
_SHOWN_LOSSES = 3
_YES = {"y", "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """How plans of one run are shown and approved."""

    app: App
    session: Session
    namespace: str
    doing: str
    """The verb and the release, for the question: ``upgrade shop``."""
    run: RunFlags

    def approve(self, proposal: Proposal, heads: Iterable[Line] = ()) -> bool:
        """Show a plan, ask where someone is there to answer, and return whether it is to be carried out.

        Args:
            proposal: the plan, and what it was made from.
            heads: lines that come before the plan.
        """
        plan = proposal.shown
        lines = chain(_second_look(is_second_look=proposal.is_second_look), heads, plan_lines(plan, self._view()))
        asks = self.app.may_ask and not self.run.yes and not plan.is_idle and not plan.has_conflicts
        (self.app.screen.complain if asks else self.app.screen.say_lines)(lines)
        for warning in warning_lines(plan.changes):
            self.app.screen.warn(warning)
        return not asks or ask(self.app, f"{self._question(proposal)} [y/N] ")

    def _question(self, proposal: Proposal) -> str:
        """Repeat what an answer is about; the plan above it may be long."""
        namespace, cluster = self.namespace, self.session.identity().context
        missing = " (which does not exist and is created)" if proposal.planned.creates_namespace else ""
        lost = ", ".join(first_of([change.ref.short for change in losses(proposal.plan)], _SHOWN_LOSSES))
        risk = f"; data may be lost with {lost}" if lost else ""
        hurry = "; faster than its bundle requires" if library.releases.is_hurried(proposal) else ""
        what = f"{self.doing[:1].upper()}{self.doing[1:]} in namespace {namespace}{missing} on cluster {cluster}"
        return f"{what}: {counted_changes(proposal.plan)}{hurry}{risk}?"

    def _view(self) -> PlanView:
        return PlanView(
            namespace=self.namespace,
            has_bodies=self.app.settings.is_verbose,
            shows_secrets=self.run.show_secrets,
        )


def may_go_on(app: App, run: RunFlags) -> bool:
    """Return whether a change is confirmed: with --yes, or by the answer of someone who sees the plan."""
    return run.yes or app.may_ask


def with_consents(accepted: Accepted, app: App, run: RunFlags) -> Accepted:
    """Return what is accepted, with what someone who sees the plan confirms: losses, and fewer steps.

    Args:
        accepted: what the options say.
        app: whether someone is there to answer.
        run: the options.
    """
    return replace(
        accepted,
        losses=accepted.losses or (app.may_ask and not run.yes),
        fewer_steps=may_go_on(app, run),
    )


def open_saying_where(app: App) -> Session:
    """Return the session of a changing verb, after the line that says where it works: in which cluster and namespace.

    Raises:
        ClusterError: when the cluster cannot be asked.
    """
    session = open_session(app)
    say_where(app, session, session.namespace)
    return session


def say_where(app: App, session: Session, namespace: str) -> None:
    """Print the line that every changing run begins with.

    Args:
        app: the running command: its settings, output and clock.
        session: the cluster that the command talks to.
        namespace: of the release.

    Raises:
        ClusterError: when the cluster cannot be asked.
    """
    app.screen.say_lines([identity_line(session.identity(), namespace)])


def ask(app: App, question: str) -> bool:
    """Ask on the terminal; anything but yes is no."""
    app.screen.ask(question)
    with app.stop.at_once():
        return sys.stdin.readline().strip().lower() in _YES


def _second_look(*, is_second_look: bool) -> list[Line]:
    if not is_second_look:
        return []
    return [Line("the cluster changed since the plan was shown; this is what would be done now:", "yellow")]
