"""Suspend, resume, approve, retry: what a person says to the controller of one release. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.cli.flows.confirm import EXIT_DECLINED, ask, open_saying_where
from bundler.cli.flows.order_plan import plan_of_order, show_order_plan
from bundler.cli.output.orders import show_order, waiting_plan_lines
from bundler.cli.parsing.order_options import OrderFlags
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.errors.change import OrderNotFoundError
from bundler.model.json import int_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.orders import APPROVE, RETRY, is_suspended, order_ref, with_note, with_suspension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bundler import Session
    from bundler.cli.session.app import App
    from bundler.model.json import Body

_SUSPENDING: Final = "nothing of the release is written by its controller from now on; readiness and drift are reported"
_RETRYING: Final = "what failed is tried once more, with the same bundle and values"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """Something said to a controller: what it means, and how it is written."""

    means: tuple[Line, ...]
    question: str
    """Empty: no one is asked."""
    change: Callable[[Body], Body]


def carry_out_suspend(app: App, release: str) -> int:
    """Suspend the order of a release; return the exit code.

    Raises:
        OrderNotFoundError: when the release has none.
    """
    session, body = _read(app, release)
    if is_suspended(body):
        app.screen.say("it is suspended already")
        show_order(app, body)
        return 0
    word = _Word(means=(Line(_SUSPENDING),), question="", change=lambda one: with_suspension(one, is_on=True))
    return _say(app, session, body, word, OrderFlags(no_wait=True))


def carry_out_resume(app: App, release: str, flags: OrderFlags) -> int:
    """Compare the release with its order, show what would change, and resume; return the exit code.

    Args:
        app: the running command.
        release: its name.
        flags: whether to ask and to wait.

    Raises:
        OrderNotFoundError: when the release has none.
        BundlerError: what would stop its controller.
    """
    session, body = _read(app, release)
    if not is_suspended(body):
        app.screen.say("it is not suspended")
        show_order(app, body)
        return 0
    proposal = plan_of_order(session, body)
    app.screen.say(
        "resuming the order would change this:" if not proposal.plan.is_empty else "the release is as ordered"
    )
    show_order_plan(app, proposal)
    word = _Word(means=(), question=f"Resume {release}?", change=lambda one: with_suspension(one, is_on=False))
    return _say(app, session, body, word, flags)


def carry_out_approve(app: App, release: str, flags: OrderFlags) -> int:
    """Show the plan that waits, and approve it and no other; return the exit code.

    Args:
        app: the running command.
        release: its name.
        flags: whether to ask and to wait.

    Raises:
        OrderNotFoundError: when the release has none.
        UsageError: when no plan of it waits.
    """
    session, body = _read(app, release)
    plan = mapping_at(body, "status", "plan")
    digest = text_at(plan, "digest")
    seen, now = int_at(body, "status", "observedGeneration"), int_at(body, "metadata", "generation")
    if not digest or seen != now:
        found = "no plan of it waits" if seen == now else f"the controller has not seen generation {now} yet"
        raise UsageError(
            f"looking for a plan of {release} that waits for an approval",
            context=[found],
            hint=f"read `kubectl describe rls {release} -n {session.namespace}`, and wait for what it says",
        )
    word = _Word(
        means=tuple(waiting_plan_lines(plan)),
        question=f"Approve this plan of {release}?",
        change=lambda one: with_note(one, APPROVE, digest),
    )
    return _say(app, session, body, word, flags)


def carry_out_retry(app: App, release: str, flags: OrderFlags) -> int:
    """Let the controller try once more what failed; return the exit code.

    Args:
        app: the running command.
        release: its name.
        flags: whether to wait.

    Raises:
        OrderNotFoundError: when the release has none.
    """
    session, body = _read(app, release)
    last = mapping_at(body, "status", "lastAttempt")
    said = ": ".join(filter(None, (text_at(last, "result"), text_at(last, "message"))))
    means = (*([Line(f"the last attempt: {said}")] if said else ()), Line(_RETRYING))
    token = app.clock.now().isoformat(timespec="milliseconds")
    word = _Word(means=means, question="", change=lambda one: with_note(one, RETRY, token))
    return _say(app, session, body, word, flags)


def _read(app: App, release: str) -> tuple[Session, Body]:
    session = open_saying_where(app)
    body = session.cluster.get(order_ref(session.namespace, release))
    if body is None:
        raise no_order(release, session.namespace)
    return session, body


def no_order(release: str, namespace: str) -> OrderNotFoundError:
    """Return the error for a release without an order."""
    return OrderNotFoundError(
        f"reading the order of release {release}",
        context=[f"there is no Release/{release} in namespace {namespace}"],
        hint="check the name and the namespace (-n); `bundler list -A` shows which releases are kept by orders",
    )


def _say(app: App, session: Session, body: Body, word: _Word, flags: OrderFlags) -> int:
    """Say what a word means, ask, write it, and wait for what comes of it."""
    app.screen.say_lines(_shown(app, word.means))
    if word.question and app.may_ask and not flags.yes and not ask(app, f"{word.question} [y/N] "):
        app.screen.say("nothing was written")
        return EXIT_DECLINED
    meta = mapping_at(body, "metadata")
    written = session.order(text_at(meta, "name"), word.change, namespace=text_at(meta, "namespace"))
    show_order(app, written if flags.no_wait else session.wait_for_order(written))
    return 0


def _shown(app: App, lines: Iterable[Line]) -> list[Line]:
    return [Line(app.screen.shown(line.text), line.style) for line in lines]
