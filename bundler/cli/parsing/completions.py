"""What the shell is offered when someone presses Tab: releases, namespaces, bundles, contexts. Layer: cli.

Whatever goes wrong, nothing is offered and nothing said: no one wants to read of an error in the middle of a word.
"""

from __future__ import annotations

import io
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from click.shell_completion import CompletionItem

from bundler import cluster, loader
from bundler.cli.adapters.session import EMBEDDED, FROM_KUBECONFIG, SANDBOX, is_embedded, open_session, sandbox_path
from bundler.cli.session.settings import CommonOptions
from bundler.cli.terminal.screen import Screen
from bundler.cli.terminal.telling import Telling
from bundler.concurrency import in_thread
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import click

    from bundler.cli.session.app import App
    from bundler.cli.session.invocation import Invocation
    from bundler.errors import BundlerError
    from bundler.model.release import RevisionSummary

_T = TypeVar("_T")

LIMIT_S = 2.0
"""A user who presses Tab waits no longer for a cluster."""
_BUDGET_S = 1.5
"""Of the requests: they should end before no one listens any more."""


def complete_releases(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the releases of the context and namespace that were typed, each with its status."""
    found = _in_time(lambda app: _summaries(app, everywhere=False), ctx)
    return _items({one.release: one.status.value for one in found}, incomplete)


def complete_namespaces(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the namespaces that have releases."""
    found = _in_time(lambda app: _summaries(app, everywhere=True), ctx)
    return _items({one.namespace: "" for one in found}, incomplete)


def complete_contexts(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the contexts of the kubeconfig, and the embedded cluster."""
    known = set(_in_time(_contexts, ctx))
    ours = {EMBEDDED, FROM_KUBECONFIG} if SANDBOX in known else {SANDBOX}
    return _items(dict.fromkeys(known - {SANDBOX} | ours, ""), incomplete)


def complete_bundles(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the bundles that can be named, and let the shell complete paths.

    The shell's part comes first: bash would drop what came before it.
    """
    paths = CompletionItem(incomplete, type="file")
    return [paths] if "/" in incomplete else [paths, *_items(dict.fromkeys(_in_time(_bundles, ctx), ""), incomplete)]


def _items(names: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    """Return those that begin as typed, sorted; what cannot be shown in a line would be taken for several."""
    fitting = sorted(name for name in names if name.startswith(incomplete) and name.isprintable())
    return [CompletionItem(name, help=names[name] or None) for name in fitting]


def _in_time(ask: Callable[[App], Sequence[_T]], ctx: click.Context) -> Sequence[_T]:
    """Return what ``ask`` returns within the time limit; nothing where it fails, or takes longer."""
    answers: list[Sequence[_T]] = []

    def work() -> None:
        with suppress(Exception), ExitStack() as closing:
            answers.append(ask(_silent_app(ctx, closing)))

    thread = in_thread(work, name="completion")
    thread.start()
    thread.join(LIMIT_S)
    return answers[0] if answers else ()


def _silent_app(ctx: click.Context, closing: ExitStack) -> App:
    """Return what a verb would work with, but for a voice and someone to ask."""
    invocation: Invocation = ctx.obj
    given = ctx.params
    options = CommonOptions(
        quiet=True,
        timeout_s=_BUDGET_S,
        context=given.get("context"),
        kubeconfig=given.get("kubeconfig"),
        namespace=given.get("namespace"),
    )
    app = invocation.app(options, ("text",))
    environment = replace(app.settings.environment, stdin_is_terminal=False)
    mute = Screen(io.StringIO(), io.StringIO(), looks=app.screen.looks, redactor=app.redactor, is_quiet=True)
    return replace(
        app,
        settings=replace(app.settings, environment=environment),
        screen=mute,
        telling=Telling(mute, app.clock, closing),
        closing=closing,
    )


def _summaries(app: App, *, everywhere: bool) -> Sequence[RevisionSummary]:
    if is_embedded(app) and not sandbox_path(app).is_file():
        return ()  # opening it would make it
    scope = open_session(app).scope
    namespace = "" if everywhere else scope.namespace()
    return scope.ports().store.summaries(namespace=namespace, on_unreadable=_pass_over)


def _pass_over(error: BundlerError) -> None:
    """A record that cannot be read has no say in this."""
    del error


def _contexts(app: App) -> Sequence[str]:
    environment = app.settings.environment
    return cluster.kubeconfig.known_contexts(
        environment.variables, home=environment.home, kubeconfig=app.settings.kubeconfig
    )


def _bundles(app: App) -> Sequence[str]:
    return loader.locate.known_names(app.settings.environment.bundle_path)


COMPLETIONS: Final[Mapping[str, Callable[[click.Context, str], list[CompletionItem]]]] = {
    "releases": complete_releases,
    "namespaces": complete_namespaces,
    "contexts": complete_contexts,
    "bundles": complete_bundles,
}
"""By what :func:`bundler.cli.parsing.arguments.offers` is asked for."""
