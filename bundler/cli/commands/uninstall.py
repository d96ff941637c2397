"""``bundler uninstall``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.flows.rollback import carry_out_removal
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import policy_option, run_options
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App


@verb("uninstall")
@release_argument
@run_options
@policy_option
def uninstall_command(app: App, *, release: str, run: RunFlags, site: Path | None) -> int:
    """Delete what RELEASE owns, and its records.

    Volume claims, generated secrets, namespaces and CRDs are kept, and named. Where no one can be asked it needs --yes;
    custom resources, which may hold data, are deleted with --accept-data-loss.
    """
    return carry_out_removal(app, release, run, site)
