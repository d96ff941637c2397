"""Compare two revisions or two bundles: from what was typed to a result that is shown. Layer: cli."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from bundler.cli.adapters.session import open_session
from bundler.cli.flows.install import EXIT_PENDING
from bundler.cli.output.comparison import show_comparison
from bundler.cli.parsing.command import COMMON_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bundler import Comparison, ReleaseRequest, Session
    from bundler.cli.output.difference import DiffView
    from bundler.cli.session.app import App

_REVISIONS: Final = re.compile(r"([1-9][0-9]*)(?:\.\.([1-9][0-9]*)?)?")
_PATH_MARKS: Final = ("/", "\\", "@")
_PATH_ENDS: Final = (".tgz", ".bundle")
_OF_TWO_REVISIONS: Final = frozenset({"release", "bundle", "revision", "full", "exit_code", "show_secrets"})
_OF_TWO_BUNDLES: Final = _OF_TWO_REVISIONS - {"revision"} | {
    "files", "set_values", "set_json", "set_file", "set_env", "site", "kube_version", "registry_ca", "insecure_http",
    "offline", "max_total_bytes", "max_file_bytes", "max_files", "max_ratio",
}  # fmt: skip


def names_bundle(word: str) -> bool:
    """Return whether a word can only name a bundle, and no release: a path, an address, a name with a version."""
    return word in {".", ".."} or word.endswith(_PATH_ENDS) or any(mark in word for mark in _PATH_MARKS)


def revision_numbers(text: str) -> tuple[int, int]:
    """Read ``3..5``; ``3`` and ``3..`` leave the second one to the revision that is deployed: 0.

    Raises:
        click.BadParameter: when the text is neither.
    """
    found = _REVISIONS.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a pair of revisions; write 3..5, or 3 for 3 and the deployed one")
    return int(found[1]), int(found[2] or 0)


def diff_revisions(app: App, release: str, text: str, view: DiffView, *, exits_pending: bool) -> int:
    """Show what differs between two recorded revisions; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        release: its name.
        text: both numbers, as typed.
        view: how the difference is shown.
        exits_pending: return 3 if anything differs.

    Raises:
        BundlerError: when there is no such revision, or it cannot be read.
    """
    _refuse_others(_OF_TWO_REVISIONS, "--revision compares what is recorded, so it takes no")
    numbers = revision_numbers(text)
    return _show(app, lambda session: session.compare_revisions(release, *numbers), view, exits_pending)


def diff_bundles(app: App, before: str, request: ReleaseRequest, view: DiffView, *, exits_pending: bool) -> int:
    """Show what differs between what two bundles render to; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        before: the bundle that is compared first.
        request: the other one, with the values of both.
        view: how the difference is shown.
        exits_pending: return 3 if anything differs.

    Raises:
        BundlerError: when one of them cannot be had or rendered.
    """
    _refuse_others(_OF_TWO_BUNDLES, "two bundles are compared without a release, so there is no use for")
    return _show(app, lambda session: session.compare_bundles(before, request), view, exits_pending)


def _show(app: App, compare: Callable[[Session], Comparison], view: DiffView, exits_pending: bool) -> int:  # noqa: FBT001
    found = compare(open_session(app))
    if view.shows_secrets:
        app.screen.show_secrets()
    show_comparison(app, found, view)
    return EXIT_PENDING if exits_pending and found.differs else 0


def _refuse_others(allowed: Collection[str], why: str) -> None:
    """Refuse options of the other ways to use the verb: what would be ignored is a mistake.

    Raises:
        click.UsageError: naming them.
    """
    context = click.get_current_context()
    others = [one for one in context.command.params if one.name not in {*allowed, *COMMON_OPTIONS}]
    is_typed = click.core.ParameterSource.COMMANDLINE
    typed = [one.opts[0] for one in others if one.name and context.get_parameter_source(one.name) is is_typed]
    if typed:
        raise click.UsageError(f"{why} {', '.join(typed)}")
